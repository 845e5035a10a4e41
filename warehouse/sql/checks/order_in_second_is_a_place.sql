-- Within a second of a market the fills that have a place have places 1, 2, 3
-- and so on.
select
    market_key,
    traded_at,
    count(order_in_second) as fills,
    count(distinct order_in_second) as places,
    max(order_in_second) as last_place
from silver.TradeFact
group by all
having
    count(order_in_second) <> count(distinct order_in_second)
    or max(order_in_second) <> count(order_in_second)
