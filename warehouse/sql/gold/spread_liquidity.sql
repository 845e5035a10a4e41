-- What it cost to trade each market on each UTC day, as quoted and as traded.
-- Grain: one row per market and day with a quote or a match.
-- Key: condition_id, quote_date
-- Units: prices and spreads in dollars a share of the first outcome,
-- liquidity_usd in dollars, times UTC.
-- Sources: silver.MarketHistory, silver.MarketDim, silver.MarketKey,
-- silver.MarketDay
-- Quotes are those that the catalogue brought while the market was open, one
-- whenever the market's row changed: snapshots counts them, and the last of
-- the day stands here, as it was at quoted_at. A day without one has null:
-- nothing is carried forward. quoted_spread is null where the book was crossed.
-- Two estimates come from the day's matches alone, taken in their order at
-- prices of the first outcome. roll_spread is Roll's: twice the root of minus
-- the covariance of successive price changes (R. Roll, A simple implicit
-- measure of the effective bid-ask spread in an efficient market, Journal of
-- Finance 39, 1984). It needs ten pairs of changes, and is null where the
-- covariance is positive, as when prices trend. turn_spread is the mean of
-- the price that takers bought at less that they sold at, over the turns
-- where one came right after the other; turns counts them. Both show what small
-- takers paid between successive trades, and news adds noise to either.
-- Columns:
-- quote_date: UTC day
-- quoted_spread: best_ask - best_bid; null where they cross
-- midpoint: half of best_bid + best_ask
-- liquidity_usd: what Gamma shows as liquidity, dollars
-- quoted_at: when the day's last snapshot was fetched
-- roll_spread: Roll's estimate from the day's matches; null if it has none
-- turn_spread: mean price bought at less sold at, over the turns
-- snapshots: rows of the catalogue with a quote on that day
-- turns: matches whose taker traded against the direction before
with

versions as (
    select * from silver.MarketHistory
),

markets as (
    select * from silver.MarketDim
),

market_keys as (
    select * from silver.MarketKey
),

days as (
    select * from silver.MarketDay
    where priced_matches > 0
),

last_quotes as (
    select
        market_key,
        cast(valid_from as date) as quote_date,
        count(*) as snapshots,
        max(valid_from) as quoted_at,
        max_by(
            struct_pack(
                best_bid := best_bid,
                best_ask := best_ask,
                liquidity := liquidity
            ),
            row(valid_from, gamma_id)
        ) as last_quote
    from versions
    where
        not coalesce(is_closed, false)
        and coalesce(best_bid, best_ask, liquidity) is not null
    group by all
),

quoted as (
    select
        market_keys.condition_id,
        last_quotes.quote_date,
        last_quotes.snapshots,
        last_quotes.quoted_at,
        last_quotes.last_quote.best_bid,
        last_quotes.last_quote.best_ask,
        last_quotes.last_quote.liquidity as liquidity_usd
    from last_quotes
    inner join market_keys on last_quotes.market_key = market_keys.market_key
),

estimated as (
    select
        market_keys.condition_id,
        days.trade_date as quote_date,
        cast(days.priced_matches as bigint) as matches,
        days.pairs,
        days.covariance,
        cast(days.turns as bigint) as turns,
        days.turn_spread
    from days
    inner join market_keys on days.market_key = market_keys.market_key
),

described as (
    select
        quoted.snapshots,
        quoted.best_bid,
        quoted.best_ask,
        quoted.liquidity_usd,
        quoted.quoted_at,
        estimated.turns,
        estimated.turn_spread,
        estimated.matches,
        coalesce(quoted.condition_id, estimated.condition_id) as condition_id,
        coalesce(quoted.quote_date, estimated.quote_date) as quote_date,
        case
            when quoted.best_ask >= quoted.best_bid
                then quoted.best_ask - quoted.best_bid
        end as quoted_spread,
        (quoted.best_bid + quoted.best_ask) / 2 as midpoint,
        case
            when estimated.pairs >= 10 and estimated.covariance <= 0
                then 2 * sqrt(-estimated.covariance)
        end as roll_spread
    from quoted
    full join estimated
        on
            quoted.condition_id = estimated.condition_id
            and quoted.quote_date = estimated.quote_date
),

measured as (
    select
        described.condition_id,
        described.quote_date,
        markets.question,
        described.best_bid,
        described.best_ask,
        described.quoted_spread,
        described.midpoint,
        described.liquidity_usd,
        described.quoted_at,
        described.roll_spread,
        described.turn_spread,
        coalesce(described.snapshots, 0) as snapshots,
        coalesce(described.matches, 0) as matches,
        coalesce(described.turns, 0) as turns
    from described
    left join markets on described.condition_id = markets.condition_id
),

final as (
    select
        condition_id,
        quote_date,
        question,
        best_bid,
        best_ask,
        quoted_spread,
        midpoint,
        liquidity_usd,
        snapshots,
        quoted_at,
        roll_spread,
        turn_spread,
        turns,
        matches
    from measured
)

select * from final
