-- One row per state that the exchange has told of a market's resolution. Key:
-- market_key, fetched_at, walk_key, page_no, row_no. Reads bronze resolutions,
-- which has a row whenever what is said of a market changed. Of a disputed
-- market there are also rows asked for by question (is_question): they alone
-- tell the proposals. Prices of the oracle say how much the first outcome pays.
-- Columns:
-- is_question: asked for by question, which tells the proposals; else by market
-- question_id: the oracle's question; null on markets without one
-- status: initialized, posed, proposed, challenged, ..., resolved, as told
-- payouts: dollars a share, by outcome; null before the end
-- proposed_price: first proposal, dollars a share of the first outcome
-- reproposed_price: second proposal, likewise
-- settled_price: what the oracle settled on, likewise
-- was_disputed: disputed at any time
-- was_arbitrated: arbitration was called for
-- is_extended_review: a managed proposal past its expiry
-- has_new_rules: the rules were changed after the question was posed
-- resolution_source: reported, or derived from a neg-risk sibling
-- reporter: UMA_OO, CHAINLINK or EOA
-- market_type: BINARY, INCREMENTAL_NEGRISK or ATOMIC_NEGRISK
-- transaction_hash: of the latest event of the resolution; null for none told
-- log_index: of that event
-- resolved_block: block in which the market was settled
-- updated_at: when the latest event of the resolution happened
-- resolved_at: when the market was settled
-- expected_settlement_at: an estimate of when it will be
-- settlement_time_basis: what that estimate rests on

-- step: define
create table if not exists silver.ResolutionFact (
    market_key uinteger not null,
    walk_key uinteger not null,
    is_question boolean not null,
    question_id varchar,
    status varchar,
    payouts double[],
    proposed_price double,
    reproposed_price double,
    settled_price double,
    was_disputed boolean,
    was_arbitrated boolean,
    is_extended_review boolean,
    has_new_rules boolean,
    resolution_source varchar,
    reporter varchar,
    market_type varchar,
    transaction_hash varchar,
    log_index bigint,
    resolved_block bigint,
    updated_at timestamp,
    resolved_at timestamp,
    expected_settlement_at timestamp,
    settlement_time_basis varchar,
    fetched_at timestamp not null,
    page_no integer not null,
    row_no integer not null
);

-- step: take_in
-- 69 says that there is no price; others are in units of 1e-18 dollars, and one
-- that is no part of a dollar ("too early") is none either.
create or replace temp macro oracle_price(said) as
case
    when try_cast(said as double) between 0 and 1
        then try_cast(said as double)
    when try_cast(said as double) between 1e9 and 1e18
        then try_cast(said as double) / 1e18
end;

-- A time that nobody can mean is none: services write year 1 for "not yet".
create or replace temp macro told_time(said) as
case
    when
        said between timestamp '2000-01-01' and timestamp '2200-01-01'
        then said
end;

insert into silver.ResolutionFact
select
    market_map.market_key,
    walk_map.walk_key,
    coalesce(told.selector = 'question', false) as is_question,
    lower(told.question_id) as question_id,
    told.status,
    case
        when
            json_valid(told.payouts)
            and json_array_length(told.payouts) > 0
            and len(list_filter(
                json_extract_string(told.payouts, '$[*]'),
                lambda paid:
                coalesce(try_cast(paid as double) not between 0 and 1e6, true)
            )) = 0
            then list_transform(
                json_extract_string(told.payouts, '$[*]'),
                lambda paid: try_cast(paid as double) / 1e6
            )
    end as payouts,
    oracle_price(told.proposed_price) as proposed_price,
    oracle_price(told.reproposed_price) as reproposed_price,
    oracle_price(told.price) as settled_price,
    told.was_disputed,
    told.was_arbitrated,
    told.extended_review as is_extended_review,
    told.new_version_q as has_new_rules,
    told.resolution_source,
    told.reporter,
    told.market_type,
    lower(nullif(told.transaction_hash, '')) as transaction_hash,
    try_cast(nullif(told.log_index, '') as bigint) as log_index,
    told.resolved_block,
    told_time(coalesce(
        make_timestamp(
            try_cast(told.last_update_timestamp as uinteger)::bigint
            * 1000000
        ),
        try_cast(told.last_update_timestamp as timestamptz)::timestamp
    )) as updated_at,
    told_time(try_cast(told.resolved_at as timestamptz)::timestamp)
        as resolved_at,
    told_time(
        try_cast(told.expected_settlement_time as timestamptz)::timestamp
    ) as expected_settlement_at,
    told.settlement_time_basis,
    told.fetched_at::timestamp as fetched_at,
    coalesce(told.page_no, 0) as page_no,
    coalesce(told.row_no, 0) as row_no
from bronze_resolutions as told
inner join market_map
    on lower(coalesce(told.asked_condition_id, '')) = market_map.condition_id
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
anti join silver.ResolutionFact
    on
        market_map.market_key = ResolutionFact.market_key
        and walk_map.walk_key = ResolutionFact.walk_key
        and told.fetched_at::timestamp = ResolutionFact.fetched_at
        and coalesce(told.page_no, 0) = ResolutionFact.page_no
        and coalesce(told.row_no, 0) = ResolutionFact.row_no
qualify
    row_number() over (
        partition by
            market_map.market_key, walk_map.walk_key, told.fetched_at,
            told.page_no, told.row_no
        order by told.selector
    ) = 1;
