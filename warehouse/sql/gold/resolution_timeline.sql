-- What led to each market's end: proposals, disputes, settlement.
-- Grain: one row per market, source and step.
-- Key: condition_id, source, step_no
-- Units: prices and payouts in dollars a share; times UTC.
-- Sources: silver.ResolutionFact, silver.MarketKey, silver.MarketDim,
-- silver.MarketHistory
-- Two sources, side by side. /v2/resolutions tells the state of the moment with
-- its time, so steps that passed between two readings are not among its rows.
-- Gamma keeps the list of what was proposed and disputed, in order and without
-- times: observed_at is when its catalogue was first seen to say so.
-- Columns:
-- source: resolutions or gamma
-- step_no: place in that source's order of events, from 1
-- status: what happened, in the source's word
-- happened_at: when, as the exchange says; null where it does not
-- observed_at: when we first read of it; null where it was over by then
-- first_proposed_price: what the first proposal pays the first outcome
-- second_proposed_price: what the second proposal does
-- payouts: dollars a share, by outcome, on the last step
-- was_disputed: disputed by then
-- expected_settlement_at: when it was expected to be settled then
-- settlement_time_basis: what that estimate rests on
with

market_keys as (
    select * from silver.MarketKey
),

facts as (
    select * from silver.ResolutionFact
),

proposals as (
    select
        market_key,
        proposed_price,
        reproposed_price
    from facts
    where is_question
    qualify
        row_number() over (
            partition by market_key
            order by fetched_at desc, page_no desc, row_no desc
        ) = 1
),

states as (
    select
        market_key,
        status,
        updated_at as happened_at,
        min(fetched_at) as observed_at,
        arg_max(payouts, fetched_at) as payouts,
        arg_max(was_disputed, fetched_at) as was_disputed,
        arg_max(expected_settlement_at, fetched_at) as expected_settlement_at,
        arg_max(settlement_time_basis, fetched_at) as settlement_time_basis,
        arg_max(transaction_hash, fetched_at) as transaction_hash
    from facts
    where not is_question
    group by market_key, status, updated_at
),

told as (
    select
        states.*,
        'resolutions' as source, -- noqa: RF04
        proposals.proposed_price as first_proposed_price,
        proposals.reproposed_price as second_proposed_price,
        row_number() over (
            partition by states.market_key
            order by
                coalesce(states.happened_at, states.observed_at),
                states.observed_at,
                states.status
        ) as step_no
    from states
    left join proposals on states.market_key = proposals.market_key
),

lists as (
    select
        market_key,
        resolution_statuses,
        resolution_status,
        list_last(resolution_statuses) as last_listed
    from silver.MarketDim
    where condition_id is not null
),

ended_lists as (
    select
        market_key,
        case
            when resolution_status != '' and last_listed is null
                then [resolution_status]
            when resolution_status != last_listed
                then list_append(resolution_statuses, resolution_status)
            else resolution_statuses
        end as statuses
    from lists
),

listed as (
    select
        market_key,
        unnest(statuses) as status,
        generate_subscripts(statuses, 1) as step_no
    from ended_lists
),

first_seen as (
    select
        market_key,
        resolution_status as status,
        min(valid_from) as observed_at
    from silver.MarketHistory
    group by market_key, resolution_status
),

counted as (
    select
        listed.*,
        row_number() over (
            partition by listed.market_key, listed.status
            order by listed.step_no
        ) as time_of_status
    from listed
),

of_gamma as (
    select
        counted.market_key,
        counted.status,
        counted.step_no,
        'gamma' as source, -- noqa: RF04
        first_seen.observed_at
    from counted
    left join first_seen
        on
            counted.market_key = first_seen.market_key
            and counted.status = first_seen.status
            and counted.time_of_status = 1
),

steps as (
    select * from told
    union all by name
    select * from of_gamma
),

final as (
    select
        market_keys.condition_id,
        steps.source,
        steps.step_no::integer as step_no,
        steps.status,
        steps.happened_at,
        steps.observed_at,
        steps.first_proposed_price,
        steps.second_proposed_price,
        steps.payouts,
        steps.was_disputed,
        steps.expected_settlement_at,
        steps.settlement_time_basis,
        steps.transaction_hash
    from steps
    inner join market_keys on steps.market_key = market_keys.market_key
)

select * from final
