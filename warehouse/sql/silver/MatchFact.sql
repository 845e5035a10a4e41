-- A view: one row per match by keys, what gold.matches shows readably. Key:
-- market_key, transaction_hash, traded_at, token_key, trader_key, is_buy, size,
-- price, occurrence. Reads MatchByKey, MarketTokenDim, MarketDim. One row per
-- taker's fill; where no row of a match is known as the taker's, one per
-- transaction and market: trader_key is null then, size half of the rows', and
-- notional_usd null where the two sides may have paid differently.
-- Columns:
-- trader_key: the taker's; null where it is not known
-- outcome_index: place of the token in the market's outcomes, from 0
-- first_outcome_price: price of the first of two outcomes; null if there are
--     others
-- is_first_bought: the taker bought the first outcome or sold the second

-- step: define
create view if not exists silver.MatchFact as
with

matches as not materialized (
    select * from silver.MatchByKey
),

markets as (
    select * from silver.MarketDim
),

tokens as (
    select * from silver.MarketTokenDim
),

final as (
    select
        matches.*,
        tokens.outcome_index,
        case
            when coalesce(len(markets.outcomes), 2) <> 2 then null
            when tokens.outcome_index = 0 then matches.price
            when tokens.outcome_index = 1 then 1 - matches.price
        end as first_outcome_price,
        case
            when coalesce(len(markets.outcomes), 2) <> 2 then null
            when tokens.outcome_index = 0 then matches.is_buy
            when tokens.outcome_index = 1 then not matches.is_buy
        end as is_first_bought
    from matches
    left join tokens on matches.token_key = tokens.token_key
    left join markets on matches.market_key = markets.market_key
)

select * from final;
