-- One row per market that Gamma has listed, as it is now. Key: market_key,
-- condition_id. Reads bronze markets: of each market the latest row. Two Gamma
-- rows with one condition id: the one with the greater id, which was made
-- later, stands here; the other is named in other_gamma_ids and kept in
-- MarketHistory. A row without a condition id keeps a null there and has the
-- key `gamma:<id>` in MarketKey. A winner is named only where Gamma says
-- resolved and exactly one price is 1 and the others are 0: old and split
-- markets end with fractions.

-- step: define
create table if not exists silver.MarketDim (
    market_key uinteger not null,
    condition_id varchar,
    gamma_id varchar not null,
    other_gamma_ids varchar [],
    event_id varchar,
    question varchar,
    slug varchar,
    event_slug varchar,
    description varchar,
    category varchar,
    version varchar,
    market_maker_address varchar,
    outcomes varchar [],
    token_ids varchar [],
    is_active boolean,
    is_closed boolean,
    is_archived boolean,
    is_neg_risk boolean,
    is_order_book boolean,
    resolution_status varchar,
    resolution_source varchar,
    resolved_by varchar,
    winning_outcome_index integer,
    winning_outcome varchar,
    outcome_prices double [],
    volume double,
    volume_amm double,
    liquidity double,
    best_bid double,
    best_ask double,
    last_trade_price double,
    created_at timestamp,
    start_at timestamp,
    end_at timestamp,
    closed_at timestamp,
    updated_at timestamp,
    source_fetched_at timestamp not null,
    source_walk_id varchar,
    source_page_no integer,
    source_row_no integer
);
