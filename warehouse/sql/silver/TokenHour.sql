-- One row per token and UTC hour with a match: candles of gold.ohlc_1h. Key:
-- token_key, hour_start. Reads MatchFact, as stale_match. Refreshed for stale
-- hours, see StaleHour.
-- Columns:
-- hour_start: UTC hour
-- last_traded_at: time of the hour's last match

-- step: define
create table if not exists silver.TokenHour (
    market_key uinteger not null,
    token_key uinteger not null,
    hour_start timestamp not null,
    open double not null,
    high double not null,
    low double not null,
    close double not null,
    volume_shares double,
    volume_usd double not null,
    matches uinteger not null,
    matches_taker_unknown uinteger not null,
    last_traded_at timestamp not null
);

-- step: refresh
create or replace temp table candle as
select
    market_key,
    token_key,
    hour_start,
    arg_min(price, row(traded_at, coalesce(order_in_second, 0), price)) as open,
    max(price) as high,
    min(price) as low,
    arg_max(price, row(traded_at, coalesce(order_in_second, 0), price))
        as close,
    sum(size) as volume_shares,
    coalesce(sum(notional_usd), 0) as volume_usd,
    count(*) as matches,
    count(*) filter (where trader_key is null) as matches_taker_unknown,
    max(traded_at) as last_traded_at
from stale_match
semi join stale_hour using (market_key, hour_start)
where price is not null
group by market_key, token_key, hour_start;

delete from silver.TokenHour
using stale_hour
where
    TokenHour.hour_start >= getvariable('stale_from')
    and TokenHour.hour_start < getvariable('stale_to')
    and TokenHour.market_key = stale_hour.market_key
    and TokenHour.hour_start = stale_hour.hour_start;

insert into silver.TokenHour by name
select * from candle
order by hour_start::date, market_key, token_key, hour_start;
