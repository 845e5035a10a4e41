-- Whether all fills of each market are held, and if not, why not.
-- Grain: one row per market that any source has named.
-- Key: condition_id
-- Units: shares, each match once; as_of UTC.
-- Sources: gold.market_coverage, gold.market_totals, silver.UnbalancedMatch,
-- silver.TakerPending, silver.Expiry, silver.MarketKey, silver.MarketDim
-- complete needs all of: (a) the market is covered without a gap and every row
-- that was served is held, (b) in every match the taker's size is its makers',
-- (c) the exchange's own total agrees. docs/completeness.md says how each is
-- judged and what each reason means. as_of is the time up to which the status
-- speaks: fills made later may be held as well. A market whose fills are whole
-- but for which the exchange names no total is unknown, with an empty reason.
-- One of which retention let fills go is partial, expired: that is no loss.
-- Columns:
-- status: complete, partial or unknown
-- as_of: the status speaks of fills up to here; later ones may be held too
with

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

coverage as (
    select * from gold.market_coverage
),

totals as (
    select * from gold.market_totals
),

unbalanced as (
    select * from silver.UnbalancedMatch
),

pending as (
    select * from silver.TakerPending
),

known as (
    select
        market_keys.market_key,
        market_keys.condition_id,
        coverage.walked_to_end_at,
        coverage.walks_agree,
        coverage.chain_problem,
        coverage.covered_to,
        coverage.rows_missing,
        coverage.rows_too_many,
        coverage.doubted_from,
        coverage.rows_expired,
        totals.trades_held,
        totals.shares_held,
        totals.rows_in_table,
        totals.rows_put_in,
        totals.is_as_put_in,
        totals.shares_expected,
        totals.expected_source,
        totals.counted_at,
        totals.verdict,
        totals.short_by,
        totals.was_short_before_walk,
        markets.volume as gamma_volume,
        coalesce(markets.question, market_keys.title) as question,
        coalesce(markets.market_maker_address, '') <> '' as is_amm,
        -- condition and event queries reach back three years
        coalesce(
            coalesce(markets.created_at, markets.start_at)
            < coverage.walked_to_end_at - interval 1095 days,
            false
        ) as is_older_than_window
    from market_keys
    inner join coverage on market_keys.condition_id = coverage.condition_id
    inner join totals on market_keys.condition_id = totals.condition_id
    left join markets on market_keys.market_key = markets.market_key
),

-- A fill below 0.01 shares is never served. A match may lack one or two of
-- them, and one more for every ten fills that it has.
sorted_gaps as (
    select
        known.market_key,
        unbalanced.net_shares,
        unbalanced.net_shares
        < 0.01 * (2 + floor(unbalanced.fills / 10)) as is_dust,
        coalesce(
            unbalanced.traded_at
            < known.walked_to_end_at - interval 1095 days,
            false
        ) as is_before_window
    from unbalanced
    inner join known on unbalanced.market_key = known.market_key
    where
        unbalanced.traded_at
        <= coalesce(known.covered_to, unbalanced.traded_at)
),

match_gaps as (
    select
        market_key,
        count_if(is_dust) as dusty,
        sum(if(is_dust, net_shares, 0)) / 2 as dusty_shares,
        count_if(not is_dust and not is_before_window) as broken,
        count_if(not is_dust and is_before_window) as broken_before_window
    from sorted_gaps
    group by all
),

expiry as (
    select max(expired_before) as expired_before
    from silver.Expiry
    where dataset = 'trades'
),

unanswered as (
    select
        known.market_key,
        count(*) as taker_rows
    from pending
    cross join expiry
    inner join known on pending.market_key = known.market_key
    where
        pending.traded_at <= coalesce(known.covered_to, pending.traded_at)
        and pending.traded_at
        >= coalesce(expiry.expired_before, pending.traded_at)
    group by all
),

evidence as (
    select
        known.*,
        coalesce(match_gaps.dusty, 0) as dusty,
        coalesce(match_gaps.broken, 0) as broken,
        coalesce(match_gaps.broken_before_window, 0) as broken_before_window,
        coalesce(unanswered.taker_rows, 0) as taker_rows,
        known.short_by - coalesce(match_gaps.dusty_shares, 0)
        <= 0.05 + 0.01 * coalesce(match_gaps.dusty, 0) as is_short_by_dust,
        known.doubted_from is not null and not coalesce(
            known.verdict = 'agrees'
            and known.counted_at >= known.doubted_from,
            false
        ) as is_doubted,
        known.rows_expired > 0 and known.verdict <> 'agrees' as is_expired
    from known
    left join match_gaps on known.market_key = match_gaps.market_key
    left join unanswered on known.market_key = unanswered.market_key
),

-- the first line that is true decides; complete is what nothing speaks against
judged as (
    select
        *,
        case
            -- (a) what came in is not what is here: our own loss
            when rows_missing > 0 or rows_in_table < rows_put_in
                then 'partial missing_rows'
            when rows_too_many > 0 or rows_in_table > rows_put_in
                then 'partial excess_rows'
            when not is_as_put_in then 'partial missing_rows'
            -- (a) not walked through
            when
                chain_problem = 'never_walked'
                and (trades_held = 0 or verdict <> 'short')
                then 'unknown never_walked'
            when chain_problem <> '' then 'partial ' || chain_problem
            when is_doubted and not is_expired then 'unknown missing_rows'
            -- (b) a match lacks a fill that could have been served
            when taker_rows + broken > 0
                then
                    if(
                        walks_agree,
                        'partial exchange_hole',
                        'partial missing_rows'
                    )
            when broken_before_window > 0 then 'partial service_window'
            -- what retention let go no total can agree with any more
            when is_expired and verdict <> 'over' then 'partial expired'
            -- (c) the exchange's own total
            when is_amm and gamma_volume is null then 'unknown amm_era'
            when is_amm and gamma_volume > shares_held + 0.05
                then 'partial amm_era'
            when verdict = 'over' then 'partial excess_rows'
            when verdict in ('short', 'open') and is_short_by_dust
                then 'partial dust_floor'
            when verdict = 'short' and is_older_than_window
                then 'partial service_window'
            when verdict = 'short'
                then
                    if(
                        walks_agree and was_short_before_walk,
                        'partial exchange_hole',
                        'partial missing_rows'
                    )
            when dusty > 0 then 'partial dust_floor'
            when verdict = 'agrees' then 'complete '
            when verdict = 'open' then 'unknown walk_unfinished'
            when is_older_than_window then 'unknown service_window'
            else 'unknown '
        end as judgement
    from evidence
),

described as (
    select
        condition_id,
        question,
        trades_held,
        shares_held,
        shares_expected,
        expected_source,
        least(covered_to, counted_at) as as_of,
        split_part(judgement, ' ', 1) as status,
        split_part(judgement, ' ', 2) as reason
    from judged
),

final as (
    select
        condition_id,
        question,
        trades_held,
        shares_held,
        shares_expected,
        expected_source,
        as_of,
        status,
        reason
    from described
)

select * from final
