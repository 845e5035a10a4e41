-- Rows that were taken in before, from the same place of the same walk, go.
create or replace temp table known_row as
select
    market_key,
    traded_at,
    walk_key,
    page_no,
    row_no
from silver.TradeFact
semi join incoming_trade using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to')
union all
select
    market_key,
    traded_at,
    walk_key,
    page_no,
    row_no
from silver.TradeSighting
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

delete from incoming_trade
using known_row
where
    incoming_trade.market_key = known_row.market_key
    and incoming_trade.traded_at = known_row.traded_at
    and incoming_trade.walk_key = known_row.walk_key
    and incoming_trade.page_no is not distinct from known_row.page_no
    and incoming_trade.row_no is not distinct from known_row.row_no;
