-- Every market has one row in gold.market_completeness and one in
-- gold.market_summary.
with

final as (
    select
        silver.MarketKey.condition_id,
        gold.market_completeness.condition_id is not null as is_judged,
        gold.market_summary.condition_id is not null as is_summed_up
    from silver.MarketKey
    left join gold.market_completeness
        on
            silver.MarketKey.condition_id
            = gold.market_completeness.condition_id
    left join gold.market_summary
        on silver.MarketKey.condition_id = gold.market_summary.condition_id
    where
        gold.market_completeness.condition_id is null
        or gold.market_summary.condition_id is null
)

select * from final
