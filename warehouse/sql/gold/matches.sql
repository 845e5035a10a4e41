-- Every match once: what its taker did, whoever the makers were.
-- Grain: one row per taker's fill; where no row of a match is known as the
-- taker's, one per transaction and market.
-- Key: condition_id, transaction_hash, traded_at, token_id, taker_address,
-- side, size, price, occurrence
-- Units: prices in dollars a share, size in shares, notional_usd in dollars,
-- traded_at UTC to the second.
-- Sources: silver.MatchFact, silver.MarketKey, silver.MarketDim,
-- silver.MarketTokenDim, silver.TraderDim
-- Dollars add up to those of gold.daily_volume; shares, too, but for half of
-- what was never served (dust). first_outcome_price is the price of the first
-- of two outcomes: one of the second, at p, counts as 1 - p; is_first_bought
-- says whether the taker bought the first outcome or, what comes to the same,
-- sold the second. Both are null in markets of more outcomes.
-- Of an unknown taker (taker_address and side are null) size is half of the
-- rows', and price the rows' dollars over their shares. If such a match has
-- rows of both outcomes, it stands under the first one, and the other's rows
-- count at 1 - p. Its dollars are known only where both sides paid the same, as
-- in gold.daily_volume. A match of tokens whose order nobody tells has neither
-- token nor price.
with

matches as (
    select * from silver.MatchFact
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
        market_keys.condition_id,
        tokens.token_id,
        tokens.outcome,
        matches.outcome_index,
        traders.trader_address as taker_address,
        matches.is_taker_source,
        matches.price,
        matches.size,
        matches.notional_usd,
        matches.first_outcome_price,
        matches.is_first_bought,
        matches.occurrence,
        matches.order_in_second,
        matches.traded_at,
        coalesce(markets.question, market_keys.title) as question,
        case
            when matches.is_buy then 'BUY'
            when not matches.is_buy then 'SELL'
        end as side,
        case
            when octet_length(matches.transaction_hash) = 32
                then '0x' || lower(hex(matches.transaction_hash))
            else decode(matches.transaction_hash)
        end as transaction_hash
    from matches
    inner join market_keys on matches.market_key = market_keys.market_key
    left join tokens on matches.token_key = tokens.token_key
    left join traders on matches.trader_key = traders.trader_key
    left join markets on matches.market_key = markets.market_key
),

final as (
    select
        traded_at,
        condition_id,
        token_id,
        outcome_index,
        outcome,
        question,
        taker_address,
        side,
        price,
        size,
        notional_usd,
        first_outcome_price,
        is_first_bought,
        is_taker_source,
        transaction_hash,
        occurrence,
        order_in_second
    from described
)

select * from final
