-- One row per market with fills: what ingest has put into TradeFact. Key:
-- market_key. Reads the rows that TradeFact takes in (fresh_trade, new_trade),
-- never the table, so that a row that is gone from the table is noticed.
-- Withdrawn rows are counted.
-- Columns:
-- rows_held: rows put into TradeFact, withdrawn ones included
-- shares_held: their shares, both sides
-- last_seen_at: when the row that came last was fetched

-- step: define
create table if not exists silver.MarketTally (
    market_key uinteger not null,
    rows_held ubigint not null,
    shares_held decimal(38, 6) not null,
    first_traded_at timestamp,
    last_traded_at timestamp,
    last_seen_at timestamp
);

-- step: take_in
create or replace temp table market_gain as
select
    market_key,
    count(*) as rows_held,
    sum(cast(size as decimal(38, 6))) as shares_held,
    min(traded_at) as first_traded_at,
    max(traded_at) as last_traded_at,
    max(first_seen_at) as last_seen_at
from (
    select
        market_key,
        size,
        traded_at,
        seen_at as first_seen_at
    from fresh_trade
    union all
    select
        market_key,
        size,
        traded_at,
        first_seen_at
    from new_trade
)
group by market_key;

update silver.MarketTally
set
    rows_held = MarketTally.rows_held + market_gain.rows_held,
    shares_held = MarketTally.shares_held + market_gain.shares_held,
    first_traded_at = least(
        MarketTally.first_traded_at, market_gain.first_traded_at
    ),
    last_traded_at = greatest(
        MarketTally.last_traded_at, market_gain.last_traded_at
    ),
    last_seen_at = greatest(
        MarketTally.last_seen_at, market_gain.last_seen_at
    )
from market_gain
where MarketTally.market_key = market_gain.market_key;

insert into silver.MarketTally
select * from market_gain
anti join silver.MarketTally using (market_key);
