-- How far each market moved within the last hour, day and week of the lake.
-- Grain: one row per market of two outcomes with a match in the lake's last
-- seven days.
-- Key: condition_id
-- Units: prices and changes in dollars a share of the first outcome, volumes in
-- dollars, times UTC.
-- Sources: gold.matches, silver.MarketDim
-- as_of is the time of the latest match held, of any market. price is the
-- market's last one; price_1h_ago, price_24h_ago and price_7d_ago are those of
-- its last match at or before then, null where there was none yet. volume_24h
-- counts dollars that are known.
-- Columns:
-- price: of the first outcome, the last held
-- price_1h_ago: the last price at or before an hour before as_of
-- price_24h_ago: the last price at or before a day before as_of
-- price_7d_ago: the last price at or before a week before as_of
-- volume_usd_24h: dollars of the day up to as_of
-- volume_usd_7d: dollars of the week up to as_of
-- change_1h: price - price_1h_ago
-- change_24h: price - price_24h_ago
-- change_7d: price - price_7d_ago
-- as_of: time of the latest match of the lake
with

matches as (
    select
        condition_id,
        question,
        first_outcome_price as price,
        notional_usd,
        traded_at,
        row(
            traded_at, coalesce(order_in_second, 0), first_outcome_price
        ) as place
    from gold.matches
    where first_outcome_price is not null
),

markets as (
    select * from silver.MarketDim
),

latest as (
    select max(traded_at) as as_of from matches
),

prices as (
    select
        matches.condition_id,
        latest.as_of,
        any_value(matches.question) as question,
        max(matches.traded_at) as last_traded_at,
        arg_max(matches.price, matches.place) as price,
        arg_max(matches.price, matches.place) filter (
            where matches.traded_at <= latest.as_of - interval 1 hour
        ) as price_1h_ago,
        arg_max(matches.price, matches.place) filter (
            where matches.traded_at <= latest.as_of - interval 1 day
        ) as price_24h_ago,
        arg_max(matches.price, matches.place) filter (
            where matches.traded_at <= latest.as_of - interval 7 days
        ) as price_7d_ago,
        coalesce(
            sum(matches.notional_usd) filter (
                where matches.traded_at > latest.as_of - interval 1 day
            ),
            0
        ) as volume_usd_24h,
        coalesce(
            sum(matches.notional_usd) filter (
                where matches.traded_at > latest.as_of - interval 7 days
            ),
            0
        ) as volume_usd_7d
    from matches
    cross join latest
    group by all
),

measured as (
    select
        prices.condition_id,
        prices.question,
        markets.is_closed,
        prices.price,
        prices.price_1h_ago,
        prices.price_24h_ago,
        prices.price_7d_ago,
        prices.volume_usd_24h,
        prices.volume_usd_7d,
        prices.last_traded_at,
        prices.as_of,
        prices.price - prices.price_1h_ago as change_1h,
        prices.price - prices.price_24h_ago as change_24h,
        prices.price - prices.price_7d_ago as change_7d
    from prices
    left join markets on prices.condition_id = markets.condition_id
    where prices.last_traded_at > prices.as_of - interval 7 days
),

final as (
    select
        condition_id,
        question,
        is_closed,
        price,
        price_1h_ago,
        change_1h,
        price_24h_ago,
        change_24h,
        price_7d_ago,
        change_7d,
        volume_usd_24h,
        volume_usd_7d,
        last_traded_at,
        as_of
    from measured
)

select * from final
