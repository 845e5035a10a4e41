-- What went wrong with the services that are captured live.
-- Grain: one row per error, from its beginning on.
-- Key: error_id
-- Units: downtime in seconds, times UTC.
-- Sources: silver.ServiceErrorFact
-- Columns:
-- error_id: one error
-- service: books, coinbase, rtds_chainlink, updown, disk, ...
-- error_type: disconnected, silent, refused, malformed, ...
-- downtime_seconds: ended_at less started_at; null: it is not over
-- estimated_missed: messages, by the pace before; null: no estimate
-- details: what was seen, as a sentence
-- started_at: the last moment at which all was well
-- ended_at: when it was over; null: it is not
with

errors as (
    select * from silver.ServiceErrorFact
),

final as (
    select
        error_id,
        service,
        error_type,
        details,
        estimated_missed,
        started_at,
        ended_at,
        epoch_us(ended_at - started_at) / 1e6 as downtime_seconds
    from errors
)

select * from final
