-- gold.trades has one row for every fill that stands.
with

stored as (
    select count(*) as fills from silver.TradeFact
    where withdrawn_at is null
),

shown as (
    select count(*) as fills from gold.trades
),

final as (
    select
        stored.fills as fills_stored,
        shown.fills as fills_shown
    from stored
    cross join shown
    where stored.fills <> shown.fills
)

select * from final
