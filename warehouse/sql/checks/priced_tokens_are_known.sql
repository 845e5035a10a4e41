-- Every token that has a price or was asked for one is known to
-- silver.MarketTokenDim.
with

named as (
    select
        'PriceHistoryFact' as table_name,
        token_key
    from silver.PriceHistoryFact
    union
    select
        'PriceSpan' as table_name,
        token_key
    from silver.PriceSpan
    union
    select
        'PriceWindowFact' as table_name,
        token_key
    from silver.PriceWindowFact
),

final as (
    select
        named.table_name,
        named.token_key
    from named
    anti join silver.MarketTokenDim
        on named.token_key = MarketTokenDim.token_key
)

select * from final
