-- Seconds whose takers and balance must be told anew: contested ones, and older
-- ones of which taker rows have come.
create or replace temp table touched_pair as
select
    market_key,
    traded_at
from contested_pair
union
select
    market_key,
    traded_at
from taker_row
anti join fresh_trade using (market_key, traded_at);
