-- A second is contested where more than one walk speaks of it, or one twice.
create or replace temp table incoming_pair as
select
    market_key,
    traded_at,
    min(walk_key) != max(walk_key) as is_contested
from incoming_trade
group by all;

create or replace temp table contested_pair as
select
    market_key,
    traded_at
from incoming_pair
where is_contested
union
select
    known_row.market_key,
    known_row.traded_at
from known_row
semi join incoming_pair using (market_key, traded_at)
union
select
    AbsentSecond.market_key,
    AbsentSecond.traded_at
from silver.AbsentSecond
semi join incoming_pair using (market_key, traded_at)
where AbsentSecond.dataset = 'trades';
