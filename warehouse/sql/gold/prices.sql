-- The price of every token over time: midpoints of its order book.
-- Grain: one row per token, moment and resolution.
-- Key: token_id, observed_at, resolution_seconds
-- Units: price in dollars a share, 0 to 1; observed_at UTC.
-- Sources: silver.PriceHistoryFact, silver.PriceWindowFact,
--     silver.MarketTokenDim, silver.MarketDim
-- A midpoint is no trade: it is half way between the best bid and the best ask,
-- carried on while nothing moves. Of a binary market only the first token is
-- fetched; the second one's prices are 1 less the first one's and say so
-- (is_mirrored), but for the windows in which it was fetched itself: a daily
-- sample, and markets in which the two were found to miss 1 by over a cent.
-- The older a price is, the coarser: the exchange keeps minutes for days only.
-- Where windows of two resolutions touch, both are here. Points outside of 0 to
-- 1 are no prices and are not: `warehouse check` shows them.
-- Columns:
-- price: midpoint of best bid and best ask; where resolution_seconds is 0, what
--     the outcome paid
-- resolution_seconds: usual distance of two points; 0: the point of settlement
-- is_mirrored: made from the other token's price, not fetched
-- observed_at: when the price held
with

points as (
    select * from silver.PriceHistoryFact
    where price between 0 and 1
),

windows as (
    select * from silver.PriceWindowFact
),

tokens as (
    select * from silver.MarketTokenDim
),

markets as (
    select * from silver.MarketDim
),

binary_markets as (
    select market_key
    from tokens
    where is_listed
    group by market_key
    having count(*) = 2
),

mirrors as (
    select
        seconds.token_key,
        firsts.token_key as fetched_token_key
    from tokens as firsts
    inner join tokens as seconds on firsts.market_key = seconds.market_key
    semi join binary_markets on firsts.market_key = binary_markets.market_key
    where
        firsts.is_listed and firsts.outcome_index = 0
        and seconds.is_listed and seconds.outcome_index = 1
),

fetched_seconds as (
    select
        windows.token_key,
        windows.asked_from,
        windows.asked_to
    from windows
    semi join mirrors on windows.token_key = mirrors.token_key
    where not windows.is_empty
),

points_of_seconds as (
    select points.*
    from points
    semi join mirrors on points.token_key = mirrors.token_key
),

mirrored as (
    select
        mirrors.token_key,
        points.resolution_seconds,
        points.observed_at,
        round(1 - points.price, 9) as price
    from points
    inner join mirrors on points.token_key = mirrors.fetched_token_key
),

every_point as (
    select
        token_key,
        resolution_seconds,
        observed_at,
        price,
        false as is_mirrored
    from points
    union all
    select
        mirrored.token_key,
        mirrored.resolution_seconds,
        mirrored.observed_at,
        mirrored.price,
        true as is_mirrored
    from mirrored
    anti join fetched_seconds
        on
            mirrored.token_key = fetched_seconds.token_key
            and mirrored.observed_at >= fetched_seconds.asked_from
            and mirrored.observed_at < fetched_seconds.asked_to
    -- a window can bring a point from just outside of it
    anti join points_of_seconds
        on
            mirrored.token_key = points_of_seconds.token_key
            and mirrored.observed_at = points_of_seconds.observed_at
            and mirrored.resolution_seconds
            = points_of_seconds.resolution_seconds
),

final as (
    select
        tokens.condition_id,
        tokens.token_id,
        tokens.outcome_index,
        tokens.outcome,
        markets.question,
        every_point.is_mirrored,
        every_point.resolution_seconds,
        every_point.price,
        every_point.observed_at
    from every_point
    inner join tokens on every_point.token_key = tokens.token_key
    left join markets on tokens.market_key = markets.market_key
)

select * from final
