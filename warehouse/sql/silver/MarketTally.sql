-- One row per market with fills: what ingest has put into TradeFact. Key:
-- market_key. Counted from the rows as they go in, never from the table, so
-- that a row that is gone from the table is noticed. Withdrawn rows are
-- counted.

-- step: define
create table if not exists silver.MarketTally (
    market_key uinteger not null,
    rows_held ubigint not null,
    shares_held decimal(38, 6) not null,
    first_traded_at timestamp,
    last_traded_at timestamp
);
