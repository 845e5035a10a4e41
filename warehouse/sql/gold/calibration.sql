-- What each settled market was priced at before that, and how it ended.
-- Grain: one row per market of two outcomes and horizon before its resolution,
-- where a trade before that moment is held.
-- Key: condition_id, horizon
-- Units: price and payout in dollars a share of the first outcome,
-- horizon_hours and price_age_hours in hours, times UTC.
-- Sources: silver.MarketHour, silver.MatchFact, gold.market_categories,
-- gold.market_resolutions, silver.MarketDim
-- Horizons are 1h, 1d, 7d and 30d before resolved_at. price is that of the last
-- match at or before asked_at, of whatever age: price_age_hours tells it.
-- Nothing that came after asked_at is looked at, and a market that was not
-- traded before has no row. payout is 1 where the first outcome won, 0 where
-- the second did, and 0.5 where the market was split; one whose end or its time
-- is not sure (gold.market_resolutions) has no row. brier_score is (price -
-- payout) squared. log_loss is the cross-entropy in nats, the price held within
-- 0.001 and 0.999, a tick from the ends. Trading often knows the outcome hours
-- before it is settled: one hour before is seldom a forecast.
-- Columns:
-- brier_score: (price - payout) squared
-- log_loss: cross-entropy in nats of price and payout
-- price: of the first outcome, the last before asked_at
-- price_at: when that price was traded
-- asked_at: the horizon before resolved_at
-- outcome: the first outcome, which price and payout speak of
with

hours as (
    select * from silver.MarketHour
    where last_price is not null
),

categories as (
    select * from gold.market_categories
),

resolutions as (
    select * from gold.market_resolutions
),

markets as (
    select * from silver.MarketDim
),

horizons (horizon, horizon_hours) as (
    values ('1h', 1), ('1d', 24), ('7d', 168), ('30d', 720)
),

asked as (
    select
        resolutions.condition_id,
        markets.market_key,
        resolutions.question,
        resolutions.is_split,
        resolutions.resolved_at,
        horizons.horizon,
        horizons.horizon_hours,
        markets.outcomes[1] as outcome,
        resolutions.payouts[1] as payout,
        resolutions.resolved_at - to_hours(horizons.horizon_hours) as asked_at
    from resolutions
    left join markets on resolutions.condition_id = markets.condition_id
    cross join horizons
    where
        len(resolutions.payouts) = 2
        and resolutions.resolved_at is not null
),

-- the hour in which the moment lies counts match by match
within_hour as (
    select
        asked.market_key,
        asked.horizon,
        arg_max(
            matches.first_outcome_price,
            row(
                matches.traded_at,
                coalesce(matches.order_in_second, 0),
                matches.first_outcome_price
            )
        ) as price,
        max(matches.traded_at) as price_at
    from asked
    inner join silver.MatchFact as matches
        on
            asked.market_key = matches.market_key
            and date_trunc('hour', asked.asked_at)
            = date_trunc('hour', matches.traded_at)
            and asked.asked_at >= matches.traded_at
    where matches.first_outcome_price is not null
    group by all
),

whole_hours as (
    select
        asked.market_key,
        asked.horizon,
        hours.last_price as price,
        hours.last_price_at as price_at
    from asked
    asof inner join hours
        on
            asked.market_key = hours.market_key
            and date_trunc('hour', asked.asked_at) > hours.hour_start
),

last_prices as (
    select
        asked.condition_id,
        asked.horizon,
        coalesce(within_hour.price, whole_hours.price) as price,
        coalesce(within_hour.price_at, whole_hours.price_at) as price_at
    from asked
    left join within_hour
        on
            asked.market_key = within_hour.market_key
            and asked.horizon = within_hour.horizon
    left join whole_hours
        on
            asked.market_key = whole_hours.market_key
            and asked.horizon = whole_hours.horizon
    where coalesce(within_hour.price_at, whole_hours.price_at) is not null
),

described as (
    select
        asked.condition_id,
        asked.horizon,
        asked.question,
        categories.category,
        asked.outcome,
        asked.horizon_hours,
        asked.resolved_at,
        asked.asked_at,
        last_prices.price,
        last_prices.price_at,
        asked.payout,
        asked.is_split,
        epoch(asked.asked_at - last_prices.price_at) / 3600 as price_age_hours,
        least(greatest(last_prices.price, 0.001), 0.999) as held_price
    from asked
    inner join last_prices
        on
            asked.condition_id = last_prices.condition_id
            and asked.horizon = last_prices.horizon
    left join categories on asked.condition_id = categories.condition_id
),

final as (
    select
        condition_id,
        horizon,
        question,
        category,
        outcome,
        horizon_hours,
        price,
        price_age_hours,
        payout,
        is_split,
        price_at,
        asked_at,
        resolved_at,
        pow(price - payout, 2) as brier_score,
        -payout * ln(held_price)
        - (1 - payout) * ln(1 - held_price) as log_loss
    from described
)

select * from final
