-- The price of every token over time: runs of an unchanged midpoint.
-- Grain: one row per token, resolution and unbroken stretch of one price.
-- Key: token_id, resolution_seconds, observed_at
-- Units: price in dollars a share, 0 to 1; observed_at, observed_until UTC.
-- Sources: silver.PriceHistoryFact, silver.PriceWindowFact,
--     silver.MarketTokenDim, silver.MarketDim
-- A midpoint is no trade: it is half way between the best bid and the best ask,
-- carried on while nothing moves. A row says that the price held from
-- observed_at to observed_until, both included, with a point in every step of
-- resolution_seconds between; where rows leave a gap of more than two steps,
-- nothing is known. The price at a moment is that of the latest row that began
-- by then; see docs/prices.md for that, for charts, and for points.
-- Of a binary market only the first token is fetched; the second one's prices
-- are 1 less the first one's and say so (is_mirrored), but for when it was
-- fetched itself: a daily sample, and markets in which the two were found to
-- miss 1 by over a cent.
-- The older a price is, the coarser: the exchange keeps minutes for days only.
-- Where windows of two resolutions touch, both are here. What is outside of 0
-- to 1 is no price and not here: `warehouse check` shows it.
-- Columns:
-- price: midpoint of best bid and best ask; where resolution_seconds is 0, what
--     the outcome paid
-- resolution_seconds: usual distance of two points; 0: the point of settlement
-- is_mirrored: made from the other token's price, not fetched
-- observed_at: when the price was first seen
-- observed_until: when the price was last seen; not after the next row's
--     observed_at
with

runs as (
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

-- when a second token has prices of its own: what was asked for, and, since an
-- answer can bring points from outside of that, what came; last moment included
fetched_seconds as (
    select
        windows.token_key,
        windows.asked_from as fetched_from,
        windows.asked_to - interval 1 second as fetched_until
    from windows
    semi join mirrors on windows.token_key = mirrors.token_key
    where not windows.is_empty
    union all
    select
        runs.token_key,
        runs.observed_at as fetched_from,
        runs.observed_until as fetched_until
    from runs
    semi join mirrors on runs.token_key = mirrors.token_key
),

-- in the order of time, how far those before reach
reaching as (
    select
        token_key,
        fetched_from,
        fetched_until,
        max(fetched_until) over (
            partition by token_key order by fetched_from, fetched_until
            rows between unbounded preceding and 1 preceding
        ) as reached
    from fetched_seconds
),

-- the moments between, and before the first and after the last of them
not_fetched as (
    select
        token_key,
        coalesce(
            reached + interval 1 second, timestamp '0001-01-01'
        ) as free_from,
        fetched_from - interval 1 second as free_until
    from reaching
    where reached is null or fetched_from > reached + interval 1 second
    union all
    select
        token_key,
        max(fetched_until) + interval 1 second as free_from,
        timestamp '9999-12-31' as free_until
    from fetched_seconds
    group by token_key
),

mirrored as (
    select
        mirrors.token_key,
        runs.resolution_seconds,
        greatest(runs.observed_at, not_fetched.free_from) as observed_at,
        least(runs.observed_until, not_fetched.free_until) as observed_until,
        round(1 - runs.price, 9) as price
    from runs
    inner join mirrors on runs.token_key = mirrors.fetched_token_key
    left join not_fetched on mirrors.token_key = not_fetched.token_key
    where
        not_fetched.token_key is null
        or (
            runs.observed_until >= not_fetched.free_from
            and runs.observed_at <= not_fetched.free_until
        )
),

every_run as (
    select
        token_key,
        resolution_seconds,
        observed_at,
        observed_until,
        price,
        false as is_mirrored
    from runs
    union all
    select
        token_key,
        resolution_seconds,
        observed_at,
        observed_until,
        price,
        true as is_mirrored
    from mirrored
),

final as (
    select
        tokens.condition_id,
        tokens.token_id,
        tokens.outcome_index,
        tokens.outcome,
        markets.question,
        every_run.is_mirrored,
        every_run.resolution_seconds,
        every_run.price,
        every_run.observed_at,
        every_run.observed_until
    from every_run
    inner join tokens on every_run.token_key = tokens.token_key
    left join markets on tokens.market_key = markets.market_key
)

select * from final
