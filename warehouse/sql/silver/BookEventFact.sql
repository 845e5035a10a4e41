-- One row per event of an order book that was heard: a level of a snapshot, a
-- change, a trade. Key: event_no, row_no. Reads bronze book_events. Nothing is
-- left out, however small: a level of a cent is a part of the book's state.
-- Rows that were taken in together are stored by token, then in the order of
-- reception, so that a token's events lie together and few groups of rows hold
-- those of a moment. What no column holds is in bronze, under `raw`.
-- Columns:
-- event_code: the event's type, see silver.BookEventTypeDim
-- event_no: one number a message, ascending in the order of reception
-- row_no: row of the frame that brought it, from 0
-- token_key: the token's number in this file; null: the event names none
-- market_key: the market's number, where the event names it but no token
-- is_bid: BUY: a bid, or a taker who bought; null: the event has no side
-- size: shares that now rest at the price, or that were traded
-- spread: best_ask less best_bid, as the message names it
-- best_bid: the best bid after the change, dollars a share
-- best_ask: the best ask after the change, dollars a share
-- last_trade_price: of the token, as the book names it, dollars a share
-- hash_bytes: the service's hash of the book, where it is 40 hex, as bytes
-- hash_text: the hash where it is anything else
-- walk_key: the unbroken listening that heard it (a stretch), in WalkFact

-- step: define
create table if not exists silver.BookEventFact (
    token_key uinteger,
    market_key uinteger,
    event_code utinyint not null,
    event_no bigint not null,
    row_no integer not null,
    is_bid boolean,
    price double,
    size double,
    best_bid double,
    best_ask double,
    spread double,
    tick_size double,
    old_tick_size double,
    min_order_size double,
    last_trade_price double,
    fee_rate_bps double,
    hash_bytes blob,
    hash_text varchar,
    transaction_hash blob,
    received_at timestamp_ns not null,
    exchange_at timestamp_ms,
    walk_key uinteger not null
);

-- step: read
create or replace temp table live_name as
select distinct
    token_id,
    condition_id,
    walk_id
from bronze_book_events;

-- step: take_in
create or replace temp table incoming_event as
select
    token_map.token_key,
    case when token_map.token_key is null then market_map.market_key end
        as market_key,
    coalesce(types.event_code, 9)::utinyint as event_code,
    told.event_no,
    coalesce(told.row_no, 0) as row_no,
    case told.side
        when 'BUY' then true
        when 'SELL' then false
    end as is_bid,
    told.price,
    told.size,
    told.best_bid,
    told.best_ask,
    told.spread,
    told.tick_size,
    told.old_tick_size,
    told.min_order_size,
    told.last_trade_price,
    told.fee_rate_bps,
    case
        when length(told.hash) = 40 and told.hash = lower(told.hash)
            then try(unhex(told.hash))
    end as hash_bytes,
    case when hash_bytes is null then told.hash end as hash_text,
    case
        when length(told.transaction_hash) = 66
            then try(unhex(told.transaction_hash[3:]))
    end as transaction_hash,
    make_timestamp_ns(told.received_at_ns) as received_at,
    case
        when told.exchange_at_ms between 0 and 4102444800000 -- 2100
            then make_timestamp_ms(told.exchange_at_ms)::timestamp_ms
    end as exchange_at,
    walk_map.walk_key
from bronze_book_events as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
left join token_map on nullif(told.token_id, '') = token_map.token_id
left join market_map
    on lower(nullif(told.condition_id, '')) = market_map.condition_id
left join silver.BookEventTypeDim as types on told.event_type = types.event_type
order by token_map.token_key, told.event_no, told.row_no;

set variable events_from = (select min(event_no) from incoming_event);

set variable events_to = (select max(event_no) from incoming_event);

-- A file that comes again brings nothing: mostly no row of that time is known.
create or replace temp table known_event as
select
    event_no,
    row_no
from silver.BookEventFact
where
    event_no >= getvariable('events_from')
    and event_no <= getvariable('events_to');

delete from incoming_event
using known_event
where
    incoming_event.event_no = known_event.event_no
    and incoming_event.row_no = known_event.row_no;

-- Rows that are there twice follow each other.
create or replace temp table repeated_event as
with

placed as (
    select
        rowid as place,
        event_no = lag(event_no) over () and row_no = lag(row_no) over ()
            as is_repeated
    from incoming_event
)

select place from placed
where is_repeated;

delete from incoming_event
using repeated_event
where incoming_event.rowid = repeated_event.place;

-- step: insert_fresh
insert into silver.BookEventFact by name
select * from incoming_event;
