-- One row per level of an order book that the service was asked for. Key:
-- walk_key, page_no, row_no. Reads bronze book_snapshots. Nothing is left out,
-- however small: a level of a cent is a part of the book. An empty book is one
-- row without side, price and size.
-- Columns:
-- reason: batch, resync, stale or poll: why it was asked for
-- is_bid: a bid; else an ask; null: the book is empty
-- size: shares that rest at the price
-- difference: what the book held live had otherwise; null: nothing
-- last_trade_price: of the token, as the book names it, dollars a share
-- hash_bytes: the service's hash of the book, where it is 40 hex, as bytes
-- hash_text: the hash where it is anything else

-- step: define
create table if not exists silver.BookSnapshotFact (
    token_key uinteger,
    reason varchar,
    is_bid boolean,
    price double,
    size double,
    tick_size double,
    min_order_size double,
    last_trade_price double,
    hash_bytes blob,
    hash_text varchar,
    difference varchar,
    received_at timestamp_ns not null,
    exchange_at timestamp_ms,
    walk_key uinteger not null,
    page_no integer not null,
    row_no integer not null
);

-- step: read
create or replace temp table live_name as
select distinct
    token_id,
    condition_id,
    walk_id
from bronze_book_snapshots;

-- step: take_in
insert into silver.BookSnapshotFact by name
select
    token_map.token_key,
    told.reason,
    case told.side
        when 'BUY' then true
        when 'SELL' then false
    end as is_bid,
    told.price,
    told.size,
    told.tick_size,
    told.min_order_size,
    told.last_trade_price,
    case
        when length(told.hash) = 40 and told.hash = lower(told.hash)
            then try(unhex(told.hash))
    end as hash_bytes,
    case when hash_bytes is null then told.hash end as hash_text,
    nullif(told.difference, '') as difference,
    make_timestamp_ns(told.received_at_ns) as received_at,
    case
        when told.exchange_at_ms between 0 and 4102444800000 -- 2100
            then make_timestamp_ms(told.exchange_at_ms)::timestamp_ms
    end as exchange_at,
    walk_map.walk_key,
    coalesce(told.page_no, 0) as page_no,
    coalesce(told.row_no, 0) as row_no
from bronze_book_snapshots as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
left join token_map on nullif(told.token_id, '') = token_map.token_id
anti join silver.BookSnapshotFact
    on
        walk_map.walk_key = BookSnapshotFact.walk_key
        and coalesce(told.page_no, 0) = BookSnapshotFact.page_no
        and coalesce(told.row_no, 0) = BookSnapshotFact.row_no
qualify
    row_number() over (
        partition by walk_map.walk_key, told.page_no, told.row_no
        order by told.received_at_ns
    ) = 1
order by token_map.token_key, told.received_at_ns, told.row_no;
