-- A sale leaves a part of the cost: of a purchase's cost is left what all later
-- sales together leave. Logarithms of the parts are added up, as whole numbers
-- of 1e-15: these know what was added up before a pair. -2e18 is nothing left.
create or replace temp table pair_log as
with

lifted as (
    select
        pair_low.market_key,
        pair_low.trader_key,
        pair_low.token_key,
        pair_split.split_micros
        + pair_low.open_micros
        - pair_low.total_before as lift
    from pair_low
    inner join pair_split
        on
            pair_low.market_key = pair_split.market_key
            and pair_low.trader_key = pair_split.trader_key
    where pair_low.total_before is not null
),

held as (
    select
        pair_total.market_key,
        pair_total.trader_key,
        pair_total.token_key,
        pair_total.micros,
        pair_total.usd,
        pair_total.place,
        cast(pair_total.total + lifted.lift as double) as micros_after
    from pair_total
    left join lifted
        on
            pair_total.market_key = lifted.market_key
            and pair_total.trader_key = lifted.trader_key
            and pair_total.token_key = lifted.token_key
)

select
    market_key,
    trader_key,
    token_key,
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
order by place;

create or replace temp view pair_log_total as
select
    *,
    sum(log_left) over (
        rows between unbounded preceding and current row -- noqa: PRS
    ) as log_total
from pair_log;

create or replace temp table pair_cost as
with

ended as (
    select
        market_key,
        trader_key,
        token_key,
        min(log_total) as log_end,
        sum(log_left) as log_all
    from pair_log_total
    group by all
)

select
    ended.market_key,
    ended.trader_key,
    ended.token_key,
    sum(
        pair_log_total.usd
        * exp((ended.log_end - pair_log_total.log_total) / 1e15)
    ) as cost_left_usd,
    exp(any_value(ended.log_all) / 1e15) as left_of_all
from pair_log_total
inner join ended
    on
        pair_log_total.market_key = ended.market_key
        and pair_log_total.trader_key = ended.trader_key
        and pair_log_total.token_key = ended.token_key
group by all;
