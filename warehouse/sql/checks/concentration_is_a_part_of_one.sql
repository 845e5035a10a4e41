-- Concentration is above 0 and at most 1, and one wallet has no more than ten.
with

final as (
    select
        condition_id,
        traders,
        hhi,
        largest_share,
        top10_share
    from gold.market_concentration
    where
        not coalesce(
            hhi between 0.999999 / traders and 1
            and largest_share between 0 and top10_share
            and top10_share <= 1,
            false
        )
)

select * from final
