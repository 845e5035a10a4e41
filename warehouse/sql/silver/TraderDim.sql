-- One row per wallet that has traded. Key: trader_key, trader_address. Reads
-- bronze trades and taker_trades. Names are those of the latest row that has
-- any; first and last trade span all rows ever seen, withdrawn ones included.
-- Columns:
-- name_from_at: when the trade row that names the wallet was fetched
-- first_traded_at: the earliest fill ever seen
-- last_traded_at: the latest fill ever seen

-- step: define
create table if not exists silver.TraderDim (
    trader_key uinteger not null,
    trader_address varchar not null,
    name varchar,
    pseudonym varchar,
    name_from_at timestamp,
    first_traded_at timestamp,
    last_traded_at timestamp
);

-- step: take_in
create or replace temp table named_trader as
with

-- first by the texts as they were said: few differ
told as (
    select
        proxy_wallet,
        arg_max(name, fetched_at)
        filter (where name != '' or pseudonym != '') as name,
        arg_max(pseudonym, fetched_at)
        filter (where name != '' or pseudonym != '') as pseudonym,
        max(fetched_at)
        filter (where name != '' or pseudonym != '')::timestamp as name_from_at,
        min(timestamp) as first_second,
        max(timestamp) as last_second
    from bronze_trades
    group by 1
    union all by name
    select
        proxy_wallet,
        min(timestamp) as first_second,
        max(timestamp) as last_second
    from bronze_taker_trades
    group by 1
)

select
    lower(coalesce(proxy_wallet, '')) as trader_address,
    arg_max(name, name_from_at) as name,
    arg_max(pseudonym, name_from_at) as pseudonym,
    max(name_from_at) as name_from_at,
    make_timestamp(min(first_second) * 1000000) as first_traded_at,
    make_timestamp(max(last_second) * 1000000) as last_traded_at
from told
group by 1;

update silver.TraderDim
set
    first_traded_at = least(
        TraderDim.first_traded_at, named_trader.first_traded_at
    ),
    last_traded_at = greatest(
        TraderDim.last_traded_at, named_trader.last_traded_at
    )
from named_trader
where
    TraderDim.trader_address = named_trader.trader_address
    and (
        named_trader.first_traded_at < TraderDim.first_traded_at
        or named_trader.last_traded_at > TraderDim.last_traded_at
    );

-- Updates of text are slow, and names seldom change: rows are replaced instead.
update silver.TraderDim
set name_from_at = named_trader.name_from_at
from named_trader
where
    TraderDim.trader_address = named_trader.trader_address
    and TraderDim.name = named_trader.name
    and TraderDim.pseudonym = named_trader.pseudonym
    and named_trader.name_from_at > TraderDim.name_from_at;

create or replace temp table renamed_trader as
select
    TraderDim.trader_key,
    TraderDim.trader_address,
    named_trader.name,
    named_trader.pseudonym,
    named_trader.name_from_at,
    TraderDim.first_traded_at,
    TraderDim.last_traded_at
from silver.TraderDim
inner join named_trader
    on TraderDim.trader_address = named_trader.trader_address
where
    named_trader.name_from_at
    > coalesce(TraderDim.name_from_at, '-infinity'::timestamp);

delete from silver.TraderDim
using renamed_trader
where TraderDim.trader_key = renamed_trader.trader_key;

insert into silver.TraderDim
select * from renamed_trader;

insert into silver.TraderDim
select
    (select coalesce(max(trader_key), 0) from silver.TraderDim)
    + row_number() over (order by trader_address) as trader_key,
    *
from named_trader
anti join silver.TraderDim using (trader_address);

create or replace temp table trader_map as
select
    TraderDim.trader_address,
    TraderDim.trader_key
from silver.TraderDim
semi join named_trader using (trader_address);
