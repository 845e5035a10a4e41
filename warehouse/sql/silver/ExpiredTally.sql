-- One row per walk and market of which retention let rows go: how many. Key:
-- dataset, walk_key, market_key. Reads what `warehouse retention --apply`
-- counted in the files before they went. With WalkTally it equals what the
-- walk's folds say they stored.
-- Columns:
-- rows_expired: bronze rows that went

-- step: define
create table if not exists silver.ExpiredTally (
    dataset varchar not null,
    walk_key uinteger not null,
    market_key uinteger not null,
    rows_expired bigint not null
);

-- step: take_in
insert into silver.ExpiredTally
select
    expired_row.dataset,
    WalkFact.walk_key,
    MarketKey.market_key,
    sum(expired_row.rows)::bigint as rows_expired
from expired_row
inner join silver.WalkFact on expired_row.walk_id = WalkFact.walk_id
inner join silver.MarketKey on expired_row.key = MarketKey.condition_id
anti join silver.ExpiredTally
    on
        expired_row.dataset = ExpiredTally.dataset
        and WalkFact.walk_key = ExpiredTally.walk_key
        and MarketKey.market_key = ExpiredTally.market_key
group by all;
