-- Every market that a silver table names is in silver.MarketKey.
with

named as (
    select
        'MarketDim' as table_name,
        market_key
    from silver.MarketDim
    union
    select
        'MarketTokenDim' as table_name,
        market_key
    from silver.MarketTokenDim
    union
    select
        'MarketTally' as table_name,
        market_key
    from silver.MarketTally
    union
    select
        'LiveVolumeFact' as table_name,
        market_key
    from silver.LiveVolumeFact
    union
    select
        'WalkSubject' as table_name,
        market_key
    from silver.WalkSubject
    union
    select
        'FoldedTally' as table_name,
        market_key
    from silver.FoldedTally
    union
    select
        'ExpiredTally' as table_name,
        market_key
    from silver.ExpiredTally
    union
    select
        'WalkTally' as table_name,
        market_key
    from silver.WalkTally
    union
    select
        'UnbalancedMatch' as table_name,
        market_key
    from silver.UnbalancedMatch
    union
    select
        'ResolutionFact' as table_name,
        market_key
    from silver.ResolutionFact
    union
    select
        'OpenInterestFact' as table_name,
        market_key
    from silver.OpenInterestFact
    where market_key is not null
),

final as (
    select
        named.table_name,
        named.market_key
    from named
    anti join silver.MarketKey
        on named.market_key = silver.MarketKey.market_key
)

select * from final
