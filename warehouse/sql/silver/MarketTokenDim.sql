-- One row per outcome token that any source has named. Key: token_key,
-- token_id. Reads bronze markets, trades and taker_trades. What Gamma says
-- (is_listed) stands over what trades say; of trades, the latest row that
-- carries a label: outcome_index 999 means that the row had none yet.

-- step: define
create table if not exists silver.MarketTokenDim (
    token_key uinteger not null,
    token_id varchar not null,
    market_key uinteger not null,
    condition_id varchar not null,
    outcome_index integer,
    outcome varchar,
    is_listed boolean not null,
    label_from_at timestamp
);
