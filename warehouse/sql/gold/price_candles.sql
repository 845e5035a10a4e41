-- Midpoints of every token's order book in buckets, traded or not.
-- Grain: one row per token, width and bucket with a price.
-- Key: token_id, width, bucket_start
-- Units: open, high, low, close in dollars a share, bucket_start UTC.
-- Sources: silver.PriceHistoryFact, silver.MarketTokenDim
-- width is 5m, 1h or 1d. A bucket is made of points at least as fine as itself:
-- of prices that the exchange keeps by the half hour there are candles of hours
-- and days. What a share was paid in the end is no midpoint and not here. Of a
-- binary market's second token, where it has no price of its own in the bucket,
-- the first one's stand at 1 less their price (is_mirrored), as in gold.prices.
-- A lake may hold thousands of points for each trade: ask by token_id or
-- condition_id, and by width.
-- Columns:
-- width: 5m, 1h or 1d
-- points: prices in the bucket
-- is_mirrored: made from the other token's prices
with

points as (
    select
        *,
        -- whole seconds; of two resolutions at one moment the finer one counts
        cast(epoch(observed_at) as bigint) * 1000000
        + resolution_seconds as place_from_start,
        cast(epoch(observed_at) as bigint) * 1000000
        - resolution_seconds as place_from_end
    from silver.PriceHistoryFact
    where resolution_seconds > 0 and price between 0 and 1
),

tokens as (
    select * from silver.MarketTokenDim
),

widths (width, width_seconds) as (
    values ('5m', 300), ('1h', 3600), ('1d', 86400)
),

binary_markets as (
    select
        market_key,
        min(token_key) filter (where outcome_index = 0) as first_token_key,
        min(token_key) filter (where outcome_index = 1) as second_token_key
    from tokens
    where is_listed
    group by market_key
    having count(*) = 2
),

-- whose points each token's candles are made of
shown as (
    select
        token_key,
        token_id,
        condition_id,
        outcome,
        true as is_own
    from tokens
    union all
    select
        binary_markets.first_token_key as token_key,
        tokens.token_id,
        tokens.condition_id,
        tokens.outcome,
        false as is_own
    from tokens
    inner join binary_markets
        on tokens.token_key = binary_markets.second_token_key
    where binary_markets.first_token_key is not null
),

bucketed as (
    select
        shown.token_id,
        shown.condition_id,
        shown.outcome,
        shown.is_own,
        widths.width,
        points.price,
        points.place_from_start,
        points.place_from_end,
        time_bucket(
            to_seconds(widths.width_seconds), points.observed_at
        ) as bucket_start
    from points
    inner join shown on points.token_key = shown.token_key
    inner join widths on points.resolution_seconds <= widths.width_seconds
),

measured as (
    select
        token_id,
        condition_id,
        outcome,
        width,
        bucket_start,
        arg_min(price, place_from_start) filter (where is_own) as own_open,
        max(price) filter (where is_own) as own_high,
        min(price) filter (where is_own) as own_low,
        arg_max(price, place_from_end) filter (where is_own) as own_close,
        count(*) filter (where is_own) as own_points,
        arg_min(price, place_from_start) as other_open,
        max(price) as other_high,
        min(price) as other_low,
        arg_max(price, place_from_end) as other_close,
        count(*) as other_points
    from bucketed
    group by all
),

final as (
    select
        token_id,
        condition_id,
        outcome,
        width,
        bucket_start,
        coalesce(own_open, round(1 - other_open, 9)) as open,
        coalesce(own_high, round(1 - other_low, 9)) as high,
        coalesce(own_low, round(1 - other_high, 9)) as low,
        coalesce(own_close, round(1 - other_close, 9)) as close,
        if(own_points > 0, own_points, other_points) as points,
        own_points = 0 as is_mirrored
    from measured
)

select * from final
