-- One row per thing known of what was listened to: a token subscribed to, a
-- stretch that goes on, one that broke. Key: walk_key, noted_at, state,
-- token_key, reason. Reads bronze book_coverage. A stretch is an unbroken
-- listening: what broke it, or one token of it, is its row `broken`; one that
-- was killed has none, and is known well until its last row or event. Where one
-- of two connections is lost, what the other brought is `doubted` until it is
-- heard again, which is `bridged`: it may have been frozen.
-- Columns:
-- walk_key: the stretch, in WalkFact
-- token_key: the token's number in this file; null: all tokens of the stretch
-- state: subscribed, alive, doubted, bridged, broken, unsubscribed or ended
-- reason: why it broke: disconnected, silent, stale, differs, dropped,
--     malformed or stopped
-- messages: messages heard in the stretch until then
-- noted_at: the moment it speaks of; of a break the last one known well

-- step: define
create table if not exists silver.BookCoverageFact (
    walk_key uinteger not null,
    token_key uinteger,
    state varchar not null,
    reason varchar,
    messages bigint,
    noted_at timestamp_ns not null
);

-- step: read
create or replace temp table live_name as
select distinct
    token_id,
    condition_id,
    walk_id
from bronze_book_coverage;

-- step: take_in
insert into silver.BookCoverageFact by name
select
    walk_map.walk_key,
    token_map.token_key,
    coalesce(told.state, '') as state,
    told.reason,
    max(told.messages) as messages,
    make_timestamp_ns(told.at_ns) as noted_at
from bronze_book_coverage as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
left join token_map on nullif(told.token_id, '') = token_map.token_id
anti join silver.BookCoverageFact
    on
        walk_map.walk_key = BookCoverageFact.walk_key
        and make_timestamp_ns(told.at_ns) = BookCoverageFact.noted_at
        and coalesce(told.state, '') = BookCoverageFact.state
        and token_map.token_key is not distinct from BookCoverageFact.token_key
        and told.reason is not distinct from BookCoverageFact.reason
where told.at_ns is not null
group by all
order by walk_map.walk_key, noted_at;
