-- Every market at a glance: what it asks, how it stands, what was traded.
-- Grain: one row per market that any source has named, traded or not.
-- Key: condition_id
-- Units: volume_shares in shares, volume_usd in dollars, last_price in dollars
-- a share of the first outcome, times UTC.
-- Sources: silver.MarketDay, silver.MarketKey, silver.MarketDim,
-- silver.EventDim, silver.TraderToken
-- status: open, closed, or unlisted (trades name the market, Gamma does not).
-- last_price is that of the latest fill; a fill of the second of two outcomes
-- at p counts as 1 - p. Volumes as in gold.daily_volume.
-- Columns:
-- status: open, closed, or unlisted: trades name it, Gamma does not
with

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

events as (
    select * from silver.EventDim
),

days as (
    select * from silver.MarketDay
),

volumes as (
    select
        market_key,
        cast(sum(trades) as bigint) as trades_held,
        cast(sum(matches) as bigint) as matches,
        sum(volume_shares) as volume_shares,
        sum(volume_usd) as volume_usd,
        sum(shares_usd_unknown) as shares_usd_unknown,
        arg_max(last_fill_price, trade_date) as last_price,
        min(first_traded_at) as first_traded_at,
        max(last_traded_at) as last_traded_at
    from days
    group by all
),

crowds as (
    select
        market_key,
        count(*) filter (where is_first) as traders
    from silver.TraderToken
    group by market_key
),

described as (
    select
        market_keys.condition_id,
        markets.gamma_id,
        markets.event_id,
        markets.outcomes,
        markets.winning_outcome,
        markets.created_at,
        markets.end_at,
        markets.closed_at,
        events.title as event_title,
        volumes.last_price,
        volumes.first_traded_at,
        volumes.last_traded_at,
        coalesce(markets.question, market_keys.title) as question,
        coalesce(markets.slug, market_keys.slug) as slug,
        coalesce(markets.category, events.category) as category,
        case
            when markets.market_key is null then 'unlisted'
            when markets.is_closed then 'closed'
            else 'open'
        end as status,
        coalesce(markets.is_neg_risk, false) as is_neg_risk,
        coalesce(volumes.trades_held, 0) as trades_held,
        coalesce(volumes.matches, 0) as matches,
        coalesce(crowds.traders, 0) as traders,
        coalesce(volumes.volume_shares, 0) as volume_shares,
        coalesce(volumes.volume_usd, 0) as volume_usd,
        coalesce(volumes.shares_usd_unknown, 0) as shares_usd_unknown
    from market_keys
    left join markets on market_keys.market_key = markets.market_key
    left join events on markets.event_id = events.event_id
    left join volumes on market_keys.market_key = volumes.market_key
    left join crowds on market_keys.market_key = crowds.market_key
),

final as (
    select
        condition_id,
        gamma_id,
        event_id,
        question,
        event_title,
        slug,
        category,
        outcomes,
        status,
        winning_outcome,
        is_neg_risk,
        trades_held,
        matches,
        traders,
        volume_shares,
        volume_usd,
        shares_usd_unknown,
        last_price,
        first_traded_at,
        last_traded_at,
        created_at,
        end_at,
        closed_at
    from described
)

select * from final
