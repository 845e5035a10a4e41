-- Midpoints of every token's order book in buckets, traded or not.
-- Grain: one row per token, width and bucket with a price.
-- Key: token_id, width, bucket_start
-- Units: open, high, low, close in dollars a share, bucket_start UTC.
-- Sources: silver.PriceHistoryFact, silver.MarketTokenDim
-- width is 5m, 1h or 1d. A bucket is made of prices at least as fine as itself:
-- of prices that the exchange keeps by the half hour there are candles of hours
-- and days. A price that did not change for several buckets stands in each of
-- them. What a share was paid in the end is no midpoint and not here. Of a
-- binary market's second token, where it has no price of its own in the bucket,
-- the first one's stand at 1 less their price (is_mirrored), as in gold.prices.
-- Where prices of two resolutions begin or end a bucket, the finer one counts.
-- A lake may hold thousands of prices for each trade: ask by token_id or
-- condition_id, and by width.
-- Columns:
-- width: 5m, 1h or 1d
-- points: steps of the prices' resolutions that have a price, of those in the
--     bucket
-- is_mirrored: made from the other token's price
with

runs as (
    select
        token_key,
        resolution_seconds,
        price,
        epoch_us(observed_at) // 1000000 as first_second,
        epoch_us(observed_until) // 1000000 as last_second
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

-- whose prices each token's candles are made of
shown as (
    select
        token_key,
        token_id,
        condition_id,
        outcome,
        token_key as shown_token_key,
        false as is_mirrored
    from tokens
    union all
    select
        binary_markets.first_token_key as token_key,
        tokens.token_id,
        tokens.condition_id,
        tokens.outcome,
        tokens.token_key as shown_token_key,
        true as is_mirrored
    from tokens
    inner join binary_markets
        on tokens.token_key = binary_markets.second_token_key
    where binary_markets.first_token_key is not null
),

bucketed as (
    select
        runs.*,
        widths.width,
        widths.width_seconds,
        unnest(
            range(
                runs.first_second // widths.width_seconds,
                runs.last_second // widths.width_seconds + 1
            )
        ) * widths.width_seconds as bucket_second
    from runs
    inner join widths on runs.resolution_seconds <= widths.width_seconds
),

bucketed_seconds as (
    select
        bucketed.token_key,
        bucketed.width,
        bucketed.bucket_second
    from bucketed
    semi join binary_markets
        on bucketed.token_key = binary_markets.second_token_key
),

clipped as (
    select
        token_key,
        resolution_seconds,
        width,
        bucket_second,
        price,
        greatest(first_second, bucket_second) as from_second,
        least(last_second, bucket_second + width_seconds - 1) as to_second
    from bucketed
),

measured as (
    select
        token_key,
        width,
        bucket_second,
        -- whole seconds; of two resolutions at one moment the finer one counts
        arg_min(price, from_second * 1000000 + resolution_seconds) as open,
        max(price) as high,
        min(price) as low,
        arg_max(price, to_second * 1000000 - resolution_seconds) as close,
        cast(
            sum(
                to_second // resolution_seconds
                - from_second // resolution_seconds + 1
            ) as bigint
        ) as points
    from clipped
    group by token_key, width, bucket_second
),

final as (
    select
        shown.token_id,
        shown.condition_id,
        shown.outcome,
        measured.width,
        make_timestamp(measured.bucket_second * 1000000) as bucket_start,
        if(shown.is_mirrored, round(1 - measured.open, 9), measured.open)
            as open,
        if(shown.is_mirrored, round(1 - measured.low, 9), measured.high)
            as high,
        if(shown.is_mirrored, round(1 - measured.high, 9), measured.low)
            as low,
        if(shown.is_mirrored, round(1 - measured.close, 9), measured.close)
            as close,
        measured.points,
        shown.is_mirrored
    from measured
    inner join shown on measured.token_key = shown.token_key
    anti join bucketed_seconds
        on
            shown.is_mirrored
            and shown.shown_token_key = bucketed_seconds.token_key
            and measured.width = bucketed_seconds.width
            and measured.bucket_second = bucketed_seconds.bucket_second
)

select * from final
