-- One row per match by keys alone: a view. silver.MatchFact adds the market's
-- outcomes and says more of it. Key: market_key, transaction_hash,
-- traded_at, token_key, trader_key, is_buy, size, price, occurrence. Reads
-- TradeFact, and of unknown takers MarketTokenDim and MarketDim. Who asks it
-- for a market or a day has only the fills of that read.
-- Columns:
-- trader_key: the taker's; null where it is not known

-- step: define
create view if not exists silver.MatchByKey as
with

-- not materialized: so who asks for a market or a day has only its fills read
fills as not materialized (
    select
        *,
        price * size as notional_usd
    from silver.TradeFact
    where withdrawn_at is null
),

markets as (
    select * from silver.MarketDim
),

tokens as (
    select * from silver.MarketTokenDim
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
)

select * from matches;
