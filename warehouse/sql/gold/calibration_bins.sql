-- How often what was priced so came true: the reliability of prices.
-- Grain: one row per horizon and tenth of a dollar with a market in it.
-- Key: horizon, bin
-- Units: prices and payouts in dollars a share of the first outcome.
-- Sources: gold.calibration
-- bin 0 holds prices from 0 up to, but not including, 0.1, bin 9 those from
-- 0.9 to 1. The gap is mean_payout less mean_price; of well calibrated prices
-- it is within two standard errors of 0. standard_error is the payouts'
-- deviation over the root of their number, null for one market. Split markets
-- count with a payout of 0.5.
-- Columns:
-- bin: tenth of a dollar, 0 to 9
-- price_from: where the tenth begins
-- price_to: where the tenth ends
-- mean_price: mean price at the horizon
-- mean_payout: mean of what was paid in the end
-- gap: mean_payout - mean_price
-- standard_error: of mean_payout; null for one market
-- brier_score: mean of the markets
-- log_loss: mean of the markets
with

forecasts as (
    select
        *,
        least(cast(floor(round(price * 10, 9)) as integer), 9) as bin
    from gold.calibration
),

measured as (
    select
        horizon,
        horizon_hours,
        bin,
        bin / 10 as price_from,
        (bin + 1) / 10 as price_to,
        count(*) as markets,
        avg(price) as mean_price,
        avg(payout) as mean_payout,
        avg(payout) - avg(price) as gap,
        stddev_samp(payout) / sqrt(count(*)) as standard_error,
        avg(brier_score) as brier_score,
        avg(log_loss) as log_loss
    from forecasts
    group by all
),

final as (
    select
        horizon,
        horizon_hours,
        bin,
        price_from,
        price_to,
        markets,
        mean_price,
        mean_payout,
        gap,
        standard_error,
        brier_score,
        log_loss
    from measured
)

select * from final
