-- One row per tick of a feed of crypto prices. Key: source, symbol,
-- window_seconds, exchange_at, price_exact, price, tick_no. Reads bronze
-- crypto_prices. A tick that was heard again (a snapshot repeats what was said
-- before the subscription) is one row: the one heard first. Two values of one
-- moment are both here: the feed corrected itself, see gold.crypto_prices.
-- Columns:
-- source: coinbase, coinbase_candle, chainlink, chainlink_twap, binance or
--     polybolt
-- symbol: as the feed spells it: BTC-USD, btc/usd, btcusdt
-- price: dollars
-- price_exact: dollars, to the last of the digits that the feed gave
-- size: size of the trade, or volume of the candle
-- is_buy: the taker bought; null: no side is named
-- tick_no: number of the trade, or else the feed's own count; null: neither
-- window_seconds: of an average or a candle; null: a price of the moment
-- is_snapshot: of before the subscription, and heard with it
-- received_at: when it was heard
-- exchange_at: when it was observed, as the feed says

-- step: define
create table if not exists silver.CryptoPriceFact (
    source varchar not null,
    symbol varchar not null,
    price double,
    price_exact decimal(38, 18),
    size double,
    is_buy boolean,
    tick_no bigint,
    window_seconds integer,
    is_snapshot boolean not null,
    received_at timestamp_ns not null,
    exchange_at timestamp not null,
    walk_key uinteger not null
);

-- step: read
create or replace temp table live_name as
select distinct
    walk_id,
    null::varchar as token_id,
    null::varchar as condition_id
from bronze_crypto_prices;

-- step: take_in
create or replace temp table incoming_tick as
select
    coalesce(told.source, '') as source,
    coalesce(told.symbol, '') as symbol,
    told.price,
    try_cast(told.price_text as decimal(38, 18)) as price_exact,
    told.size,
    case lower(told.side)
        when 'buy' then true
        when 'sell' then false
    end as is_buy,
    coalesce(told.trade_id, told.sequence) as tick_no,
    told.window_seconds,
    coalesce(told.message_type = 'snapshot', false) as is_snapshot,
    make_timestamp_ns(told.received_at_ns) as received_at,
    make_timestamp(coalesce(told.exchange_at_us, told.received_at_ns // 1000))
        as exchange_at,
    walk_map.walk_key
from bronze_crypto_prices as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
qualify
    row_number() over (
        partition by
            told.source, told.symbol, told.window_seconds, exchange_at,
            price_exact, told.price, tick_no
        order by told.received_at_ns
    ) = 1;

set variable ticks_from = (select min(exchange_at) from incoming_tick);

set variable ticks_to = (select max(exchange_at) from incoming_tick);

create or replace temp table known_tick as
select
    *,
    rowid as place
from silver.CryptoPriceFact
where
    exchange_at >= getvariable('ticks_from')
    and exchange_at <= getvariable('ticks_to');

create or replace temp table met_tick as
select
    incoming_tick.rowid as incoming_place,
    known_tick.place as known_place,
    incoming_tick.received_at < known_tick.received_at as is_earlier
from incoming_tick
inner join known_tick
    on
        incoming_tick.source = known_tick.source
        and incoming_tick.symbol = known_tick.symbol
        and incoming_tick.exchange_at = known_tick.exchange_at
        and incoming_tick.price_exact
        is not distinct from known_tick.price_exact
        and incoming_tick.price is not distinct from known_tick.price
        and incoming_tick.tick_no is not distinct from known_tick.tick_no
        and incoming_tick.window_seconds
        is not distinct from known_tick.window_seconds;

delete from silver.CryptoPriceFact
using met_tick
where
    CryptoPriceFact.rowid = met_tick.known_place
    and met_tick.is_earlier;

delete from incoming_tick
using met_tick
where
    incoming_tick.rowid = met_tick.incoming_place
    and not met_tick.is_earlier;

insert into silver.CryptoPriceFact by name
select * from incoming_tick
order by source, symbol, exchange_at, received_at;
