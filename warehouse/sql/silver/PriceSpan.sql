-- One row per token and resolution with a price: since when, and until when.
-- Key: token_key, resolution_seconds. Reads what PriceHistoryFact takes in. It
-- says how fine a token's history is without a look at the history; there may
-- be gaps in it.
-- Columns:
-- resolution_seconds: usual distance of two points; 0: the point of settlement
-- first_observed_at: oldest point of that resolution
-- last_observed_at: newest point of that resolution

-- step: define
create table if not exists silver.PriceSpan (
    token_key uinteger not null,
    resolution_seconds integer not null,
    first_observed_at timestamp not null,
    last_observed_at timestamp not null
);

-- step: take_in
create or replace temp table incoming_span as
select
    token_key,
    resolution_seconds,
    make_timestamp(min(first_second) * 1000000) as first_observed_at,
    make_timestamp(max(last_second) * 1000000) as last_observed_at
from incoming_stretch
group by all;

update silver.PriceSpan
set
    first_observed_at
    = least(PriceSpan.first_observed_at, incoming_span.first_observed_at),
    last_observed_at
    = greatest(PriceSpan.last_observed_at, incoming_span.last_observed_at)
from incoming_span
where
    PriceSpan.token_key = incoming_span.token_key
    and PriceSpan.resolution_seconds = incoming_span.resolution_seconds
    and (
        incoming_span.first_observed_at < PriceSpan.first_observed_at
        or incoming_span.last_observed_at > PriceSpan.last_observed_at
    );

insert into silver.PriceSpan by name
select incoming_span.*
from incoming_span
anti join silver.PriceSpan using (token_key, resolution_seconds);
