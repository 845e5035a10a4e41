-- One row per outcome token that any source has named. Key: token_key,
-- token_id. Reads bronze markets, trades, taker_trades, prices and
-- price_windows. What Gamma says (is_listed) stands over what trades say; of
-- trades, the latest row that carries a label: outcome_index 999 means that the
-- row had none yet. Prices name a token and its market, and no outcome.
-- Columns:
-- outcome_from_at: when the trade row that names the outcome was fetched
-- index_from_at: when the trade row that numbers the outcome was fetched

-- step: define
create table if not exists silver.MarketTokenDim (
    token_key uinteger not null,
    token_id varchar not null,
    market_key uinteger not null,
    condition_id varchar not null,
    outcome_index integer,
    outcome varchar,
    is_listed boolean not null,
    outcome_from_at timestamp,
    index_from_at timestamp
);

-- step: named_by_trades
create or replace temp table named_token as
with

-- first by the texts as they were said: few differ
told as (
    select
        token_id,
        condition_id,
        outcome,
        outcome_index,
        max(fetched_at)::timestamp as told_at
    from bronze_trades
    group by all
    union all by name
    select distinct
        token_id,
        condition_id
    from bronze_taker_trades
)

select
    coalesce(token_id, '') as token_id,
    coalesce(min(lower(nullif(condition_id, ''))), '') as condition_id,
    arg_max(outcome, told_at) filter (where outcome != '') as outcome,
    max(told_at) filter (where outcome != '') as outcome_from_at,
    arg_max(outcome_index, told_at)
    filter (where outcome_index != 999) as outcome_index,
    max(told_at) filter (where outcome_index != 999) as index_from_at
from told
group by 1;

-- step: named_by_prices
create or replace temp table named_token as
select
    coalesce(token_id, '') as token_id,
    min(lower(coalesce(condition_id, ''))) as condition_id,
    null::varchar as outcome,
    null::timestamp as outcome_from_at,
    null::integer as outcome_index,
    null::timestamp as index_from_at
from told_stretch
group by 1;

-- step: named_by_price_windows
create or replace temp table named_token as
select
    coalesce(token_id, '') as token_id,
    min(lower(coalesce(condition_id, ''))) as condition_id,
    null::varchar as outcome,
    null::timestamp as outcome_from_at,
    null::integer as outcome_index,
    null::timestamp as index_from_at
from bronze_price_windows
group by 1;

-- step: named_by_live
-- One that is known and comes without its market stays where it is.
create or replace temp table named_token as
select
    token_id,
    coalesce(
        min(lower(nullif(live_name.condition_id, ''))),
        any_value(MarketTokenDim.condition_id),
        ''
    ) as condition_id,
    null::varchar as outcome,
    null::timestamp as outcome_from_at,
    null::integer as outcome_index,
    null::timestamp as index_from_at
from live_name
left join silver.MarketTokenDim using (token_id)
where token_id != ''
group by token_id;

-- step: take_in
-- Updates of text are slow: rows are replaced instead.
create or replace temp table relabelled_token as
with

known as (
    select
        MarketTokenDim.*,
        named_token.condition_id as new_condition_id,
        market_map.market_key as new_market_key,
        named_token.outcome as new_outcome,
        named_token.outcome_from_at as new_outcome_from_at,
        named_token.outcome_index as new_outcome_index,
        named_token.index_from_at as new_index_from_at,
        named_token.condition_id
        < coalesce(nullif(MarketTokenDim.condition_id, ''), '~')
        and named_token.condition_id != '' as is_moved,
        named_token.outcome_from_at
        > coalesce(MarketTokenDim.outcome_from_at, '-infinity'::timestamp)
            as is_renamed,
        named_token.index_from_at
        > coalesce(MarketTokenDim.index_from_at, '-infinity'::timestamp)
            as is_renumbered
    from silver.MarketTokenDim
    inner join named_token on MarketTokenDim.token_id = named_token.token_id
    inner join market_map on named_token.condition_id = market_map.condition_id
    where not MarketTokenDim.is_listed
)

select
    token_key,
    token_id,
    case when is_moved then new_market_key else market_key end as market_key,
    case when is_moved then new_condition_id else condition_id end
        as condition_id,
    case when is_renumbered then new_outcome_index else outcome_index end
        as outcome_index,
    case when is_renamed then new_outcome else outcome end as outcome,
    is_listed,
    case when is_renamed then new_outcome_from_at else outcome_from_at end
        as outcome_from_at,
    case when is_renumbered then new_index_from_at else index_from_at end
        as index_from_at
from known
where is_moved or is_renamed or is_renumbered;

delete from silver.MarketTokenDim
using relabelled_token
where MarketTokenDim.token_key = relabelled_token.token_key;

insert into silver.MarketTokenDim
select * from relabelled_token;

insert into silver.MarketTokenDim by name
select
    (select coalesce(max(token_key), 0) from silver.MarketTokenDim)
    + row_number() over (order by named_token.token_id) as token_key,
    named_token.*,
    market_map.market_key,
    false as is_listed
from named_token
inner join market_map on named_token.condition_id = market_map.condition_id
anti join silver.MarketTokenDim
    on named_token.token_id = MarketTokenDim.token_id;

create or replace temp table token_map as
select
    MarketTokenDim.token_id,
    MarketTokenDim.token_key
from silver.MarketTokenDim
semi join named_token using (token_id);

-- step: named_by_markets
create or replace temp table listed_token as
with

tokens as (
    select
        market_key,
        condition_id,
        gamma_number,
        source_fetched_at,
        unnest(token_ids) as token_id,
        generate_subscripts(token_ids, 1) - 1 as outcome_index,
        outcomes
    from latest_market
    where condition_id is not null
)

select
    token_id,
    market_key,
    condition_id,
    outcome_index::integer as outcome_index,
    outcomes[outcome_index + 1] as outcome
from tokens
where token_id != ''
qualify
    row_number() over (
        partition by token_id
        order by gamma_number desc, source_fetched_at desc, outcome_index asc
    ) = 1;

create or replace temp table relisted_token as
select
    MarketTokenDim.token_key,
    listed_token.*,
    true as is_listed
from silver.MarketTokenDim
inner join listed_token on MarketTokenDim.token_id = listed_token.token_id;

delete from silver.MarketTokenDim
using relisted_token
where MarketTokenDim.token_key = relisted_token.token_key;

insert into silver.MarketTokenDim by name
select * from relisted_token;

insert into silver.MarketTokenDim by name
select
    (select coalesce(max(token_key), 0) from silver.MarketTokenDim)
    + row_number() over (order by token_id) as token_key,
    listed_token.*,
    true as is_listed
from listed_token
anti join silver.MarketTokenDim using (token_id);
