-- One row per fill as one wallet saw it: both sides of every match. Key:
-- market_key, traded_at, transaction_hash, trader_key, token_key, is_buy, size
-- and price at 1e-6, occurrence. Reads bronze trades and taker_trades. Equal
-- rows are real fills: they are counted within each unbroken walk, and of all
-- walks the greatest count stands (the multiset maximum), so nothing is dropped
-- for being equal and nothing counts twice for being fetched twice. Rows with
-- withdrawn_at are no longer served; gold leaves them out. Stored by day,
-- market, second and hash, so that both filters skip row groups.

-- step: define
create table if not exists silver.TradeFact (
    market_key uinteger not null,
    token_key uinteger not null,
    trader_key uinteger not null,
    transaction_hash blob not null,
    is_buy boolean,
    occurrence usmallint not null,
    order_in_second uinteger,
    is_taker boolean,
    is_taker_source varchar,
    size double,
    price double,
    traded_at timestamp not null,
    withdrawn_at timestamp,
    first_seen_at timestamp,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);

-- step: read
create or replace temp table incoming_trade as
with

keyed as (
    select
        market_map.market_key,
        token_map.token_key,
        trader_map.trader_key,
        walk_map.walk_key,
        case
            when strlen(rows.transaction_hash) = 66
                then coalesce(
                    try(unhex(substr(rows.transaction_hash, 3))),
                    encode(lower(rows.transaction_hash))
                )
            else encode(lower(coalesce(rows.transaction_hash, '')))
        end as transaction_hash,
        case rows.side
            when 'BUY' then true
            when 'SELL' then false
        end as is_buy,
        rows.size,
        rows.price,
        make_timestamp(rows.timestamp * 1000000) as traded_at,
        rows.fetched_at::timestamp as seen_at,
        rows.page_no,
        rows.row_no
    from bronze_trades as rows
    inner join market_map
        on lower(coalesce(rows.condition_id, '')) = market_map.condition_id
    inner join token_map on coalesce(rows.token_id, '') = token_map.token_id
    inner join trader_map
        on lower(coalesce(rows.proxy_wallet, '')) = trader_map.trader_address
    inner join walk_map on coalesce(rows.walk_id, '') = walk_map.walk_id
)

select
    *,
    hash(
        market_key, traded_at, transaction_hash, trader_key,
        token_key, is_buy, round(size * 1e6), round(price * 1e6)
    ) as identity_hash
from keyed;

-- step: drop_known
create or replace temp table known_row as
select
    market_key,
    traded_at,
    walk_key,
    page_no,
    row_no
from silver.TradeFact
semi join incoming_trade using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to')
union all
select
    market_key,
    traded_at,
    walk_key,
    page_no,
    row_no
from silver.TradeSighting
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

delete from incoming_trade
using known_row
where
    incoming_trade.market_key = known_row.market_key
    and incoming_trade.traded_at = known_row.traded_at
    and incoming_trade.walk_key = known_row.walk_key
    and incoming_trade.page_no is not distinct from known_row.page_no
    and incoming_trade.row_no is not distinct from known_row.row_no;

-- step: tell_contested
-- A second is contested where more than one walk speaks of it, or one twice.
create or replace temp table incoming_pair as
select
    market_key,
    traded_at,
    min(walk_key) != max(walk_key) as is_contested
from incoming_trade
group by all;

create or replace temp table contested_pair as
select
    market_key,
    traded_at
from incoming_pair
where is_contested
union
select
    known_row.market_key,
    known_row.traded_at
from known_row
semi join incoming_pair using (market_key, traded_at)
union
select
    AbsentSecond.market_key,
    AbsentSecond.traded_at
from silver.AbsentSecond
semi join incoming_pair using (market_key, traded_at)
where AbsentSecond.dataset = 'trades';

-- step: tell_disputed
-- What new rows of walks may change: seconds that they passed or confirmed.
create or replace temp table contested_pair as
select
    AbsentSecond.market_key,
    AbsentSecond.traded_at
from silver.AbsentSecond
semi join walk_map on AbsentSecond.walk_key = walk_map.walk_key
semi join silver.TradeFact
    on
        AbsentSecond.market_key = TradeFact.market_key
        and AbsentSecond.traded_at = TradeFact.traded_at
where AbsentSecond.dataset = 'trades'
union
select
    TradeSighting.market_key,
    TradeSighting.traded_at
from silver.TradeSighting
semi join walk_map on TradeSighting.walk_key = walk_map.walk_key
union
select
    TradeSighting.market_key,
    TradeSighting.traded_at
from silver.TradeSighting
inner join silver.FoldedTally
    on
        TradeSighting.market_key = FoldedTally.market_key
        and TradeSighting.traded_at >= FoldedTally.ts_oldest
        and TradeSighting.traded_at <= FoldedTally.ts_newest
        and FoldedTally.dataset = 'trades'
        and FoldedTally.rows_confirmed > 0
semi join walk_map on FoldedTally.walk_key = walk_map.walk_key;

-- step: number
-- Order runs against the pages, which begin with the newest row; pages of the
-- old API overlap and give none.
create or replace temp table repeated_row as
with

repeated as (
    select identity_hash
    from incoming_trade
    anti join contested_pair using (market_key, traded_at)
    group by identity_hash
    having count(*) > 1
)

select
    identity_hash,
    page_no,
    row_no,
    row_number() over (
        partition by
            market_key, traded_at, transaction_hash, trader_key, token_key,
            is_buy, round(size * 1e6), round(price * 1e6)
        order by page_no, row_no
    ) as occurrence
from incoming_trade
semi join repeated using (identity_hash)
anti join contested_pair using (market_key, traded_at)
qualify occurrence > 1;

create or replace temp table fresh_trade as
with

ordered as (
    select
        *,
        row_number() over (
            partition by market_key, traded_at
            order by page_no desc, row_no desc
        ) as place
    from incoming_trade
    anti join contested_pair using (market_key, traded_at)
)

select
    ordered.market_key,
    ordered.token_key,
    ordered.trader_key,
    ordered.walk_key,
    ordered.transaction_hash,
    ordered.is_buy,
    ordered.size,
    ordered.price,
    ordered.traded_at,
    ordered.seen_at,
    ordered.page_no,
    ordered.row_no,
    ordered.identity_hash,
    coalesce(repeated_row.occurrence, 1) as occurrence,
    case
        when not starts_with(walk_map.walk_id, 'v') then ordered.place
    end as order_in_second
from ordered
inner join walk_map on ordered.walk_key = walk_map.walk_key
left join repeated_row
    on
        ordered.identity_hash = repeated_row.identity_hash
        and ordered.page_no is not distinct from repeated_row.page_no
        and ordered.row_no is not distinct from repeated_row.row_no;

-- step: insert_fresh
insert into silver.TradeFact by name
with

told as (
    select
        fresh_trade.*,
        exists(
            select 1 from taker_row
            where
                taker_row.market_key = fresh_trade.market_key
                and taker_row.traded_at = fresh_trade.traded_at
                and taker_row.transaction_hash = fresh_trade.transaction_hash
        ) as is_told,
        exists(
            select 1 from taker_row
            where
                taker_row.identity_hash = fresh_trade.identity_hash
                and taker_row.market_key = fresh_trade.market_key
                and taker_row.traded_at = fresh_trade.traded_at
                and taker_row.transaction_hash = fresh_trade.transaction_hash
                and taker_row.occurrence = fresh_trade.occurrence
        ) as is_named
    from fresh_trade
)

select
    told.market_key,
    told.token_key,
    told.trader_key,
    told.transaction_hash,
    told.is_buy,
    told.occurrence,
    told.order_in_second,
    case
        when told.is_told then told.is_named
        when match_tally.taker_size is not null
            then told.size = match_tally.taker_size
    end as is_taker,
    case
        when told.is_told then 'taker_walk'
        when match_tally.taker_size is not null then 'derived'
    end as is_taker_source,
    told.size,
    told.price,
    told.traded_at,
    told.seen_at as first_seen_at,
    told.walk_key,
    told.page_no,
    told.row_no
from told
left join match_tally
    on
        not told.is_told
        and told.market_key = match_tally.market_key
        and told.traded_at = match_tally.traded_at
        and told.transaction_hash = match_tally.transaction_hash
order by
    told.traded_at::date,
    told.market_key,
    told.traded_at,
    told.transaction_hash;

-- step: take_in_contested
create or replace temp table touched_fact as
select
    TradeFact.rowid as row_id,
    TradeFact.*
from silver.TradeFact
semi join contested_pair using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

create or replace temp table new_trade as
select resolved_trade.*
from resolved_trade
anti join touched_fact
    on
        resolved_trade.market_key = touched_fact.market_key
        and resolved_trade.traded_at = touched_fact.traded_at
        and resolved_trade.transaction_hash = touched_fact.transaction_hash
        and resolved_trade.trader_key = touched_fact.trader_key
        and resolved_trade.token_key = touched_fact.token_key
        and resolved_trade.is_buy is not distinct from touched_fact.is_buy
        and round(resolved_trade.size * 1e6)
        is not distinct from round(touched_fact.size * 1e6)
        and round(resolved_trade.price * 1e6)
        is not distinct from round(touched_fact.price * 1e6)
        and resolved_trade.occurrence = touched_fact.occurrence;

update silver.TradeFact
set
    order_in_second = changed.order_in_second,
    size = changed.size,
    price = changed.price,
    first_seen_at = changed.first_seen_at,
    walk_key = changed.walk_key,
    page_no = changed.page_no,
    row_no = changed.row_no
from (
    select
        resolved_trade.*,
        touched_fact.row_id
    from touched_fact
    inner join resolved_trade
        on
            touched_fact.market_key = resolved_trade.market_key
            and touched_fact.traded_at = resolved_trade.traded_at
            and touched_fact.transaction_hash = resolved_trade.transaction_hash
            and touched_fact.trader_key = resolved_trade.trader_key
            and touched_fact.token_key = resolved_trade.token_key
            and resolved_trade.is_buy is not distinct from touched_fact.is_buy
            and round(resolved_trade.size * 1e6)
            is not distinct from round(touched_fact.size * 1e6)
            and round(resolved_trade.price * 1e6)
            is not distinct from round(touched_fact.price * 1e6)
            and touched_fact.occurrence = resolved_trade.occurrence
    where
        (
            resolved_trade.order_in_second,
            resolved_trade.first_seen_at,
            resolved_trade.walk_key,
            resolved_trade.page_no,
            resolved_trade.row_no
        ) is distinct from (
            touched_fact.order_in_second,
            touched_fact.first_seen_at,
            touched_fact.walk_key,
            touched_fact.page_no,
            touched_fact.row_no
        )
) as changed
where TradeFact.rowid = changed.row_id;

insert into silver.TradeFact by name
select * from new_trade
order by traded_at::date, market_key, traded_at, transaction_hash;

-- step: settle_withdrawn
-- A fill is withdrawn where two walks passed its second after it was last seen,
-- spoke for the whole second and did not show it.
create or replace temp table touched_fact as
select
    TradeFact.rowid as row_id,
    TradeFact.*
from silver.TradeFact
semi join contested_pair using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

create or replace temp table withdrawn_change as
with

sighted as (
    select
        TradeSighting.market_key,
        TradeSighting.traded_at,
        TradeSighting.walk_key,
        WalkFact.walk_id,
        WalkFact.outcome = 'end' as came_to_end,
        max(TradeSighting.seen_at) as said_at
    from silver.TradeSighting
    semi join contested_pair using (market_key, traded_at)
    inner join silver.WalkFact on TradeSighting.walk_key = WalkFact.walk_key
    group by all
),

oldest_page as (
    select
        walk_key,
        min(ts_oldest) as ts_oldest
    from silver.WalkPage
    semi join sighted using (walk_key)
    group by walk_key
),

-- The oldest second of a walk that broke off may have more rows than it saw.
stored as (
    select
        sighted.market_key,
        sighted.traded_at,
        sighted.walk_key,
        sighted.walk_id,
        sighted.said_at
    from sighted
    left join oldest_page on sighted.walk_key = oldest_page.walk_key
    where
        (starts_with(sighted.walk_id, 'f') or starts_with(sighted.walk_id, 'm'))
        and (
            sighted.came_to_end
            or sighted.traded_at > oldest_page.ts_oldest
        )
),

passed as (
    select
        AbsentSecond.market_key,
        AbsentSecond.traded_at,
        AbsentSecond.walk_key,
        any_value(WalkFact.walk_id) as walk_id,
        coalesce(
            min(WalkPage.fetched_at)
            filter (where WalkPage.ts_oldest <= AbsentSecond.traded_at),
            max(WalkPage.fetched_at),
            any_value(AbsentSecond.known_at)
        ) as said_at
    from silver.AbsentSecond
    semi join contested_pair using (market_key, traded_at)
    inner join silver.WalkFact on AbsentSecond.walk_key = WalkFact.walk_key
    left join silver.WalkPage on AbsentSecond.walk_key = WalkPage.walk_key
    where
        AbsentSecond.dataset = 'trades'
        and (
            starts_with(WalkFact.walk_id, 'f')
            or starts_with(WalkFact.walk_id, 'm')
        )
    group by
        AbsentSecond.market_key, AbsentSecond.traded_at, AbsentSecond.walk_key
),

-- A walk that brought rows of the market, and of this second none that bronze
-- did not hold, saw all that was held.
confirmed as (
    select
        contested_pair.market_key,
        contested_pair.traded_at,
        FoldedTally.walk_key,
        min(WalkPage.fetched_at) as said_at
    from contested_pair
    inner join silver.FoldedTally
        on
            contested_pair.market_key = FoldedTally.market_key
            and contested_pair.traded_at >= FoldedTally.ts_oldest
            and contested_pair.traded_at <= FoldedTally.ts_newest
            and FoldedTally.dataset = 'trades'
            and FoldedTally.rows_confirmed > 0
    inner join silver.WalkPage
        on
            FoldedTally.walk_key = WalkPage.walk_key
            and contested_pair.traded_at >= WalkPage.ts_oldest
            and contested_pair.traded_at <= WalkPage.ts_newest
    anti join sighted
        on
            contested_pair.market_key = sighted.market_key
            and contested_pair.traded_at = sighted.traded_at
            and FoldedTally.walk_key = sighted.walk_key
    anti join passed
        on
            contested_pair.market_key = passed.market_key
            and contested_pair.traded_at = passed.traded_at
            and FoldedTally.walk_key = passed.walk_key
    group by all
),

counted as (
    select
        market_key,
        traded_at,
        transaction_hash,
        trader_key,
        token_key,
        is_buy,
        round(size * 1e6) as size_micro,
        round(price * 1e6) as price_micro,
        walk_key,
        max(seen_at) as said_at,
        count(*) as rows_seen
    from silver.TradeSighting
    semi join contested_pair using (market_key, traded_at)
    group by all
),

last_shown as (
    select
        touched_fact.row_id,
        max(counted.said_at) as shown_at
    from touched_fact
    inner join counted
        on
            touched_fact.market_key = counted.market_key
            and touched_fact.traded_at = counted.traded_at
            and touched_fact.transaction_hash = counted.transaction_hash
            and touched_fact.trader_key = counted.trader_key
            and touched_fact.token_key = counted.token_key
            and touched_fact.is_buy is not distinct from counted.is_buy
            and round(touched_fact.size * 1e6)
            is not distinct from counted.size_micro
            and round(touched_fact.price * 1e6)
            is not distinct from counted.price_micro
            and touched_fact.occurrence <= counted.rows_seen
    group by touched_fact.row_id
),

last_held as (
    select
        touched_fact.row_id,
        max(confirmed.said_at) as shown_at
    from touched_fact
    inner join confirmed
        on
            touched_fact.market_key = confirmed.market_key
            and touched_fact.traded_at = confirmed.traded_at
            and touched_fact.first_seen_at < confirmed.said_at
    group by touched_fact.row_id
),

statements as (
    select
        market_key,
        traded_at,
        walk_id,
        said_at
    from stored
    union all by name
    select
        market_key,
        traded_at,
        walk_id,
        said_at
    from passed
),

lacking as (
    select
        touched_fact.row_id,
        statements.said_at,
        row_number() over (
            partition by touched_fact.row_id
            order by statements.said_at, statements.walk_id
        ) as turn
    from touched_fact
    left join last_shown on touched_fact.row_id = last_shown.row_id
    left join last_held on touched_fact.row_id = last_held.row_id
    inner join statements
        on
            touched_fact.market_key = statements.market_key
            and touched_fact.traded_at = statements.traded_at
            and statements.said_at
            > greatest(last_shown.shown_at, last_held.shown_at)
)

select
    touched_fact.row_id,
    lacking.said_at as withdrawn_at
from touched_fact
left join lacking
    on
        touched_fact.row_id = lacking.row_id
        and lacking.turn = 2
where lacking.said_at is distinct from touched_fact.withdrawn_at;

update silver.TradeFact
set withdrawn_at = withdrawn_change.withdrawn_at
from withdrawn_change
where TradeFact.rowid = withdrawn_change.row_id;

-- step: tell_touched
-- Seconds whose takers and balance must be told anew: contested ones, and older
-- ones of which taker rows have come.
create or replace temp table touched_pair as
select
    market_key,
    traded_at
from contested_pair
union
select
    market_key,
    traded_at
from taker_row
anti join fresh_trade using (market_key, traded_at);

-- step: read_touched
create or replace temp table touched_fact as
select
    TradeFact.rowid as row_id,
    TradeFact.*,
    hash(
        market_key, traded_at, transaction_hash, trader_key,
        token_key, is_buy, round(size * 1e6), round(price * 1e6)
    ) as identity_hash,
    coalesce(is_taker and is_taker_source = 'taker_walk', false) as was_named
from silver.TradeFact
semi join touched_pair using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

-- step: settle_takers
create or replace temp table taker_change as
with

told as (
    select
        *,
        was_named
        or exists (
            select 1 from taker_row
            where
                taker_row.identity_hash = touched_fact.identity_hash
                and taker_row.market_key = touched_fact.market_key
                and taker_row.traded_at = touched_fact.traded_at
                and taker_row.transaction_hash = touched_fact.transaction_hash
                and taker_row.occurrence = touched_fact.occurrence
        ) as is_named,
        exists(
            select 1 from taker_row
            where
                taker_row.market_key = touched_fact.market_key
                and taker_row.traded_at = touched_fact.traded_at
                and taker_row.transaction_hash = touched_fact.transaction_hash
        ) as is_listed
    from touched_fact
),

covered as (
    select
        *,
        is_listed
        or bool_or(was_named) over (
            partition by market_key, traded_at, transaction_hash
        ) as is_told
    from told
),

judged as (
    select
        covered.row_id,
        covered.is_taker as was_taker,
        covered.is_taker_source as old_source,
        case
            when covered.is_told then covered.is_named
            when covered.withdrawn_at is not null then null
            when match_tally.taker_size is not null
                then covered.size = match_tally.taker_size
        end as is_taker,
        case
            when covered.is_told then 'taker_walk'
            when covered.withdrawn_at is not null then null
            when match_tally.taker_size is not null then 'derived'
        end as is_taker_source
    from covered
    left join match_tally
        on
            covered.market_key = match_tally.market_key
            and covered.traded_at = match_tally.traded_at
            and covered.transaction_hash = match_tally.transaction_hash
)

select
    row_id,
    is_taker,
    is_taker_source
from judged
where
    is_taker is distinct from was_taker
    or is_taker_source is distinct from old_source;

update silver.TradeFact
set
    is_taker = taker_change.is_taker,
    is_taker_source = taker_change.is_taker_source
from taker_change
where TradeFact.rowid = taker_change.row_id;
