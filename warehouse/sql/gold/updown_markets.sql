-- The up/down markets of the captured series, from discovery to outcome.
-- Grain: one row per window that was looked for, found or not.
-- Key: slug
-- Units: strike and final_price in dollars, times UTC.
-- Sources: silver.UpdownDim
-- Columns:
-- series: btc-15m, btc-5m, ...
-- condition_id: the market; null: it was not found
-- up_token_id: token of the outcome Up
-- down_token_id: token of the outcome Down
-- state: discovered, missing, ended, resolved or failed
-- outcome: Up or Down; null: not final
-- problem: what went wrong with the last attempt; null: nothing
-- rule: JSON of what the market says of its source and its reading of it
-- strike: the price to beat, as Gamma says it; null: not known yet
-- final_price: the price at the end, as Gamma says it
-- attempts: times the outcome was asked for
-- window_start: when it begins
-- window_end: when it ends
with

windows as (
    select * from silver.UpdownDim
),

final as (
    select
        slug,
        series,
        condition_id,
        up_token_id,
        down_token_id,
        state,
        outcome,
        problem,
        rule,
        cast(strike as double) as strike,
        cast(final_price as double) as final_price,
        attempts,
        window_start,
        window_end,
        resolved_at
    from windows
)

select * from final
