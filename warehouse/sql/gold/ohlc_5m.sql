-- Prices of every token in buckets of five minutes: trades, else midpoints.
-- Grain: one row per token and five minutes with a match or a price.
-- Key: token_id, bucket_start
-- Units: open, high, low, close in dollars a share, volume_shares in shares,
-- volume_usd in dollars, bucket_start UTC, a whole five minutes.
-- Sources: silver.MatchByKey, silver.MarketKey, silver.MarketTokenDim,
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

matches as not materialized (
    select * from silver.MatchByKey
    where price is not null
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

-- Grouped by names: so who asks for one market, token or day has only its
-- matches read
traded as not materialized (
    select
        tokens.token_id,
        market_keys.condition_id,
        tokens.outcome,
        time_bucket(interval 5 minutes, matches.traded_at) as bucket_start,
        arg_min(
            matches.price,
            row(
                matches.traded_at,
                coalesce(matches.order_in_second, 0),
                matches.price
            )
        ) as open,
        max(matches.price) as high,
        min(matches.price) as low,
        arg_max(
            matches.price,
            row(
                matches.traded_at,
                coalesce(matches.order_in_second, 0),
                matches.price
            )
        ) as close,
        sum(matches.size) as volume_shares,
        coalesce(sum(matches.notional_usd), 0) as volume_usd,
        count(*) as matches,
        count(*) filter (where matches.trader_key is null)
            as matches_taker_unknown
    from matches
    inner join market_keys on matches.market_key = market_keys.market_key
    inner join tokens on matches.token_key = tokens.token_key
    group by
        tokens.token_id, market_keys.condition_id, tokens.outcome,
        time_bucket(interval 5 minutes, matches.traded_at)
),

told as not materialized (
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
        token_id,
        condition_id,
        outcome,
        bucket_start,
        'prices' as source,
        open,
        high,
        low,
        close,
        0 as volume_shares,
        0 as volume_usd,
        0 as matches,
        0 as matches_taker_unknown
    from midpoints
),

-- trades is the greater word of the two
chosen as not materialized (
    select
        token_id,
        condition_id,
        outcome,
        bucket_start,
        arg_max(told, source) as candle
    from told
    group by token_id, condition_id, outcome, bucket_start
),

final as (
    select
        chosen.token_id,
        chosen.condition_id,
        chosen.outcome,
        chosen.bucket_start,
        chosen.candle.source,
        chosen.candle.open,
        chosen.candle.high,
        chosen.candle.low,
        chosen.candle.close,
        chosen.candle.volume_shares,
        chosen.candle.volume_usd,
        chosen.candle.matches,
        chosen.candle.matches_taker_unknown
    from chosen
)

select * from final
