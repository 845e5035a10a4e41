-- One row per market that any source has named: Gamma, trades, totals, walks.
-- Key: market_key; natural key: condition_id, lower case. Reads bronze trades,
-- taker_trades, markets, live_volume and walks. A Gamma row without a condition
-- id is the market `gamma:<id>`. Combo markets and markets that Gamma has not
-- listed yet are here and not in MarketDim; their title is the one their trades
-- carry.

-- step: define
create table if not exists silver.MarketKey (
    market_key uinteger not null,
    condition_id varchar not null,
    title varchar,
    slug varchar,
    event_slug varchar,
    title_from_at timestamp
);
