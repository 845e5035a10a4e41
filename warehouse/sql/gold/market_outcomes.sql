-- Every outcome that can be traded, with what one looks a market up by.
-- Grain: one row per token that any source has named.
-- Key: token_id
-- Units: prices and payout in dollars a share, times UTC.
-- Sources: silver.TokenHour, gold.market_categories, gold.market_resolutions,
-- silver.MarketTokenDim, silver.MarketKey, silver.MarketDim, silver.EventDim
-- status: open, closed, or unlisted (trades name the market, Gamma does not).
-- last_price is that of the token's own last match. listed_price is what Gamma
-- said at listed_at: of open markets about the middle of the book, of settled
-- ones what is paid. payout is null until the outcome is sure; half a dollar
-- in a split market.
-- Columns:
-- status: open, closed, or unlisted: trades name it, Gamma does not
-- last_price: of the token's own last match
-- listed_price: what Gamma says the token is worth
-- listed_at: when Gamma said so
-- payout: what a share is paid; null until that is sure
-- last_traded_at: time of the token's own last match
-- tags: all tags of the market's event; empty: none is known
with

hours as (
    select * from silver.TokenHour
),

categories as (
    select * from gold.market_categories
),

resolutions as (
    select * from gold.market_resolutions
),

tokens as (
    select * from silver.MarketTokenDim
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

events as (
    select * from silver.EventDim
),

last_prices as (
    select
        token_key,
        max(last_traded_at) as last_traded_at,
        arg_max(close, hour_start) as last_price
    from hours
    group by all
),

described as (
    select
        tokens.token_id,
        tokens.outcome_index,
        tokens.outcome,
        market_keys.condition_id,
        markets.event_id,
        events.title as event_title,
        events.slug as event_slug,
        categories.category,
        categories.tags,
        last_prices.last_price,
        last_prices.last_traded_at,
        markets.source_fetched_at as listed_at,
        markets.end_at,
        markets.closed_at,
        coalesce(markets.question, market_keys.title) as question,
        coalesce(markets.slug, market_keys.slug) as slug,
        case
            when markets.market_key is null then 'unlisted'
            when markets.is_closed then 'closed'
            else 'open'
        end as status,
        markets.outcome_prices[tokens.outcome_index + 1] as listed_price,
        resolutions.payouts[tokens.outcome_index + 1] as payout
    from tokens
    inner join market_keys on tokens.market_key = market_keys.market_key
    left join markets on tokens.market_key = markets.market_key
    left join events on markets.event_id = events.event_id
    left join categories
        on market_keys.condition_id = categories.condition_id
    left join resolutions
        on market_keys.condition_id = resolutions.condition_id
    left join last_prices on tokens.token_key = last_prices.token_key
),

final as (
    select
        token_id,
        condition_id,
        outcome_index,
        outcome,
        question,
        slug,
        event_id,
        event_title,
        event_slug,
        category,
        tags,
        status,
        last_price,
        listed_price,
        payout,
        last_traded_at,
        listed_at,
        end_at,
        closed_at
    from described
)

select * from final
