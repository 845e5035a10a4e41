-- One row per fill as one wallet saw it: both sides of every match. Key:
-- market_key, traded_at, transaction_hash, trader_key, token_key, is_buy, size
-- and price at 1e-6, occurrence. Reads bronze trades and taker_trades. Equal
-- rows are real fills: they are counted within each unbroken walk, and of all
-- walks the greatest count stands (the multiset maximum), so nothing is dropped
-- for being equal and nothing counts twice for being fetched twice. Rows with
-- withdrawn_at are no longer served; gold leaves them out. Stored by day,
-- market and second, so that both filters skip row groups.
-- Steps in order: read, drop_known, tell_contested (of new rows of walks,
-- tell_disputed instead), number, insert_fresh, take_in_contested,
-- settle_withdrawn, tell_touched, read_touched, settle_takers.

create table if not exists silver.TradeFact (
    market_key uinteger not null,
    token_key uinteger not null,
    trader_key uinteger not null,
    transaction_hash blob not null,
    is_buy boolean,
    occurrence usmallint not null,
    order_in_second uinteger,
    is_taker boolean,
    is_taker_source varchar,
    size double,
    price double,
    traded_at timestamp not null,
    withdrawn_at timestamp,
    first_seen_at timestamp,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);
