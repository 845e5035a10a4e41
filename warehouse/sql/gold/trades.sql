-- Every fill, both sides of each match, readable.
-- Grain: one row per fill as one wallet saw it; a match has a taker's row and
-- one or more makers' rows under one transaction_hash.
-- Key: transaction_hash, proxy_wallet, condition_id, token_id, side, traded_at,
-- size, price, occurrence
-- Units: price in dollars a share, size in shares, notional_usd in dollars,
-- traded_at UTC to the second.
-- Sources: silver.TradeFact, silver.MarketKey, silver.MarketDim,
-- silver.MarketTokenDim, silver.TraderDim
-- Adding up size or notional_usd over all rows counts each match twice: use
-- gold.daily_volume, or halve. Fills of markets that Gamma has not listed are
-- here too, with the question as their own rows say it. Withdrawn fills are
-- not here. is_taker is null where it is not known.
with

fills as (
    select * from silver.TradeFact
    where withdrawn_at is null
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

tokens as (
    select * from silver.MarketTokenDim
),

traders as (
    select * from silver.TraderDim
),

described as (
    select
        tokens.token_id,
        tokens.outcome,
        market_keys.condition_id,
        traders.trader_address as proxy_wallet,
        fills.traded_at,
        fills.is_taker,
        fills.price,
        fills.size,
        fills.occurrence,
        fills.order_in_second,
        coalesce(markets.question, market_keys.title) as question,
        case
            when fills.is_buy then 'BUY'
            when not fills.is_buy then 'SELL'
        end as side,
        fills.price * fills.size as notional_usd,
        case
            when octet_length(fills.transaction_hash) = 32
                then '0x' || lower(hex(fills.transaction_hash))
            else decode(fills.transaction_hash)
        end as transaction_hash
    from fills
    inner join market_keys on fills.market_key = market_keys.market_key
    inner join tokens on fills.token_key = tokens.token_key
    inner join traders on fills.trader_key = traders.trader_key
    left join markets on fills.market_key = markets.market_key
),

final as (
    select
        traded_at,
        condition_id,
        token_id,
        outcome,
        question,
        proxy_wallet,
        side,
        is_taker,
        price,
        size,
        notional_usd,
        transaction_hash,
        occurrence,
        order_in_second
    from described
)

select * from final
