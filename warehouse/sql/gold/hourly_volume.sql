-- What was traded in each market in each hour, every match counted once.
-- Grain: one row per market and UTC hour with a fill.
-- Key: condition_id, trade_hour
-- Units: volume_shares in shares, volume_usd in dollars, trade_hour UTC, the
-- hour's beginning.
-- Sources: silver.TradeFact, silver.MarketKey, silver.MarketDim
-- Counted as gold.daily_volume counts: the hours of a day add up to it, except
-- traders.
with

fills as (
    select
        *,
        date_trunc('hour', traded_at) as trade_hour,
        price * size as notional_usd
    from silver.TradeFact
    where withdrawn_at is null
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

-- by trader first: that is several times faster than count(distinct)
traders_of_hour as (
    select
        market_key,
        trade_hour,
        trader_key,
        count(*) as trades,
        count(*) filter (where is_taker) as taker_rows,
        sum(size) as both_sides_shares,
        sum(if(is_taker, notional_usd, 0)) as takers_usd
    from fills
    group by all
),

all_sides as (
    select
        market_key,
        trade_hour,
        count(*) as traders,
        sum(trades) as trades,
        sum(taker_rows) as taker_rows,
        sum(both_sides_shares) / 2 as volume_shares,
        sum(takers_usd) as takers_usd
    from traders_of_hour
    group by all
),

matches_of_unknown_taker as (
    select
        market_key,
        trade_hour,
        traded_at,
        transaction_hash,
        sum(size) / 2 as match_shares,
        case
            when
                count(*) = 2
                and count(distinct token_key) = 1
                and count(distinct is_buy) = 2
                then sum(notional_usd) / 2
        end as match_usd
    from fills
    where is_taker is null
    group by all
),

unknown_takers as (
    select
        market_key,
        trade_hour,
        count(*) as matches,
        count(*) filter (where match_usd is null) as matches_usd_unknown,
        sum(match_shares)
        filter (where match_usd is null) as shares_usd_unknown,
        sum(match_usd) as usd
    from matches_of_unknown_taker
    group by all
),

described as (
    select
        market_keys.condition_id,
        all_sides.trade_hour,
        all_sides.traders,
        all_sides.volume_shares,
        cast(all_sides.trades as bigint) as trades,
        cast(
            all_sides.taker_rows + coalesce(unknown_takers.matches, 0)
            as bigint
        ) as matches,
        coalesce(markets.question, market_keys.title) as question,
        coalesce(all_sides.takers_usd, 0)
        + coalesce(unknown_takers.usd, 0) as volume_usd,
        coalesce(unknown_takers.matches_usd_unknown, 0) as matches_usd_unknown,
        coalesce(unknown_takers.shares_usd_unknown, 0) as shares_usd_unknown
    from all_sides
    inner join market_keys on all_sides.market_key = market_keys.market_key
    left join markets on all_sides.market_key = markets.market_key
    left join unknown_takers
        on
            all_sides.market_key = unknown_takers.market_key
            and all_sides.trade_hour = unknown_takers.trade_hour
),

final as (
    select
        trade_hour,
        condition_id,
        question,
        trades,
        matches,
        traders,
        volume_shares,
        volume_usd,
        matches_usd_unknown,
        shares_usd_unknown
    from described
)

select * from final
