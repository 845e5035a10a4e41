-- One row per market that any source has named: Gamma, trades, totals, walks,
-- resolutions, prices, open interest. Key: market_key; natural key:
-- condition_id, lower case. Reads bronze trades, taker_trades, markets,
-- live_volume, resolutions, prices, price_windows, open_interest and walks. A
-- Gamma row without a condition id is the market `gamma:<id>`. Combo markets
-- and markets that Gamma has not listed yet are here and not in MarketDim;
-- their title is the one their trades carry.
-- Columns:
-- title: the question as the latest trade row words it; null: no trade
-- slug: the market's name in URLs, by the same row
-- title_from_at: when that row was fetched

-- step: define
create table if not exists silver.MarketKey (
    market_key uinteger not null,
    condition_id varchar not null,
    title varchar,
    slug varchar,
    title_from_at timestamp
);

-- step: named_by_trades
create or replace temp table named_market as
with

-- first by the texts as they were said: few differ
told as (
    select
        condition_id,
        title,
        slug,
        max(fetched_at)::timestamp as told_at
    from bronze_trades
    group by all
    union all by name
    select distinct condition_id from bronze_taker_trades
)

select
    lower(coalesce(condition_id, '')) as condition_id,
    arg_max(title, told_at) filter (where title != '') as title,
    arg_max(slug, told_at) filter (where title != '') as slug,
    max(told_at) filter (where title != '') as title_from_at
from told
group by 1;

-- step: named_by_markets
create or replace temp table named_market as
select distinct
    coalesce(condition_id, 'gamma:' || gamma_id) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from incoming_market;

-- step: named_by_live_volume
create or replace temp table named_market as
select distinct
    lower(coalesce(condition_id, '')) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from bronze_live_volume;

-- step: named_by_resolutions
create or replace temp table named_market as
select distinct
    lower(coalesce(asked_condition_id, '')) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from bronze_resolutions;

-- step: named_by_open_interest
create or replace temp table named_market as
select distinct
    lower(coalesce(condition_id, '')) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from bronze_open_interest
where condition_id != 'GLOBAL';

-- step: named_by_prices
create or replace temp table named_market as
select distinct
    lower(coalesce(condition_id, '')) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from told_stretch;

-- step: named_by_price_windows
create or replace temp table named_market as
select distinct
    lower(coalesce(condition_id, '')) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from bronze_price_windows;

-- step: named_by_live
create or replace temp table named_market as
select distinct
    lower(condition_id) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from live_name
where condition_id != ''
union
-- the market of tokens of which nobody names one
select
    '' as condition_id,
    null as title,
    null as slug,
    null as title_from_at
from (
    select max(condition_id) as any_condition_id from live_name
    where token_id != ''
    group by token_id
)
where coalesce(any_condition_id, '') = '';

-- step: named_by_walks
create or replace temp table named_market as
select distinct
    lower(key) as condition_id,
    null::varchar as title,
    null::varchar as slug,
    null::timestamp as title_from_at
from bronze_walks
where
    kind in ('subject', 'folded', 'absent', 'due')
    and dataset in ('trades', 'taker_trades')
    and key is not null
    -- the subject of a walk over a wallet is the wallet
    and not (kind = 'subject' and coalesce(strategy, '') = 'user');

-- step: take_in
-- Updates of text are slow, and titles seldom change: rows are replaced.
update silver.MarketKey
set title_from_at = named_market.title_from_at
from named_market
where
    MarketKey.condition_id = named_market.condition_id
    and MarketKey.title = named_market.title
    and MarketKey.slug = named_market.slug
    and named_market.title_from_at > MarketKey.title_from_at;

create or replace temp table retitled_market as
select
    MarketKey.market_key,
    named_market.*
from silver.MarketKey
inner join named_market on MarketKey.condition_id = named_market.condition_id
where
    named_market.title_from_at
    > coalesce(MarketKey.title_from_at, '-infinity'::timestamp);

delete from silver.MarketKey
using retitled_market
where MarketKey.market_key = retitled_market.market_key;

insert into silver.MarketKey
select * from retitled_market;

insert into silver.MarketKey
select
    (select coalesce(max(market_key), 0) from silver.MarketKey)
    + row_number() over (order by condition_id) as market_key,
    condition_id,
    any_value(title) as title,
    any_value(slug) as slug,
    any_value(title_from_at) as title_from_at
from named_market
anti join silver.MarketKey using (condition_id)
group by condition_id;

create or replace temp table market_map as
select
    MarketKey.condition_id,
    MarketKey.market_key
from silver.MarketKey
semi join named_market using (condition_id);
