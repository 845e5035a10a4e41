-- Prices of every token in buckets of five minutes: trades, else midpoints.
-- Grain: one row per token and five minutes with a match or a price.
-- Key: token_id, bucket_start
-- Units: open, high, low, close in dollars a share, volume_shares in shares,
-- volume_usd in dollars, bucket_start UTC, a whole five minutes.
-- Sources: gold.matches, gold.price_candles
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

matches as (
    select
        *,
        row(traded_at, coalesce(order_in_second, 0), price) as place
    from gold.matches
    where price is not null
),

midpoints as (
    select * from gold.price_candles
    where width = '5m'
),

traded as (
    select
        token_id,
        condition_id,
        outcome,
        time_bucket(interval 5 minutes, traded_at) as bucket_start,
        arg_min(price, place) as open,
        max(price) as high,
        min(price) as low,
        arg_max(price, place) as close,
        sum(size) as volume_shares,
        coalesce(sum(notional_usd), 0) as volume_usd,
        count(*) as matches,
        count(*) filter (where taker_address is null) as matches_taker_unknown
    from matches
    group by all
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
