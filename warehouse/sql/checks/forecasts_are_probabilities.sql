-- In gold.calibration, prices and payouts are from 0 to 1, and known in time.
with

final as (
    select
        condition_id,
        horizon,
        price,
        payout,
        brier_score,
        price_at,
        asked_at,
        resolved_at
    from gold.calibration
    where
        not coalesce(
            price between 0 and 1
            and payout between 0 and 1
            and price_at <= asked_at
            and asked_at < resolved_at,
            false
        )
)

select * from final
