-- How good prices were as forecasts, in one line a horizon and category.
-- Grain: one row per horizon and category, and one per horizon over all.
-- Key: horizon, category
-- Units: price_age_hours in hours; scores have none.
-- Sources: gold.calibration
-- category is null for all markets together. base_rate is the mean payout of
-- the first outcome; base_brier_score is what a forecast of it for every
-- market would have scored, and brier_skill the part of that which prices
-- saved: 1 perfect, 0 no better, below 0 worse, null where all ended alike.
-- calibration_error is the mean distance of payout and price over the tenths of
-- gold.calibration_bins, weighed by their markets.
-- Columns:
-- category: of gold.market_categories; null: all markets together
-- base_rate: mean payout of the first outcome
-- brier_score: mean of the markets; 0 is perfect
-- base_brier_score: the score of always saying base_rate
-- log_loss: mean of the markets, in nats
-- calibration_error: mean distance of payout and price over the tenths
-- mean_price_age_hours: how old the prices were at the horizon
-- brier_skill: 1 - brier_score / base_brier_score; null where all ended
--     alike
with

forecasts as (
    select
        *,
        least(cast(floor(round(price * 10, 9)) as integer), 9) as bin
    from gold.calibration
),

judged as (
    select
        horizon,
        horizon_hours,
        category,
        bin,
        price,
        payout,
        brier_score,
        log_loss,
        price_age_hours
    from forecasts
    union all
    select
        horizon,
        horizon_hours,
        null as category,
        bin,
        price,
        payout,
        brier_score,
        log_loss,
        price_age_hours
    from forecasts
),

binned as (
    select
        horizon,
        horizon_hours,
        category,
        bin,
        count(*) as markets,
        sum(payout) as payouts,
        sum(payout * payout) as squared_payouts,
        sum(brier_score) as brier_scores,
        sum(log_loss) as log_losses,
        sum(price_age_hours) as ages,
        abs(sum(payout) - sum(price)) as gaps
    from judged
    group by all
),

summed as (
    select
        horizon,
        horizon_hours,
        category,
        cast(sum(markets) as bigint) as markets,
        sum(payouts) / sum(markets) as base_rate,
        sum(brier_scores) / sum(markets) as brier_score,
        sum(log_losses) / sum(markets) as log_loss,
        sum(gaps) / sum(markets) as calibration_error,
        sum(ages) / sum(markets) as mean_price_age_hours,
        sum(squared_payouts) / sum(markets)
        - pow(sum(payouts) / sum(markets), 2) as base_brier_score
    from binned
    group by all
),

measured as (
    select
        horizon,
        horizon_hours,
        category,
        markets,
        base_rate,
        brier_score,
        base_brier_score,
        log_loss,
        calibration_error,
        mean_price_age_hours,
        1 - brier_score
        / if(base_brier_score > 1e-12, base_brier_score, null) as brier_skill
    from summed
),

final as (
    select
        horizon,
        horizon_hours,
        category,
        markets,
        base_rate,
        brier_score,
        base_brier_score,
        brier_skill,
        log_loss,
        calibration_error,
        mean_price_age_hours
    from measured
)

select * from final
