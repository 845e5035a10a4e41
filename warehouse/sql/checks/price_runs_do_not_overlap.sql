-- No run of silver.PriceHistoryFact reaches into the next one of its token and
-- resolution, or ends before it begins.
with

runs as (
    select
        token_key,
        resolution_seconds,
        price,
        observed_at,
        observed_until,
        lead(observed_at) over (
            partition by token_key, resolution_seconds order by observed_at
        ) as next_observed_at
    from silver.PriceHistoryFact
)

select * from runs
where observed_until < observed_at or next_observed_at <= observed_until
