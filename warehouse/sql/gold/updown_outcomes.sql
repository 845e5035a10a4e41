-- The outcome of each up/down market, held against the feed that decides it.
-- Grain: one row per captured window.
-- Key: slug
-- Units: prices in dollars, to the last digit, times UTC.
-- Sources: silver.UpdownDim, silver.CryptoPriceFact
-- Each market's own rule decides which feed: Chainlink's average of 30 or 60
-- seconds where its configuration says so (markets from 2026-08-07 on, which
-- is what holds where the rule was not captured), else Chainlink's spot price.
-- Up is a price at the end that is not below the strike: a tie is Up. The price
-- of a moment is the tick observed at that very moment, and there is none where
-- no tick was heard: nothing is carried forward. Hourly and daily markets are
-- decided by Binance, and have no row.
-- Columns:
-- series: btc-15m, btc-5m, ...
-- condition_id: the market; null: it was not found
-- feed: chainlink, or chainlink_twap for the average
-- lookback_seconds: seconds of the average; null: a spot price
-- strike: the price to beat as Gamma says it, or else by the feed
-- strike_source: gamma, feed, or null: unknown
-- feed_strike: what the feed says of the window's beginning
-- final_price: the price at the end as Gamma says it
-- feed_price: what the feed says of the window's end
-- computed_outcome: Up or Down by strike and feed_price; null: one is unknown
-- outcome: Up or Down as the exchange settled it; null: not final
-- is_reproduced: computed_outcome is outcome; null: one of them is unknown
-- window_start: when it begins
-- window_end: when it ends
with

windows as (
    select * from silver.UpdownDim
),

ticks as (
    select * from silver.CryptoPriceFact
    where source in ('chainlink', 'chainlink_twap')
),

ruled as (
    select
        *,
        split_part(series, '-', 1) || '/usd' as symbol,
        coalesce(
            json_extract_string(rule, '$.cryptoMarketConfig.twapEnabled')
            = 'true',
            nullif(json_extract_string(rule, '$.resolutionSource'), '')
            ilike '%twap%',
            window_start >= timestamp '2026-08-07'
        ) as is_averaged,
        try_cast(
            json_extract_string(
                rule, '$.cryptoMarketConfig.twapLookbackSeconds'
            ) as integer
        ) as told_seconds
    from windows
    where epoch(window_end - window_start) in (300, 900, 14400)
),

fed as (
    select
        *,
        case when is_averaged then 'chainlink_twap' else 'chainlink' end
            as feed,
        case
            when not is_averaged then null
            when told_seconds is not null then told_seconds
            when
                window_end - window_start = interval 5 minutes
                and window_start < timestamp '2026-08-14'
                then 30
            else 60
        end as lookback_seconds
    from ruled
),

-- of two prices of one moment the one that was heard later stands
last_said as (
    select
        source,
        symbol,
        window_seconds,
        exchange_at,
        coalesce(price_exact, cast(price as decimal(38, 18))) as price
    from ticks
    qualify
        row_number() over (
            partition by source, symbol, window_seconds, exchange_at
            order by received_at desc, price_exact desc
        ) = 1
),

priced as (
    select
        fed.*,
        first_ticks.price as feed_strike,
        last_ticks.price as feed_price
    from fed
    left join last_said as first_ticks
        on
            fed.feed = first_ticks.source
            and fed.symbol = first_ticks.symbol
            and fed.window_start = first_ticks.exchange_at
            and fed.lookback_seconds
            is not distinct from first_ticks.window_seconds
    left join last_said as last_ticks
        on
            fed.feed = last_ticks.source
            and fed.symbol = last_ticks.symbol
            and fed.window_end = last_ticks.exchange_at
            and fed.lookback_seconds
            is not distinct from last_ticks.window_seconds
),

computed as (
    select
        *,
        coalesce(strike, feed_strike) as price_to_beat,
        case
            when strike is not null then 'gamma'
            when feed_strike is not null then 'feed'
        end as strike_source,
        case
            when feed_price >= price_to_beat then 'Up'
            when feed_price < price_to_beat then 'Down'
        end as computed_outcome
    from priced
),

final as (
    select
        slug,
        series,
        condition_id,
        feed,
        lookback_seconds,
        price_to_beat as strike,
        strike_source,
        feed_strike,
        final_price,
        feed_price,
        computed_outcome,
        outcome,
        window_start,
        window_end,
        computed_outcome = outcome as is_reproduced
    from computed
)

select * from final
