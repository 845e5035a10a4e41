-- One row per version of a Gamma market: what was known from valid_from on.
-- Key: gamma_id, valid_from, source_walk_id, source_page_no, source_row_no.
-- Reads bronze markets, which has a row whenever a market's content changed.
-- valid_to is null for the version that still stands.

-- step: define
create table if not exists silver.MarketHistory (
    market_key uinteger not null,
    gamma_id varchar not null,
    event_id varchar,
    question varchar,
    slug varchar,
    event_slug varchar,
    category varchar,
    version varchar,
    outcomes varchar [],
    token_ids varchar [],
    is_active boolean,
    is_closed boolean,
    is_archived boolean,
    is_neg_risk boolean,
    is_order_book boolean,
    resolution_status varchar,
    winning_outcome_index integer,
    winning_outcome varchar,
    outcome_prices double [],
    volume double,
    liquidity double,
    best_bid double,
    best_ask double,
    last_trade_price double,
    created_at timestamp,
    start_at timestamp,
    end_at timestamp,
    closed_at timestamp,
    updated_at timestamp,
    valid_from timestamp not null,
    valid_to timestamp,
    source_walk_id varchar,
    source_page_no integer,
    source_row_no integer
);
