-- Prices of every token in buckets of five minutes: trades, else midpoints.
-- Grain: one row per token and five minutes with a match or a price.
-- Key: token_id, bucket_start
-- Units: open, high, low, close in dollars a share, volume_shares in shares,
-- volume_usd in dollars, bucket_start UTC, a whole five minutes.
-- Sources: silver.MatchFact, silver.MarketKey, silver.MarketTokenDim,
-- gold.price_candles
-- source tells trades from prices: a bucket with a match is made of trades
-- alone, one without of the midpoints of gold.price_candles, with no volume. A
-- midpoint is no trade: `where source = 'trades'` leaves those out, and is
-- much faster.
-- Trades are takers' fills: a taker who bought No is in the candle of No, and
-- not, mirrored, in that of Yes. Of unknown takers see gold.matches: they count
-- in matches_taker_unknown, and in volume_usd where their dollars are known.
-- Within a second the order is that of the service; where it gives none
-- (API v1), the lower price counts as the earlier one.
with

candles as not materialized (
    select
        market_key,
        token_key,
        time_bucket(interval 5 minutes, traded_at) as bucket_start,
        arg_min(
            price, row(traded_at, coalesce(order_in_second, 0), price)
        ) as open,
        max(price) as high,
        min(price) as low,
        arg_max(
            price, row(traded_at, coalesce(order_in_second, 0), price)
        ) as close,
        sum(size) as volume_shares,
        coalesce(sum(notional_usd), 0) as volume_usd,
        count(*) as matches,
        count(*) filter (where trader_key is null) as matches_taker_unknown
    from silver.MatchFact
    where price is not null
    group by
        market_key, token_key, time_bucket(interval 5 minutes, traded_at)
),

market_keys as (
    select * from silver.MarketKey
),

tokens as (
    select * from silver.MarketTokenDim
),

midpoints as (
    select * from gold.price_candles
    where width = '5m'
),

traded as not materialized (
    select
        candles.*,
        tokens.token_id,
        tokens.outcome,
        market_keys.condition_id
    from candles
    inner join market_keys on candles.market_key = market_keys.market_key
    inner join tokens on candles.token_key = tokens.token_key
),

final as (
    select
        token_id,
        condition_id,
        outcome,
        bucket_start,
        'trades' as source,
        open,
        high,
        low,
        close,
        volume_shares,
        volume_usd,
        matches,
        matches_taker_unknown
    from traded
    union all
    select
        midpoints.token_id,
        midpoints.condition_id,
        midpoints.outcome,
        midpoints.bucket_start,
        'prices' as source,
        midpoints.open,
        midpoints.high,
        midpoints.low,
        midpoints.close,
        0 as volume_shares,
        0 as volume_usd,
        0 as matches,
        0 as matches_taker_unknown
    from midpoints
    anti join traded
        on
            midpoints.token_id = traded.token_id
            and midpoints.bucket_start = traded.bucket_start
)

select * from final
