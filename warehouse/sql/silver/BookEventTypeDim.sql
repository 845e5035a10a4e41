-- One row per type of event that order books have. Key: event_code, event_type.
-- Reads bronze book_events. The types that are known have the codes below 20;
-- others are numbered as they come, and beyond 200 of them all are `unknown`.
-- Columns:
-- event_code: the type's number in this file
-- event_type: book, price_change, ...: as the service names it

-- step: define
create table if not exists silver.BookEventTypeDim (
    event_code utinyint not null,
    event_type varchar not null
);

-- step: content
insert into silver.BookEventTypeDim
select known.*
from (
    values
    (1, 'book'),
    (2, 'price_change'),
    (3, 'last_trade_price'),
    (4, 'tick_size_change'),
    (5, 'best_bid_ask'),
    (6, 'new_market'),
    (7, 'market_resolved'),
    (8, 'malformed'),
    (9, 'unknown')
) as known (event_code, event_type)
anti join silver.BookEventTypeDim using (event_type);

-- step: take_in
create or replace temp table new_event_type as
select distinct event_type from bronze_book_events
where event_type is not null;

insert into silver.BookEventTypeDim
select
    (
        select greatest(max(event_code), 19) from silver.BookEventTypeDim
    )
    + row_number() over (order by event_type) as event_code,
    event_type
from new_event_type
anti join silver.BookEventTypeDim using (event_type)
qualify event_code <= 219;
