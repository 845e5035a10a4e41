-- One row per market that Gamma has listed, as it is now. Key: market_key,
-- condition_id. Reads bronze markets: of each market the latest row. Two Gamma
-- rows with one condition id: the one with the greater id, which was made
-- later, stands here; the other is named in other_gamma_ids and kept in
-- MarketHistory. A row without a condition id keeps a null there and has the
-- key `gamma:<id>` in MarketKey. A winner is named only where Gamma says
-- resolved and exactly one price is 1 and the others are 0: old and split
-- markets end with fractions. fee_rate is today's: FeeScheduleDim has those of
-- before.
-- Columns:
-- other_gamma_ids: further Gamma rows with this condition id
-- resolution_statuses: what Gamma lists as proposed and disputed, in order

-- step: define
create table if not exists silver.MarketDim (
    market_key uinteger not null,
    condition_id varchar,
    gamma_id varchar not null,
    other_gamma_ids varchar[],
    event_id varchar,
    question varchar,
    slug varchar,
    event_slug varchar,
    description varchar,
    category varchar,
    version varchar,
    market_maker_address varchar,
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
    resolution_statuses varchar[],
    resolution_source varchar,
    resolved_by varchar,
    winning_outcome_index integer,
    winning_outcome varchar,
    outcome_prices double[],
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

-- step: read
create or replace temp table incoming_market as
with

decoded as (
    select
        *,
        lower(nullif(trim(condition_id), '')) as condition,
        case
            when json_valid(outcomes)
                then json_extract_string(outcomes, '$[*]')
        end as outcome_names,
        case
            when json_valid(outcome_prices)
                then list_transform(
                    json_extract_string(outcome_prices, '$[*]'),
                    lambda price: try_cast(price as double)
                )
        end as prices,
        case
            when version = 'v2' and json_valid(position_ids)
                then json_extract_string(position_ids, '$[*]')
            when json_valid(clob_token_ids)
                then json_extract_string(clob_token_ids, '$[*]')
            when json_valid(position_ids)
                then json_extract_string(position_ids, '$[*]')
        end as tokens
    from bronze_markets
    where id is not null
),

judged as (
    select
        *,
        case
            when
                closed
                and uma_resolution_status = 'resolved'
                and len(prices) = len(outcome_names)
                and len(list_filter(prices, lambda price: price = 1)) = 1
                and len(list_filter(prices, lambda price: price = 0))
                = len(prices) - 1
                then list_position(prices, 1) - 1
        end as winner
    from decoded
)

select
    condition as condition_id,
    id as gamma_id,
    coalesce(try_cast(id as bigint), -1) as gamma_number,
    event_id,
    question,
    slug,
    event_slug,
    description,
    category,
    version,
    lower(nullif(market_maker_address, '')) as market_maker_address,
    outcome_names as outcomes,
    tokens as token_ids,
    active as is_active,
    closed as is_closed,
    archived as is_archived,
    neg_risk as is_neg_risk,
    enable_order_book as is_order_book,
    fees_enabled as is_fee_charged,
    nullif(fee_type, '') as fee_type,
    case
        when json_valid(fee_schedule)
            then try_cast(fee_schedule ->> '$.rate' as double)
    end as fee_rate,
    uma_resolution_status as resolution_status,
    case
        when json_valid(uma_resolution_statuses)
            then json_extract_string(uma_resolution_statuses, '$[*]')
    end as resolution_statuses,
    resolution_source,
    lower(resolved_by) as resolved_by,
    winner::integer as winning_outcome_index,
    outcome_names[winner + 1] as winning_outcome,
    prices as outcome_prices,
    coalesce(volume_num, try_cast(volume as double)) as volume,
    volume_amm,
    coalesce(liquidity_num, try_cast(liquidity as double)) as liquidity,
    best_bid,
    best_ask,
    last_trade_price,
    try_cast(created_at as timestamptz)::timestamp as created_at,
    try_cast(start_date as timestamptz)::timestamp as start_at,
    try_cast(end_date as timestamptz)::timestamp as end_at,
    try_cast(closed_time as timestamptz)::timestamp as closed_at,
    try_cast(updated_at as timestamptz)::timestamp as updated_at,
    fetched_at::timestamp as source_fetched_at,
    walk_id as source_walk_id,
    page_no as source_page_no,
    row_no as source_row_no
from judged;

-- step: take_in
create or replace temp table latest_market as
select
    market_map.market_key,
    incoming_market.*
from incoming_market
inner join market_map
    on
        coalesce(
            incoming_market.condition_id, 'gamma:' || incoming_market.gamma_id
        ) = market_map.condition_id
qualify
    row_number() over (
        partition by market_map.market_key
        order by
            incoming_market.gamma_number desc,
            incoming_market.source_fetched_at desc,
            incoming_market.source_walk_id desc,
            incoming_market.source_page_no desc,
            incoming_market.source_row_no desc
    ) = 1;

delete from latest_market
using silver.MarketDim
where
    latest_market.market_key = MarketDim.market_key
    and (
        latest_market.gamma_number,
        latest_market.source_fetched_at,
        coalesce(latest_market.source_walk_id, ''),
        coalesce(latest_market.source_page_no, 0),
        coalesce(latest_market.source_row_no, 0)
    ) <= (
        coalesce(try_cast(MarketDim.gamma_id as bigint), -1),
        MarketDim.source_fetched_at,
        coalesce(MarketDim.source_walk_id, ''),
        coalesce(MarketDim.source_page_no, 0),
        coalesce(MarketDim.source_row_no, 0)
    );

delete from silver.MarketDim
using latest_market
where MarketDim.market_key = latest_market.market_key;

insert into silver.MarketDim by name
select * exclude (gamma_number) from latest_market;

-- A market may be listed before it has its condition id.
delete from silver.MarketDim
where
    condition_id is null
    and gamma_id in (
        select MarketHistory.gamma_id
        from silver.MarketHistory
        inner join silver.MarketKey
            on MarketHistory.market_key = MarketKey.market_key
        where not starts_with(MarketKey.condition_id, 'gamma:')
    );

create or replace temp table market_twin as
select
    MarketHistory.market_key,
    list_sort(
        list(distinct MarketHistory.gamma_id)
        filter (where MarketHistory.gamma_id != MarketDim.gamma_id)
    ) as other_gamma_ids
from silver.MarketHistory
inner join silver.MarketDim on MarketHistory.market_key = MarketDim.market_key
semi join market_map on MarketHistory.market_key = market_map.market_key
group by MarketHistory.market_key
having
    list_sort(
        list(distinct MarketHistory.gamma_id)
        filter (where MarketHistory.gamma_id != MarketDim.gamma_id)
    ) is distinct from any_value(MarketDim.other_gamma_ids);

update silver.MarketDim
set other_gamma_ids = market_twin.other_gamma_ids
from market_twin
where MarketDim.market_key = market_twin.market_key;
