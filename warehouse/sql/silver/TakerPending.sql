-- One row per taker's fill that no row of TradeFact answers. Key: as
-- TradeFact's. Reads bronze taker_trades. Normally empty: a row here is a fill
-- that the walk of both sides has not shown.

-- step: define
create table if not exists silver.TakerPending (
    market_key uinteger not null,
    token_key uinteger not null,
    trader_key uinteger not null,
    transaction_hash blob not null,
    is_buy boolean,
    occurrence usmallint not null,
    size_micro bigint,
    price_micro bigint,
    traded_at timestamp not null
);
