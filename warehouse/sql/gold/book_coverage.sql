-- How much of the time each captured token was listened to.
-- Grain: one row per token that was ever listened to.
-- Key: token_id
-- Units: seconds, fractions from 0 to 1, times UTC.
-- Sources: gold.book_stretches, gold.book_gaps, silver.BookTally,
-- silver.MarketTokenDim
-- Time counts once where stretches overlap. What lies before covered_from and
-- after covered_until is no gap: nobody meant to listen, or it is not over.
-- Columns:
-- stretches: unbroken listenings to it
-- event_rows: rows of gold.book_events
-- covered_seconds: from covered_from to covered_until, less the gaps
-- gap_seconds: how long nobody listened in between
-- covered_share: covered_seconds over the two together; null: no time at all
-- gaps: times that listening broke off and began again
-- estimated_missed: event rows missed in them, by the pace before
-- covered_from: when listening began
-- covered_until: the last moment known well
with

stretches as (
    select * from gold.book_stretches
),

gaps as (
    select * from gold.book_gaps
),

tallies as (
    select * from silver.BookTally
),

tokens as (
    select * from silver.MarketTokenDim
),

spans as (
    select
        token_id,
        count(*) as stretches,
        min(covered_from) as covered_from,
        max(covered_until) as covered_until,
        (epoch_ns(max(covered_until)) - epoch_ns(min(covered_from))) / 1e9
            as span_seconds
    from stretches
    group by token_id
),

missed as (
    select
        token_id,
        count(*) as gaps,
        sum(gap_seconds) as gap_seconds,
        sum(estimated_missed)::bigint as estimated_missed
    from gaps
    group by token_id
),

heard as (
    select
        tokens.token_id,
        any_value(tokens.condition_id) as condition_id,
        sum(tallies.event_rows)::bigint as event_rows
    from tokens
    left join tallies on tokens.token_key = tallies.token_key
    group by tokens.token_id
),

final as (
    select
        heard.condition_id,
        spans.token_id,
        spans.stretches,
        spans.covered_from,
        spans.covered_until,
        coalesce(heard.event_rows, 0) as event_rows,
        coalesce(missed.gaps, 0) as gaps,
        coalesce(missed.gap_seconds, 0) as gap_seconds,
        coalesce(missed.estimated_missed, 0) as estimated_missed,
        spans.span_seconds - coalesce(missed.gap_seconds, 0)
            as covered_seconds,
        1 - coalesce(missed.gap_seconds, 0) / nullif(spans.span_seconds, 0)
            as covered_share
    from spans
    inner join heard on spans.token_id = heard.token_id
    left join missed on spans.token_id = missed.token_id
)

select * from final
