-- One row per bronze row of a (market, second) that is told in more than one
-- way: several walks brought rows of it, or a walk passed it without a row.
-- Key: walk_key, page_no, row_no. Reads bronze trades. From these rows
-- TradeFact's rows of that second are made anew whenever one is added.

-- step: define
create table if not exists silver.TradeSighting (
    market_key uinteger not null,
    token_key uinteger not null,
    trader_key uinteger not null,
    transaction_hash blob not null,
    is_buy boolean,
    size double,
    price double,
    traded_at timestamp not null,
    seen_at timestamp,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);
