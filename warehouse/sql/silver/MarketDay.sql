-- One row per market and UTC day with a fill: every match counted once, and
-- what it cost to trade, the numbers of gold.daily_volume and
-- gold.spread_liquidity. Key: market_key, trade_date. Reads TradeFact and
-- MatchFact, as stale_fill and stale_match. Rows that were withdrawn are not
-- counted. Refreshed for the days of stale hours, see StaleHour.
-- Columns:
-- matches_usd_known: matches whose dollars are known
-- last_fill_price: of the first outcome, by the day's last fill
-- priced_matches: matches with a price of the first outcome
-- pairs: pairs of successive changes of that price
-- covariance: of the changes in these pairs
-- turns: matches whose taker traded against the direction before
-- turn_spread: mean price bought at less sold at, over the turns

-- step: define
create table if not exists silver.MarketDay (
    market_key uinteger not null,
    trade_date date not null,
    trades uinteger not null,
    matches uinteger not null,
    traders uinteger not null,
    volume_shares double,
    volume_usd double not null,
    matches_usd_known uinteger not null,
    matches_usd_unknown uinteger not null,
    shares_usd_unknown double not null,
    last_fill_price double,
    priced_matches uinteger not null,
    pairs uinteger not null,
    covariance double,
    turns uinteger not null,
    turn_spread double,
    first_traded_at timestamp not null,
    last_traded_at timestamp not null
);

-- step: refresh
-- by trader first: that is several times faster than count(distinct)
create or replace temp table day_sum as
with

traders_of_day as (
    select
        market_key,
        hour_start::date as trade_date,
        trader_key,
        count(*) as trades,
        sum(size) as both_sides_shares,
        min(traded_at) as first_traded_at,
        max(traded_at) as last_traded_at
    from stale_fill
    where is_standing
    group by all
),

all_sides as (
    select
        market_key,
        trade_date,
        count(*) as traders,
        sum(trades) as trades,
        sum(both_sides_shares) / 2 as volume_shares,
        min(first_traded_at) as first_traded_at,
        max(last_traded_at) as last_traded_at
    from traders_of_day
    group by all
),

-- by token first: few rows are left to look up names for
last_of_tokens as (
    select
        market_key,
        token_key,
        hour_start::date as trade_date,
        -- whole seconds: the place within one goes behind the point
        max(traded_at + to_microseconds(coalesce(order_in_second, 0)))
        filter (where price is not null) as priced_at,
        arg_max(
            price, traded_at + to_microseconds(coalesce(order_in_second, 0))
        ) as price
    from stale_fill
    where is_standing
    group by all
),

told_fills as (
    select
        last_of_tokens.market_key,
        last_of_tokens.trade_date,
        last_of_tokens.priced_at,
        if(
            MarketTokenDim.outcome_index = 0,
            last_of_tokens.price,
            1 - last_of_tokens.price
        ) as first_price
    from last_of_tokens
    inner join silver.MarketTokenDim
        on last_of_tokens.token_key = MarketTokenDim.token_key
    left join silver.MarketDim
        on last_of_tokens.market_key = MarketDim.market_key
    where
        MarketTokenDim.outcome_index = 0
        or (
            MarketTokenDim.outcome_index = 1
            and coalesce(len(MarketDim.outcomes), 2) = 2
        )
),

last_fills as (
    select
        market_key,
        trade_date,
        arg_max(first_price, row(priced_at, first_price)) as last_fill_price
    from told_fills
    where first_price is not null
    group by all
),

priced as (
    select
        market_key,
        hour_start::date as trade_date,
        is_first_bought,
        first_outcome_price as price,
        lag(first_outcome_price) over successive as price_before,
        lag(first_outcome_price, 2) over successive as price_earlier,
        lag(is_first_bought) over successive as was_first_bought
    from stale_match
    where first_outcome_price is not null
    window
        successive as (
            partition by market_key, hour_start::date
            order by traded_at, order_in_second, first_outcome_price
        )
),

paired as (
    select
        *,
        price - price_before as price_change,
        price_before - price_earlier as earlier_change
    from priced
),

estimated as (
    select
        market_key,
        trade_date,
        count(*) as priced_matches,
        count(earlier_change) as pairs,
        covar_samp(price_change, earlier_change) as covariance,
        count(*) filter (where is_first_bought <> was_first_bought) as turns,
        avg(if(is_first_bought, price_change, -price_change)) filter (
            where is_first_bought <> was_first_bought
        ) as turn_spread
    from paired
    group by all
),

once as (
    select
        market_key,
        hour_start::date as trade_date,
        count(*) as matches,
        count(notional_usd) as matches_usd_known,
        coalesce(sum(notional_usd), 0) as volume_usd,
        count(*) filter (where trader_key is null and notional_usd is null)
            as matches_usd_unknown,
        coalesce(
            sum(size) filter (
                where trader_key is null and notional_usd is null
            ),
            0
        ) as shares_usd_unknown
    from stale_match
    group by all
)

select
    all_sides.*,
    last_fills.last_fill_price,
    estimated.covariance,
    estimated.turn_spread,
    coalesce(once.matches, 0) as matches,
    coalesce(once.matches_usd_known, 0) as matches_usd_known,
    coalesce(once.volume_usd, 0) as volume_usd,
    coalesce(once.matches_usd_unknown, 0) as matches_usd_unknown,
    coalesce(once.shares_usd_unknown, 0) as shares_usd_unknown,
    coalesce(estimated.priced_matches, 0) as priced_matches,
    coalesce(estimated.pairs, 0) as pairs,
    coalesce(estimated.turns, 0) as turns
from all_sides
left join once
    on
        all_sides.market_key = once.market_key
        and all_sides.trade_date = once.trade_date
left join last_fills
    on
        all_sides.market_key = last_fills.market_key
        and all_sides.trade_date = last_fills.trade_date
left join estimated
    on
        all_sides.market_key = estimated.market_key
        and all_sides.trade_date = estimated.trade_date;

delete from silver.MarketDay
using stale_day
where
    MarketDay.trade_date >= getvariable('stale_from')::date
    and MarketDay.trade_date < getvariable('stale_to')::date
    and MarketDay.market_key = stale_day.market_key
    and MarketDay.trade_date = stale_day.trade_date;

insert into silver.MarketDay by name
select * from day_sum
order by trade_date, market_key;
