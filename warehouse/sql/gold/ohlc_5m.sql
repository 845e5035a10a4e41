-- Prices of every token in buckets of five minutes, as they were traded.
-- Grain: one row per token and five minutes with a match.
-- Key: token_id, bucket_start
-- Units: open, high, low, close in dollars a share, volume_shares in shares,
-- volume_usd in dollars, bucket_start UTC, a whole five minutes.
-- Sources: gold.matches
-- Made of takers' fills: a taker who bought No is in the candle of No, and not,
-- mirrored, in that of Yes. Of unknown takers see gold.matches: they count in
-- matches_taker_unknown, and in volume_usd where their dollars are known.
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

measured as (
    select
        token_id,
        condition_id,
        outcome,
        'trades' as source,
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
        source,
        open,
        high,
        low,
        close,
        volume_shares,
        volume_usd,
        matches,
        matches_taker_unknown
    from measured
)

select * from final
