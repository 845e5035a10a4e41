-- How far each market moved within the last hour, day and week of the lake.
-- Grain: one row per market of two outcomes with a match in the lake's last
-- seven days.
-- Key: condition_id
-- Units: prices and changes in dollars a share of the first outcome, volumes in
-- dollars, times UTC.
-- Sources: silver.MarketHour, silver.MatchFact, silver.MarketKey,
-- silver.MarketDim
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

hours as (
    select * from silver.MarketHour
    where last_price is not null
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

latest as materialized (
    select max(last_price_at) as as_of from hours
),

cuts as (
    select
        as_of,
        as_of - interval 1 hour as hour_ago,
        as_of - interval 1 day as day_ago,
        as_of - interval 7 days as week_ago
    from latest
),

-- the seconds of the hours that a cut goes through: joined by equality, they
-- skip what lies before and after
cut_seconds as (
    select
        unnest(
            generate_series(
                date_trunc('hour', cut_at),
                date_trunc('hour', cut_at) + interval 3599 seconds,
                interval 1 second
            )
        ) as traded_at
    from (
        select hour_ago as cut_at from cuts
        union
        select day_ago as cut_at from cuts
        union
        select week_ago as cut_at from cuts
    ) as cut_times
),

matches as (
    select
        MatchFact.market_key,
        MatchFact.traded_at,
        MatchFact.notional_usd,
        MatchFact.first_outcome_price,
        row(
            MatchFact.traded_at,
            coalesce(MatchFact.order_in_second, 0),
            MatchFact.first_outcome_price
        ) as place
    from silver.MatchFact
    semi join cut_seconds on MatchFact.traded_at = cut_seconds.traded_at
    where MatchFact.first_outcome_price is not null
),

of_cut_hours as (
    select
        matches.market_key,
        arg_max(matches.first_outcome_price, matches.place) filter (
            where matches.traded_at
            between date_trunc('hour', cuts.hour_ago) and cuts.hour_ago
        ) as price_hour_ago,
        arg_max(matches.first_outcome_price, matches.place) filter (
            where matches.traded_at
            between date_trunc('hour', cuts.day_ago) and cuts.day_ago
        ) as price_day_ago,
        arg_max(matches.first_outcome_price, matches.place) filter (
            where matches.traded_at
            between date_trunc('hour', cuts.week_ago) and cuts.week_ago
        ) as price_week_ago,
        sum(matches.notional_usd) filter (
            where
            matches.traded_at > cuts.day_ago
            and matches.traded_at
            < date_trunc('hour', cuts.day_ago) + interval 1 hour
        ) as usd_day_ago,
        sum(matches.notional_usd) filter (
            where
            matches.traded_at > cuts.week_ago
            and matches.traded_at
            < date_trunc('hour', cuts.week_ago) + interval 1 hour
        ) as usd_week_ago
    from matches
    cross join cuts
    group by matches.market_key
),

of_whole_hours as (
    select
        hours.market_key,
        cuts.as_of,
        max(hours.last_price_at) as last_traded_at,
        arg_max(hours.last_price, hours.hour_start) as price,
        arg_max(hours.last_price, hours.hour_start) filter (
            where hours.hour_start < date_trunc('hour', cuts.hour_ago)
        ) as price_hour_ago,
        arg_max(hours.last_price, hours.hour_start) filter (
            where hours.hour_start < date_trunc('hour', cuts.day_ago)
        ) as price_day_ago,
        arg_max(hours.last_price, hours.hour_start) filter (
            where hours.hour_start < date_trunc('hour', cuts.week_ago)
        ) as price_week_ago,
        sum(hours.volume_usd) filter (
            where hours.hour_start > date_trunc('hour', cuts.day_ago)
        ) as usd_day_ago,
        sum(hours.volume_usd) filter (
            where hours.hour_start > date_trunc('hour', cuts.week_ago)
        ) as usd_week_ago
    from hours
    cross join cuts
    group by hours.market_key, cuts.as_of
),

prices as (
    select
        market_keys.condition_id,
        of_whole_hours.as_of,
        of_whole_hours.market_key,
        of_whole_hours.last_traded_at,
        of_whole_hours.price,
        coalesce(markets.question, market_keys.title) as question,
        coalesce(of_cut_hours.price_hour_ago, of_whole_hours.price_hour_ago)
            as price_1h_ago,
        coalesce(of_cut_hours.price_day_ago, of_whole_hours.price_day_ago)
            as price_24h_ago,
        coalesce(of_cut_hours.price_week_ago, of_whole_hours.price_week_ago)
            as price_7d_ago,
        coalesce(of_cut_hours.usd_day_ago, 0)
        + coalesce(of_whole_hours.usd_day_ago, 0) as volume_usd_24h,
        coalesce(of_cut_hours.usd_week_ago, 0)
        + coalesce(of_whole_hours.usd_week_ago, 0) as volume_usd_7d
    from of_whole_hours
    inner join market_keys
        on of_whole_hours.market_key = market_keys.market_key
    left join markets on of_whole_hours.market_key = markets.market_key
    left join of_cut_hours
        on of_whole_hours.market_key = of_cut_hours.market_key
    where of_whole_hours.last_traded_at > of_whole_hours.as_of - interval 7 days
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
    left join markets on prices.market_key = markets.market_key
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
