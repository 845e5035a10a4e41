-- Matches of ten thousand dollars or more: who took them, where, at what price.
-- Grain: one row per taker's fill of that size.
-- Key: usd_rank
-- Units: notional_usd in dollars, price in dollars a share, size in shares,
-- percentile and share_of_market as fractions from 0 to 1, traded_at UTC.
-- Sources: gold.matches, silver.MarketDay, silver.MarketKey
-- Ten thousand dollars is what people watch this exchange's large trades from;
-- for another threshold ask gold.matches. The taker's side of the match counts:
-- a large order that rested and was taken in pieces is not here. usd_rank
-- counts from the largest of the lake, market_rank from the largest of its
-- market; percentile is the part of all matches of known dollars that are not
-- larger. share_of_market is the part of the market's known dollars.
-- Columns:
-- usd_rank: 1 for the largest of the lake
-- market_rank: 1 for the largest of its market
-- percentile: part of all matches that are not larger, 0 to 1
-- share_of_market: part of the market's known dollars, 0 to 1
with

market_keys as (
    select * from silver.MarketKey
),

market_sums as (
    select
        market_key,
        sum(matches_usd_known) as matches,
        sum(volume_usd) as market_usd
    from silver.MarketDay
    group by all
),

of_market as (
    select
        market_keys.condition_id,
        market_sums.matches,
        market_sums.market_usd
    from market_sums
    inner join market_keys on market_sums.market_key = market_keys.market_key
),

of_all as (
    select sum(matches) as matches from of_market
),

whales as (
    select * from gold.matches
    where notional_usd >= 10000
),

ranked as (
    select
        whales.*,
        of_market.market_usd,
        of_all.matches,
        row_number() over (
            order by
                whales.notional_usd desc,
                whales.traded_at asc,
                whales.transaction_hash asc,
                whales.token_id asc,
                whales.occurrence asc
        ) as usd_rank,
        rank() over (order by whales.notional_usd desc) as place,
        row_number() over (
            partition by whales.condition_id
            order by
                whales.notional_usd desc,
                whales.traded_at asc,
                whales.transaction_hash asc,
                whales.token_id asc,
                whales.occurrence asc
        ) as market_rank
    from whales
    inner join of_market on whales.condition_id = of_market.condition_id
    cross join of_all
),

measured as (
    select
        usd_rank,
        market_rank,
        traded_at,
        condition_id,
        token_id,
        outcome,
        question,
        taker_address,
        side,
        price,
        size,
        notional_usd,
        transaction_hash,
        1 - (place - 1) / matches as percentile,
        notional_usd / market_usd as share_of_market
    from ranked
),

final as (
    select
        usd_rank,
        market_rank,
        traded_at,
        condition_id,
        token_id,
        outcome,
        question,
        taker_address,
        side,
        price,
        size,
        notional_usd,
        percentile,
        share_of_market,
        transaction_hash
    from measured
)

select * from final
