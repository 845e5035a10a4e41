-- The market, token, trader and walk of every fill are known.
with

fills as (
    select * from silver.TradeFact
),

final as (
    select
        fills.market_key,
        fills.token_key,
        fills.trader_key,
        fills.walk_key,
        fills.traded_at,
        fills.transaction_hash,
        fills.page_no,
        fills.row_no
    from fills
    left join silver.MarketKey
        on fills.market_key = silver.MarketKey.market_key
    left join silver.MarketTokenDim
        on fills.token_key = silver.MarketTokenDim.token_key
    left join silver.TraderDim
        on fills.trader_key = silver.TraderDim.trader_key
    left join silver.WalkFact
        on fills.walk_key = silver.WalkFact.walk_key
    where
        silver.MarketKey.market_key is null
        or silver.MarketTokenDim.token_key is null
        or silver.TraderDim.trader_key is null
        or silver.WalkFact.walk_key is null
)

select * from final
