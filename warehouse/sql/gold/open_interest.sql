-- The dollars in each market, and in all of them, at each reading.
-- Grain: one row per market and reading; GLOBAL is the whole exchange.
-- Key: condition_id, fetched_at
-- Units: open_interest_usd and change_usd in dollars; times UTC.
-- Sources: silver.OpenInterestFact, silver.MarketKey, silver.MarketDim
-- A market is read again when something happened in it, so between two readings
-- it stood still but for splits, merges and redemptions without a trade.
-- Columns:
-- condition_id: the market; GLOBAL for the whole exchange
-- open_interest_usd: dollars in it, as the exchange counts them
-- change_usd: since the reading before; null at the first
-- is_latest: the last reading of the market
-- as_of: when the exchange made the answer: fetched_at less its age
with

readings as (
    select * from silver.OpenInterestFact
    qualify
        row_number() over (
            partition by market_key, fetched_at
            order by walk_key
        ) = 1
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

ordered as (
    select
        market_key,
        as_of,
        fetched_at,
        open_interest_usd,
        open_interest_usd - lag(open_interest_usd) over (
            partition by market_key
            order by fetched_at
        ) as change_usd,
        lead(fetched_at) over (
            partition by market_key
            order by fetched_at
        ) is null as is_latest
    from readings
),

named as (
    select
        ordered.*,
        coalesce(market_keys.condition_id, 'GLOBAL') as condition_id,
        coalesce(markets.question, market_keys.title) as question
    from ordered
    left join market_keys on ordered.market_key = market_keys.market_key
    left join markets on ordered.market_key = markets.market_key
),

final as (
    select
        condition_id,
        question,
        open_interest_usd,
        change_usd,
        is_latest,
        as_of,
        fetched_at
    from named
)

select * from final
