-- Every match once: what its taker did, whoever the makers were.
-- Grain: one row per taker's fill; where no row of a match is known as the
-- taker's, one per transaction and market.
-- Key: condition_id, transaction_hash, traded_at, token_id, taker_address,
-- side, size, price, occurrence
-- Units: prices in dollars a share, size in shares, notional_usd in dollars,
-- traded_at UTC to the second.
-- Sources: silver.TradeFact, silver.MarketKey, silver.MarketDim,
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

fills as (
    select
        *,
        price * size as notional_usd
    from silver.TradeFact
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

of_known_taker as (
    select
        market_key,
        token_key,
        trader_key,
        transaction_hash,
        occurrence,
        order_in_second,
        is_buy,
        price,
        size,
        notional_usd,
        traded_at,
        is_taker_source
    from fills
    where is_taker
),

unknown_rows as (
    select
        fills.*,
        tokens.outcome_index,
        coalesce(len(markets.outcomes), 2) as outcomes
    from fills
    inner join tokens on fills.token_key = tokens.token_key
    left join markets on fills.market_key = markets.market_key
    where fills.is_taker is null
),

grouped as (
    select
        market_key,
        traded_at,
        transaction_hash,
        min(order_in_second) as order_in_second,
        sum(size) as both_sides_shares,
        sum(notional_usd) as both_sides_usd,
        sum(if(outcome_index = 0, price, 1 - price) * size) as first_usd,
        min(token_key) as any_token_key,
        arg_min(token_key, outcome_index) as first_token_key,
        count(distinct token_key) as tokens,
        count(distinct token_key) = 2
        and min(outcome_index) = 0
        and max(outcome_index) = 1
        and any_value(outcomes) = 2 as is_pair,
        count(*) = 2
        and count(distinct token_key) = 1
        and count(distinct is_buy) = 2 as is_plain
    from unknown_rows
    group by all
),

of_unknown_taker as (
    select
        market_key,
        case
            when tokens = 1 then any_token_key
            when is_pair then first_token_key
        end as token_key,
        null as trader_key,
        transaction_hash,
        1 as occurrence,
        order_in_second,
        null as is_buy,
        case
            when tokens = 1 then both_sides_usd
            when is_pair then first_usd
        end / nullif(both_sides_shares, 0) as price,
        both_sides_shares / 2 as size,
        if(is_plain, both_sides_usd / 2, null) as notional_usd,
        traded_at,
        null as is_taker_source
    from grouped
),

matches as (
    select * from of_known_taker
    union all
    select * from of_unknown_taker
),

described as (
    select
        market_keys.condition_id,
        tokens.token_id,
        tokens.outcome,
        tokens.outcome_index,
        traders.trader_address as taker_address,
        matches.is_taker_source,
        matches.price,
        matches.size,
        matches.notional_usd,
        matches.occurrence,
        matches.order_in_second,
        matches.traded_at,
        coalesce(markets.question, market_keys.title) as question,
        case
            when coalesce(len(markets.outcomes), 2) <> 2 then null
            when tokens.outcome_index = 0 then matches.price
            when tokens.outcome_index = 1 then 1 - matches.price
        end as first_outcome_price,
        case
            when coalesce(len(markets.outcomes), 2) <> 2 then null
            when tokens.outcome_index = 0 then matches.is_buy
            when tokens.outcome_index = 1 then not matches.is_buy
        end as is_first_bought,
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
