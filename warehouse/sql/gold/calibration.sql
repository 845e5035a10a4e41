-- What each settled market was priced at before that, and how it ended.
-- Grain: one row per market of two outcomes and horizon before its resolution,
-- where a trade before that moment is held.
-- Key: condition_id, horizon
-- Units: price and payout in dollars a share of the first outcome,
-- horizon_hours and price_age_hours in hours, times UTC.
-- Sources: silver.MarketHour, silver.MatchByKey, silver.MarketTokenDim,
-- gold.market_categories, gold.market_resolutions, silver.MarketDim
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

settled as (
    select
        resolutions.condition_id,
        markets.market_key,
        resolutions.question,
        resolutions.is_split,
        resolutions.resolved_at,
        markets.outcomes[1] as outcome,
        resolutions.payouts[1] as payout
    from resolutions
    inner join markets on resolutions.condition_id = markets.condition_id
    where
        len(resolutions.payouts) = 2
        and resolutions.resolved_at is not null
),

-- before how many of the moments the last match of an hour is; each hour is
-- looked at once
placed_hours as (
    select
        hours.market_key,
        hours.hour_start,
        hours.last_price,
        hours.last_price_at,
        case
            when hours.last_price_at <= settled.resolved_at - interval 720 hours
                then 720
            when hours.last_price_at <= settled.resolved_at - interval 168 hours
                then 168
            when hours.last_price_at <= settled.resolved_at - interval 24 hours
                then 24
            when hours.last_price_at <= settled.resolved_at - interval 1 hour
                then 1
            else 0
        end as hours_before
    from hours
    inner join settled on hours.market_key = settled.market_key
),

parts as (
    select
        market_key,
        hours_before,
        min(hour_start) as first_hour_start,
        max(last_price_at) as price_at,
        arg_max(last_price, last_price_at) as price
    from placed_hours
    group by all
),

whole_hours as (
    select
        parts.market_key,
        horizons.horizon,
        max(parts.price_at) as price_at,
        arg_max(parts.price, parts.price_at) as price
    from parts
    inner join horizons on parts.hours_before >= horizons.horizon_hours
    group by all
),

-- the first hour of which the last match came after the moment: where the
-- moment lies in it, it counts match by match
hours_of_asked as (
    select
        settled.market_key,
        horizons.horizon,
        settled.resolved_at - to_hours(horizons.horizon_hours) as asked_at,
        min(parts.first_hour_start) as hour_start
    from parts
    inner join horizons on parts.hours_before < horizons.horizon_hours
    inner join settled on parts.market_key = settled.market_key
    group by all
    having min(parts.first_hour_start) <= asked_at
),

matches as (
    select
        matches_by_key.market_key,
        matches_by_key.token_key,
        matches_by_key.traded_at,
        matches_by_key.order_in_second,
        matches_by_key.price,
        date_trunc('hour', matches_by_key.traded_at) as hour_start
    from silver.MatchByKey as matches_by_key
    semi join hours_of_asked
        on
            matches_by_key.market_key = hours_of_asked.market_key
            and date_trunc('hour', matches_by_key.traded_at)
            = hours_of_asked.hour_start
),

priced_matches as (
    select
        matches.market_key,
        matches.hour_start,
        matches.traded_at,
        matches.order_in_second,
        if(tokens.outcome_index = 0, matches.price, 1 - matches.price)
            as first_outcome_price
    from matches
    inner join silver.MarketTokenDim as tokens
        on matches.token_key = tokens.token_key
    left join markets on matches.market_key = markets.market_key
    where
        tokens.outcome_index in (0, 1)
        and coalesce(len(markets.outcomes), 2) = 2
        and matches.price is not null
),

within_hour as (
    select
        hours_of_asked.market_key,
        hours_of_asked.horizon,
        arg_max(
            priced_matches.first_outcome_price,
            row(
                priced_matches.traded_at,
                coalesce(priced_matches.order_in_second, 0),
                priced_matches.first_outcome_price
            )
        ) as price,
        max(priced_matches.traded_at) as price_at
    from hours_of_asked
    inner join priced_matches
        on
            hours_of_asked.market_key = priced_matches.market_key
            and hours_of_asked.hour_start = priced_matches.hour_start
            and hours_of_asked.asked_at >= priced_matches.traded_at
    group by all
),

last_prices as (
    select
        coalesce(within_hour.market_key, whole_hours.market_key) as market_key,
        coalesce(within_hour.horizon, whole_hours.horizon) as horizon,
        coalesce(within_hour.price, whole_hours.price) as price,
        coalesce(within_hour.price_at, whole_hours.price_at) as price_at
    from within_hour
    full join whole_hours
        on
            within_hour.market_key = whole_hours.market_key
            and within_hour.horizon = whole_hours.horizon
),

described as (
    select
        settled.condition_id,
        last_prices.horizon,
        settled.question,
        categories.category,
        settled.outcome,
        horizons.horizon_hours,
        settled.resolved_at,
        last_prices.price,
        last_prices.price_at,
        settled.payout,
        settled.is_split,
        settled.resolved_at - to_hours(horizons.horizon_hours) as asked_at,
        epoch(asked_at - last_prices.price_at) / 3600 as price_age_hours,
        least(greatest(last_prices.price, 0.001), 0.999) as held_price
    from last_prices
    inner join settled on last_prices.market_key = settled.market_key
    inner join horizons on last_prices.horizon = horizons.horizon
    left join categories on settled.condition_id = categories.condition_id
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
