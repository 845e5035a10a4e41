-- The token of every fill is one of its market's.
with

fills as (
    select * from silver.TradeFact
),

tokens as (
    select * from silver.MarketTokenDim
),

final as (
    select
        fills.market_key,
        fills.token_key,
        fills.traded_at,
        fills.transaction_hash,
        tokens.market_key as token_market_key
    from fills
    inner join tokens on fills.token_key = tokens.token_key
    where fills.market_key <> tokens.market_key
)

select * from final
