-- One row per version of a Gamma market: what was known from valid_from on.
-- Key: gamma_id, valid_from, source_walk_id, source_page_no, source_row_no.
-- Reads bronze markets, which has a row whenever a market's content changed.
-- valid_to is null for the version that still stands.
-- Columns:
-- valid_from: when this version was first fetched
-- valid_to: when the next one was; null: it still stands

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
    outcomes varchar[],
    token_ids varchar[],
    is_active boolean,
    is_closed boolean,
    is_archived boolean,
    is_neg_risk boolean,
    is_order_book boolean,
    is_fee_charged boolean,
    fee_type varchar,
    fee_rate double,
    resolution_status varchar,
    winning_outcome_index integer,
    winning_outcome varchar,
    outcome_prices double[],
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

-- step: take_in
create or replace temp table incoming_version as
select
    market_map.market_key,
    incoming_market.* exclude (condition_id)
from incoming_market
inner join market_map
    on
        coalesce(
            incoming_market.condition_id, 'gamma:' || incoming_market.gamma_id
        ) = market_map.condition_id
anti join silver.MarketHistory
    on
        incoming_market.gamma_id = MarketHistory.gamma_id
        and incoming_market.source_fetched_at = MarketHistory.valid_from
        and incoming_market.source_walk_id
        is not distinct from MarketHistory.source_walk_id
        and incoming_market.source_page_no
        is not distinct from MarketHistory.source_page_no
        and incoming_market.source_row_no
        is not distinct from MarketHistory.source_row_no;

insert into silver.MarketHistory by name
select
    * exclude (
        gamma_number,
        description,
        market_maker_address,
        resolution_statuses,
        resolution_source,
        resolved_by,
        volume_amm,
        source_fetched_at
    ),
    source_fetched_at as valid_from
from incoming_version;

create or replace temp table market_version as
with

versions as (
    select
        rowid as row_id,
        valid_to,
        lead(valid_from) over (
            partition by gamma_id
            order by
                valid_from, source_walk_id, source_page_no, source_row_no
        ) as next_from
    from silver.MarketHistory
    semi join incoming_version using (gamma_id)
)

select
    row_id,
    next_from
from versions
where next_from is distinct from valid_to;

update silver.MarketHistory
set valid_to = market_version.next_from
from market_version
where MarketHistory.rowid = market_version.row_id;
