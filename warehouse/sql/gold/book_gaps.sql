-- When a captured token was not listened to, why, and about what was missed.
-- Grain: one row per token and time between two of its stretches.
-- Key: token_id, gap_start
-- Units: seconds, times UTC.
-- Sources: gold.book_stretches, silver.BookTally, silver.MarketTokenDim
-- Where stretches overlap nothing was missed. The estimate is the pace of the
-- stretch before: its event rows of the token a second, over the gap.
-- Columns:
-- reason: how the stretch before ended: disconnected, silent, stale, ...
-- gap_seconds: how long nobody listened
-- estimated_missed: event rows by the pace before; null: nothing was heard
-- stretch_key: the stretch before, walk_key of silver.BookCoverageFact
-- gap_start: the last moment known well
-- gap_end: when listening began again
with

stretches as (
    select * from gold.book_stretches
),

tallies as (
    select * from silver.BookTally
),

tokens as (
    select * from silver.MarketTokenDim
),

reached as (
    select
        token_id,
        covered_from,
        max(covered_until) over earlier as gap_start,
        arg_max(reason, covered_until) over earlier as reason,
        arg_max(stretch_key, covered_until) over earlier as stretch_key
    from stretches
    window
        earlier as (
            partition by token_id
            order by covered_from, covered_until, stretch_key
            rows between unbounded preceding and 1 preceding
        )
),

paced as (
    select
        tokens.token_id,
        tallies.walk_key as stretch_key,
        1e9 * tallies.event_rows / nullif(
            epoch_ns(tallies.last_received_at)
            - epoch_ns(tallies.first_received_at), 0
        ) as rows_a_second
    from tallies
    inner join tokens on tallies.token_key = tokens.token_key
),

final as (
    select
        reached.token_id,
        reached.stretch_key,
        reached.reason,
        reached.gap_start,
        reached.covered_from as gap_end,
        (epoch_ns(reached.covered_from) - epoch_ns(reached.gap_start)) / 1e9
            as gap_seconds,
        round(gap_seconds * paced.rows_a_second)::bigint as estimated_missed
    from reached
    left join paced
        on
            reached.token_id = paced.token_id
            and reached.stretch_key = paced.stretch_key
    where reached.covered_from > reached.gap_start
)

select * from final
