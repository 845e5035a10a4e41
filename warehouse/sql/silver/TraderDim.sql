-- One row per wallet that has traded. Key: trader_key, trader_address. Reads
-- bronze trades and taker_trades. Names are those of the latest row that has
-- any; first and last trade span all rows ever seen, withdrawn ones included.

-- step: define
create table if not exists silver.TraderDim (
    trader_key uinteger not null,
    trader_address varchar not null,
    name varchar,
    pseudonym varchar,
    name_from_at timestamp,
    first_traded_at timestamp,
    last_traded_at timestamp
);
