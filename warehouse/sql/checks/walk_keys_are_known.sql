-- Every walk that a silver table names is in silver.WalkFact.
with

named as (
    select
        'WalkPage' as table_name,
        walk_key
    from silver.WalkPage
    union
    select
        'WalkSubject' as table_name,
        walk_key
    from silver.WalkSubject
    union
    select
        'FoldedTally' as table_name,
        walk_key
    from silver.FoldedTally
    union
    select
        'ExpiredTally' as table_name,
        walk_key
    from silver.ExpiredTally
    union
    select
        'WalkTally' as table_name,
        walk_key
    from silver.WalkTally
    union
    select
        'LiveVolumeFact' as table_name,
        walk_key
    from silver.LiveVolumeFact
    union
    select
        'PriceHistoryFact' as table_name,
        walk_key
    from silver.PriceHistoryFact
    union
    select
        'PriceWindowFact' as table_name,
        walk_key
    from silver.PriceWindowFact
    union
    select
        'ResolutionFact' as table_name,
        walk_key
    from silver.ResolutionFact
    union
    select
        'OpenInterestFact' as table_name,
        walk_key
    from silver.OpenInterestFact
    union
    select
        'LeaderboardFact' as table_name,
        walk_key
    from silver.LeaderboardFact
    union
    select
        'ActivityFact' as table_name,
        walk_key
    from silver.ActivityFact
    union
    select
        'WalletPositionFact' as table_name,
        walk_key
    from silver.WalletPositionFact
    union
    select
        'UserPnlFact' as table_name,
        walk_key
    from silver.UserPnlFact
    union
    select
        'WalletWalk' as table_name,
        walk_key
    from silver.WalletWalk
    union
    select
        'AbsentSecond' as table_name,
        walk_key
    from silver.AbsentSecond
    union
    select
        'TradeSighting' as table_name,
        walk_key
    from silver.TradeSighting
    union
    select
        'BookEventFact' as table_name,
        walk_key
    from silver.BookEventFact
    union
    select
        'BookSnapshotFact' as table_name,
        walk_key
    from silver.BookSnapshotFact
    union
    select
        'BookCoverageFact' as table_name,
        walk_key
    from silver.BookCoverageFact
    union
    select
        'BookTally' as table_name,
        walk_key
    from silver.BookTally
    union
    select
        'CryptoPriceFact' as table_name,
        walk_key
    from silver.CryptoPriceFact
    union
    select
        'PositionPollFact' as table_name,
        walk_key
    from silver.PositionPollFact
    union
    select
        'PositionSnapshotFact' as table_name,
        walk_key
    from silver.PositionSnapshotFact
),

final as (
    select
        named.table_name,
        named.walk_key
    from named
    anti join silver.WalkFact on named.walk_key = silver.WalkFact.walk_key
)

select * from final
