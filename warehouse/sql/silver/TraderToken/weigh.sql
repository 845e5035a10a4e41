-- A sale leaves a part of the cost: of a purchase's cost is left what all later
-- sales together leave. Logarithms of the parts are added up from the last fill
-- back, as whole numbers of 1e-15: these know what was added up before a pair.
-- None is above zero, so that of what was added up where each pair begins, the
-- least so far is that of the pair at hand. -2e18 is nothing left.
create or replace temp table pair_cost as
with

lifted as (
    select
        pair_mixed.pair,
        coalesce(pair_split.split_micros, 0)
        + coalesce(pair_open.held_micros, 0)
        - pair_mixed.total_before as lift
    from pair_mixed
    left join pair_split
        on
            pair_mixed.market_key = pair_split.market_key
            and pair_mixed.trader_key = pair_split.trader_key
    left join pair_open
        on
            pair_mixed.market_key = pair_open.market_key
            and pair_mixed.trader_key = pair_open.trader_key
            and pair_mixed.token_key = pair_open.token_key
),

held as (
    select
        pair_total.pair,
        pair_total.micros,
        pair_total.usd,
        pair_total.place,
        cast(pair_total.total + lifted.lift as double) as micros_after
    from pair_total
    inner join lifted on pair_total.pair = lifted.pair
),

sold as (
    select
        pair,
        if(micros > 0, usd, 0) as usd,
        case
            when micros >= 0 then 0
            when micros_after <= 0 then -2000000000000000000
            else
                cast(
                    round(ln(micros_after / (micros_after - micros)) * 1e15)
                    as bigint
                )
        end as log_left
    from held
    order by place desc
),

summed as (
    select
        *,
        sum(log_left) over (
            rows between unbounded preceding and current row -- noqa: PRS
        ) as log_total,
        coalesce(pair != lag(pair) over (), true) as is_last
    from sold
),

begun as (
    select
        *,
        min(if(is_last, log_total - log_left, null)) over (
            rows between unbounded preceding and current row -- noqa: PRS
        ) as log_before
    from summed
)

select
    pair,
    sum(usd * exp((log_total - log_before) / 1e15)) as cost_left_usd,
    exp(min(log_total - log_before) / 1e15) as left_of_all
from begun
group by pair;
