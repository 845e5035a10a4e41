-- What the exchange says was traded in each market, against what is held.
-- Grain: one row per market that any source has named.
-- Key: condition_id
-- Units: shares, each match once; times UTC, on the clock of
-- gold.market_coverage.
-- Sources: gold.market_coverage, silver.TradeFact, silver.MarketTally,
-- silver.LiveVolumeFact, silver.WalkFact, silver.WalkPage, silver.MarketKey,
-- silver.MarketDim
-- Condition (c) of completeness, see docs/completeness.md. A total counts every
-- fill made ten minutes before it was read, and none made after; of a fill that
-- we first saw after the read, which may have been indexed late, it may say
-- either. verdict: agrees; short (we hold less than a total says that was read
-- at a time we have covered, or an hour after the last fill); over (we hold
-- more); open (we hold less than totals that were read while the market traded
-- beyond what we cover); none (the exchange names no total).
-- rows_in_table and rows_put_in differ where rows were taken out of, or put
-- into, silver.TradeFact by another hand than ingest's.
-- Columns:
-- rows_in_table: the market's rows of silver.TradeFact
-- rows_put_in: what ingest has put there
-- is_as_put_in: rows and shares are as ingest put them in
-- counted_at: when the exchange's total was read
-- verdict: agrees, short, over, open or none
-- short_by: shares that the total has more
-- was_short_before_walk: the total read before the walk was short, too
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

tallies as (
    select * from silver.MarketTally
),

walks as (
    select * from silver.WalkFact
),

pages as (
    select * from silver.WalkPage
),

totals as (
    select * from silver.LiveVolumeFact
    where taker_volume is not null
),

-- whole numbers: they know when nothing is missing. Those beyond a bigint are
-- added up apart, since wider ones are several times slower
counted_fills as (
    select
        market_key,
        count(*) as trades_held,
        sum(try_cast(round(size * 1000000) as bigint)) as size_micro,
        max(traded_at) as last_traded_at,
        max(first_seen_at) as last_seen_at
    from silver.TradeFact
    where
        withdrawn_at is null
        and not coalesce(getvariable('tallies_stand_for_fills'), false)
    group by market_key
),

enormous as (
    select
        market_key,
        sum(cast(round(size * 1000000) as hugeint)) as size_micro
    from silver.TradeFact
    where
        withdrawn_at is null
        and size > 9000000000000
        and not coalesce(getvariable('tallies_stand_for_fills'), false)
        and try_cast(round(size * 1000000) as bigint) is null
    group by market_key
),

withdrawn as (
    select
        market_key,
        count(*) as withdrawn_rows,
        sum(cast(round(size * 1000000) as hugeint)) as size_micro
    from silver.TradeFact
    where withdrawn_at is not null
    group by market_key
),

-- ingest, which put the fills in a moment ago, sets the variable: what it does
-- last need not read all of them then. Withdrawn fills may be the last here.
tallied_fills as (
    select
        tallies.market_key,
        tallies.rows_held
        - coalesce(withdrawn.withdrawn_rows, 0) as trades_held,
        round(cast(tallies.shares_held as double) * 1000000)
        - coalesce(withdrawn.size_micro, 0) as size_micro,
        tallies.last_traded_at,
        tallies.last_seen_at
    from tallies
    left join withdrawn on tallies.market_key = withdrawn.market_key
    where coalesce(getvariable('tallies_stand_for_fills'), false)
),

standing as (
    select * from counted_fills
    union all by name
    select * from tallied_fills
),

summed as (
    select
        market_keys.market_key,
        standing.last_traded_at,
        standing.last_seen_at,
        coalesce(standing.trades_held, 0) as trades_held,
        coalesce(withdrawn.withdrawn_rows, 0) as withdrawn_rows,
        coalesce(standing.size_micro, 0)
        + coalesce(enormous.size_micro, 0) as standing_micro,
        coalesce(withdrawn.size_micro, 0) as withdrawn_micro
    from market_keys
    left join standing on market_keys.market_key = standing.market_key
    left join enormous on market_keys.market_key = enormous.market_key
    left join withdrawn on market_keys.market_key = withdrawn.market_key
),

held as (
    select
        market_key,
        trades_held,
        last_traded_at,
        last_seen_at,
        trades_held + withdrawn_rows as rows_in_table,
        standing_micro + withdrawn_micro as micro_in_table,
        standing_micro / 2000000 as shares_held
    from summed
    where trades_held + withdrawn_rows > 0
),

-- by how much the exchange's clock is ahead of ours: nearly always nothing
clock as (
    select
        coalesce(
            max(pages.ts_newest - pages.fetched_at), interval 0 seconds
        ) as ahead
    from pages
    inner join walks on pages.walk_key = walks.walk_key
    where walks.dataset = 'trades' and pages.ts_newest > pages.fetched_at
),

-- the exchange may round its totals, to cents at the coarsest: to how many
-- decimals, all of them together tell, and half a unit of the last is allowed
decimals as (
    select unnest([2, 3, 4, 5]) as places
),

rounding as (
    select
        coalesce(
            max(0.5 * pow(10, -places)) filter (where is_rounded), 0
        ) + 0.00001 as tolerance
    from (
        select
            decimals.places,
            bool_and(
                abs(
                    totals.taker_volume
                    - round(totals.taker_volume, decimals.places)
                )
                < 0.00000001 * greatest(1, totals.taker_volume / 1000000)
            ) as is_rounded
        from totals
        cross join decimals
        group by all
        having bool_or(totals.taker_volume > 0)
    ) as by_places
),

walk_begins as (
    select
        totals.walk_key,
        min(totals.fetched_at)
        - coalesce(
            any_value(walks.started_at), min(totals.fetched_at)
        ) as clock_behind
    from totals
    left join walks on totals.walk_key = walks.walk_key
    group by all
),

live_reads as (
    select
        totals.market_key,
        totals.event_id,
        totals.taker_volume as total_shares,
        -- on our own clock, as first_seen_at of a fill is
        coalesce(totals.as_of, totals.fetched_at) as read_at,
        coalesce(
            totals.as_of, totals.fetched_at
        ) - walk_begins.clock_behind as counted_at
    from totals
    inner join walk_begins on totals.walk_key = walk_begins.walk_key
),

event_reads as (
    select
        event_id,
        max(read_at) as read_at,
        max(counted_at) as counted_at
    from live_reads
    group by all
),

named as (
    select distinct market_key from live_reads
),

reads as (
    select
        'live_volume' as expected_source,
        market_key,
        total_shares,
        read_at,
        counted_at
    from live_reads
    union all
    -- an event that was answered for, without a word of this market
    select
        'live_volume' as expected_source,
        markets.market_key,
        0 as total_shares,
        event_reads.read_at,
        event_reads.counted_at
    from markets
    inner join event_reads on markets.event_id = event_reads.event_id
    anti join named on markets.market_key = named.market_key
    anti join held on markets.market_key = held.market_key
    where
        coalesce(markets.market_maker_address, '') = ''
        and markets.created_at <= event_reads.counted_at
    union all
    select
        'gamma_volume' as expected_source,
        markets.market_key,
        markets.volume as total_shares,
        markets.source_fetched_at as read_at,
        markets.source_fetched_at as counted_at
    from markets
    anti join named on markets.market_key = named.market_key
    where markets.volume is not null
),

-- a market without a live total may have an implied zero and Gamma's: the
-- first counts
first_sources as (
    select
        market_key,
        max(expected_source) as expected_source
    from reads
    group by all
),

counted as (
    select
        reads.market_key,
        reads.expected_source,
        reads.counted_at,
        any_value(reads.total_shares) as total_shares,
        min(reads.read_at) as read_at,
        any_value(coverage.covered_to) as covered_to,
        any_value(coverage.walked_to_end_at) as walked_to_end_at
    from reads
    inner join first_sources
        on
            reads.market_key = first_sources.market_key
            and reads.expected_source = first_sources.expected_source
    inner join market_keys on reads.market_key = market_keys.market_key
    inner join coverage on market_keys.condition_id = coverage.condition_id
    group by all
),

-- of each market the latest read of all, of those at whose time the market was
-- covered, and of those before its last walk to the end
latest as (
    select
        market_key,
        'latest' as kind,
        max(counted_at) as counted_at
    from counted
    group by all
    union all
    select
        market_key,
        'settled' as kind,
        max(counted_at) as counted_at
    from counted
    where counted_at <= covered_to
    group by all
    union all
    select
        market_key,
        'before_walk' as kind,
        max(counted_at) as counted_at
    from counted
    where counted_at <= walked_to_end_at
    group by all
),

judged_reads as (
    select
        counted.market_key,
        counted.expected_source,
        counted.total_shares,
        counted.read_at,
        counted.counted_at,
        latest.kind,
        held.last_traded_at,
        held.last_seen_at,
        coalesce(held.shares_held, 0) as shares_held,
        if(
            counted.expected_source = 'live_volume',
            rounding.tolerance + 0.00000000001 * counted.total_shares,
            greatest(0.05, 0.000005 * coalesce(held.trades_held, 0))
        ) as tolerance,
        counted.counted_at - interval 10 minutes as all_before,
        counted.counted_at + clock.ahead
        + if(
            clock.ahead > interval 0 seconds,
            interval 10 minutes,
            interval 5 seconds
        ) as none_after
    from counted
    inner join latest
        on
            counted.market_key = latest.market_key
            and counted.counted_at = latest.counted_at
    cross join clock
    cross join rounding
    left join held on counted.market_key = held.market_key
),

-- only markets of which fills came since a read are looked at fill by fill
moments as (
    select
        market_key,
        none_after as moment,
        cast(null as timestamp) as seen_by
    from judged_reads
    where
        last_traded_at > none_after
        and abs(total_shares - shares_held) > tolerance
    union
    select
        market_key,
        all_before as moment,
        read_at as seen_by
    from judged_reads
    where
        (last_traded_at > all_before or last_seen_at > read_at)
        and abs(total_shares - shares_held) > tolerance
),

came_later as (
    select
        moments.market_key,
        moments.moment,
        moments.seen_by,
        sum(cast(round(fills.size * 1000000) as hugeint))
        / 2000000 as later_shares
    from moments
    inner join silver.TradeFact as fills
        on
            moments.market_key = fills.market_key
            and (
                moments.moment < fills.traded_at
                or moments.seen_by < fills.first_seen_at
            )
    where fills.withdrawn_at is null
    group by all
),

weighed as (
    select
        judged_reads.market_key,
        judged_reads.expected_source,
        judged_reads.kind,
        judged_reads.total_shares,
        judged_reads.counted_at,
        judged_reads.tolerance,
        judged_reads.kind = 'settled'
        or (
            judged_reads.kind = 'latest'
            and coalesce(
                judged_reads.last_traded_at
                <= judged_reads.counted_at - interval 1 hour,
                true
            )
        ) as is_decisive,
        abs(
            judged_reads.total_shares - judged_reads.shares_held
        ) <= judged_reads.tolerance as is_equal,
        judged_reads.total_shares
        - judged_reads.shares_held
        + coalesce(after_read.later_shares, 0) as short_by,
        judged_reads.total_shares
        - judged_reads.shares_held
        + coalesce(after_read.later_shares, 0)
        <= judged_reads.tolerance as is_reached,
        judged_reads.total_shares
        - judged_reads.shares_held
        + coalesce(since_settled.later_shares, 0)
        >= -judged_reads.tolerance as is_not_passed
    from judged_reads
    left join came_later as after_read
        on
            judged_reads.market_key = after_read.market_key
            and judged_reads.none_after = after_read.moment
            and after_read.seen_by is null
    left join came_later as since_settled
        on
            judged_reads.market_key = since_settled.market_key
            and judged_reads.all_before = since_settled.moment
            and judged_reads.read_at = since_settled.seen_by
),

spoken as (
    select
        market_key,
        case
            when bool_or(kind = 'latest' and is_equal) then 'agrees'
            when not bool_and(is_equal or is_not_passed) then 'over'
            when bool_or(is_decisive and not is_equal and not is_reached)
                then 'short'
            when bool_or(is_equal or (is_reached and is_not_passed))
                then 'agrees'
            else 'open'
        end as verdict,
        bool_or(
            kind = 'before_walk' and not is_equal and not is_reached
        ) as was_short_before_walk,
        arg_max(short_by, counted_at) filter (
            where is_decisive
        ) as decisive_short_by,
        max(short_by) filter (where kind = 'latest') as latest_short_by,
        max(short_by) filter (where kind = 'before_walk') as before_short_by
    from weighed
    group by all
),

-- the read that the verdict rests on, the latest of several
speakers as (
    select
        weighed.market_key,
        weighed.expected_source,
        weighed.total_shares,
        weighed.counted_at,
        weighed.tolerance
    from weighed
    inner join spoken on weighed.market_key = spoken.market_key
    qualify
        row_number() over (
            partition by weighed.market_key
            order by
                case spoken.verdict
                    when 'agrees'
                        then
                            weighed.is_equal
                            or (weighed.is_reached and weighed.is_not_passed)
                    when 'over' then not weighed.is_not_passed
                    when 'short' then weighed.is_decisive
                    else true
                end desc,
                weighed.counted_at desc,
                weighed.kind asc
        ) = 1
),

described as (
    select
        market_keys.condition_id,
        held.last_traded_at,
        speakers.expected_source,
        speakers.total_shares as shares_expected,
        speakers.counted_at,
        coalesce(held.trades_held, 0) as trades_held,
        coalesce(held.shares_held, 0) as shares_held,
        coalesce(held.rows_in_table, 0) as rows_in_table,
        coalesce(tallies.rows_held, 0) as rows_put_in,
        abs(
            coalesce(held.micro_in_table, 0) / 1000000
            - coalesce(tallies.shares_held, 0)
        ) <= 0.000001 * (
            1 + coalesce(held.rows_in_table, 0)
        ) as is_as_put_in,
        coalesce(spoken.verdict, 'none') as verdict,
        case spoken.verdict
            when 'short' then spoken.decisive_short_by
            when 'open' then spoken.latest_short_by
            else 0
        end as short_by,
        coalesce(
            spoken.was_short_before_walk
            and spoken.decisive_short_by
            <= spoken.before_short_by + speakers.tolerance,
            false
        ) as was_short_before_walk
    from market_keys
    left join held on market_keys.market_key = held.market_key
    left join tallies on market_keys.market_key = tallies.market_key
    left join spoken on market_keys.market_key = spoken.market_key
    left join speakers on market_keys.market_key = speakers.market_key
),

final as (
    select
        condition_id,
        trades_held,
        shares_held,
        last_traded_at,
        rows_in_table,
        rows_put_in,
        is_as_put_in,
        shares_expected,
        expected_source,
        counted_at,
        verdict,
        short_by,
        was_short_before_walk
    from described
)

select * from final
