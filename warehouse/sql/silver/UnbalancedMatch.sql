-- One row per match whose fills do not balance. Key: market_key, traded_at,
-- transaction_hash. Reads TradeFact, rows that stand. What buys of one token
-- and sells of the other add is what the opposite takes away: a whole match
-- nets to zero, and one missing row leaves its size. Dust is here too.

-- step: define
create table if not exists silver.UnbalancedMatch (
    market_key uinteger not null,
    transaction_hash blob not null,
    fills uinteger not null,
    net_shares decimal(38, 6) not null,
    traded_at timestamp not null
);
