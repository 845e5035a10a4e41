-- Midpoints of every token's order book in buckets, traded or not.
-- Grain: one row per token, width and bucket with a price.
-- Key: token_id, width, bucket_start
-- Units: open, high, low, close in dollars a share, bucket_start UTC.
-- Sources: silver.PriceHistoryFact, silver.PriceSpan, silver.MarketTokenDim
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

-- read where it is used, so that a filter on tokens reaches the table
runs as not materialized (
    select
        token_key,
        resolution_seconds,
        price,
        epoch_us(observed_at) // 1000000 as first_second,
        epoch_us(observed_until) // 1000000 as last_second
    from silver.PriceHistoryFact
    where resolution_seconds > 0 and price between 0 and 1
),

spans as (
    select * from silver.PriceSpan
    where resolution_seconds > 0
),

tokens as (
    select * from silver.MarketTokenDim
),

widths (width, width_seconds) as (
    values ('5m', 300), ('1h', 3600), ('1d', 86400)
),

-- by names, too: so who asks for one market has only its tokens read
binary_markets as not materialized (
    select
        market_key,
        condition_id,
        min(token_key) filter (where outcome_index = 0) as first_token_key,
        min(token_key) filter (where outcome_index = 1) as second_token_key
    from tokens
    where is_listed
    group by market_key, condition_id
    having count(*) = 2
),

-- whose prices each token's candles are made of
shown as not materialized (
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
        on
            tokens.token_key = binary_markets.second_token_key
            and tokens.condition_id = binary_markets.condition_id
    where binary_markets.first_token_key is not null
),

-- tokens in whose buckets prices of several resolutions may meet
mixed as (
    select token_key
    from spans
    group by token_key
    having count(*) > 1
),

spread as not materialized (
    select
        shown.shown_token_key,
        shown.token_id,
        shown.condition_id,
        shown.outcome,
        shown.is_mirrored,
        widths.width,
        widths.width_seconds,
        runs.resolution_seconds,
        runs.price,
        runs.first_second,
        runs.last_second,
        runs.first_second // widths.width_seconds as first_bucket,
        runs.last_second // widths.width_seconds as last_bucket,
        mixed.token_key is not null as is_mixed
    from runs
    inner join shown on runs.token_key = shown.token_key
    inner join widths on runs.resolution_seconds <= widths.width_seconds
    left join mixed on runs.token_key = mixed.token_key
),

-- buckets that one run has to itself: all but its first and its last one
filled as (
    select
        shown_token_key,
        token_id,
        condition_id,
        outcome,
        is_mirrored,
        width,
        unnest(if(is_mixed, [], range(first_bucket + 1, last_bucket)))
        * width_seconds as bucket_second,
        price as open,
        price as high,
        price as low,
        price as close,
        width_seconds // resolution_seconds as points
    from spread
),

bucketed as (
    select
        *,
        unnest(
            case
                when is_mixed then range(first_bucket, last_bucket + 1)
                when first_bucket = last_bucket then [first_bucket]
                else [first_bucket, last_bucket]
            end
        ) * width_seconds as bucket_second
    from spread
),

clipped as (
    select
        *,
        greatest(first_second, bucket_second) as from_second,
        least(last_second, bucket_second + width_seconds - 1) as to_second
    from bucketed
),

merged as (
    select
        shown_token_key,
        token_id,
        condition_id,
        any_value(outcome) as outcome,
        is_mirrored,
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
    group by
        shown_token_key,
        token_id,
        condition_id,
        is_mirrored,
        width,
        bucket_second
),

measured as not materialized (
    select * from filled
    union all by name
    select * from merged
),

-- buckets for which a second token has prices of its own
buckets_of_seconds as not materialized (
    select
        runs.token_key,
        binary_markets.condition_id,
        widths.width,
        unnest(
            range(
                runs.first_second // widths.width_seconds,
                runs.last_second // widths.width_seconds + 1
            )
        ) * widths.width_seconds as bucket_second
    from runs
    inner join binary_markets
        on runs.token_key = binary_markets.second_token_key
    inner join widths on runs.resolution_seconds <= widths.width_seconds
),

-- A left join where one with `anti` would do: only so does who asks for one
-- market have only its prices read on the right side, too.
chosen as not materialized (
    select measured.*
    from measured
    left join buckets_of_seconds
        on
            if(measured.is_mirrored, measured.shown_token_key, null)
            = buckets_of_seconds.token_key
            and measured.condition_id = buckets_of_seconds.condition_id
            and measured.width = buckets_of_seconds.width
            and measured.bucket_second = buckets_of_seconds.bucket_second
    where buckets_of_seconds.token_key is null
),

final as (
    select
        token_id,
        condition_id,
        outcome,
        width,
        points,
        is_mirrored,
        make_timestamp(bucket_second * 1000000) as bucket_start,
        if(is_mirrored, round(1 - open, 9), open) as open,
        if(is_mirrored, round(1 - low, 9), high) as high,
        if(is_mirrored, round(1 - high, 9), low) as low,
        if(is_mirrored, round(1 - close, 9), close) as close
    from chosen
)

select * from final
