-- One row per walk, market and day of trading: bronze rows that ingest has
-- taken in. Key: dataset, walk_key, market_key, traded_on. Reads bronze trades
-- and taker_trades. Summed over days it equals what the walk's folds say they
-- stored.
-- Columns:
-- rows_taken_in: bronze rows that ingest has read
-- traded_on: UTC day of trading

-- step: define
create table if not exists silver.WalkTally (
    dataset varchar not null,
    walk_key uinteger not null,
    market_key uinteger not null,
    rows_taken_in ubigint not null,
    traded_on date not null
);

-- step: take_in
-- Trades that came before are dropped by now. Takers' rows are not told apart
-- one by one: of a whole day all come again, and the old count is void.
delete from silver.WalkTally
using taker_whole_day
where
    WalkTally.dataset = 'taker_trades'
    and WalkTally.traded_on = taker_whole_day.traded_on;

create or replace temp table walk_gain as
select
    dataset,
    walk_key,
    market_key,
    count(*) as rows_taken_in,
    traded_on
from (
    select
        'trades' as dataset,
        walk_key,
        market_key,
        traded_at::date as traded_on
    from incoming_trade
    union all
    select
        'taker_trades' as dataset,
        walk_key,
        market_key,
        traded_at::date as traded_on
    from incoming_taker
)
group by all;

update silver.WalkTally
set rows_taken_in = WalkTally.rows_taken_in + walk_gain.rows_taken_in
from walk_gain
where
    WalkTally.dataset = walk_gain.dataset
    and WalkTally.walk_key = walk_gain.walk_key
    and WalkTally.market_key = walk_gain.market_key
    and WalkTally.traded_on = walk_gain.traded_on;

insert into silver.WalkTally
select * from walk_gain
anti join silver.WalkTally
    using (dataset, walk_key, market_key, traded_on);
