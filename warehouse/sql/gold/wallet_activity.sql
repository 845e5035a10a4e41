-- All that the wallets did that were asked for, readable.
-- Grain: one row per trade, split, merge, redemption, conversion, reward or
-- transfer of a wallet.
-- Key: proxy_wallet, happened_at, activity_type, transaction_hash,
-- condition_id, token_id, side, size, price, occurrence
-- Units: size in shares (dollars for rewards and rebates), price in dollars a
-- share, usd and cash_usd in dollars, happened_at UTC to the second.
-- Sources: silver.ActivityFact, silver.MarketDim, silver.MarketTokenDim
-- Since 2026-08-10 a redemption is a row an outcome, the losing ones of no
-- dollars; before, one row a market, with a null token_id. fee_usd is what a
-- trade's dollars differ from size * price: what a taker paid.
-- Columns:
-- activity_type: TRADE, SPLIT, MERGE, REDEEM, CONVERSION, REWARD, DEPOSIT, ...
-- side: BUY or SELL of a trade; else null
-- size: shares; dollars for rewards and rebates
-- usd: dollars that moved, a taker's fee included
-- cash_usd: the same as the wallet saw it: negative where it paid
-- fee_usd: the taker's fee of a trade; else null
-- happened_at: UTC to the second
with

activity as (
    select * from silver.ActivityFact
),

markets as (
    select * from silver.MarketDim
),

tokens as (
    select * from silver.MarketTokenDim
),

described as (
    select
        activity.trader_address as proxy_wallet,
        activity.activity_type,
        activity.condition_id,
        activity.token_id,
        activity.size,
        activity.price,
        activity.usdc_size as usd,
        activity.transaction_hash,
        activity.occurrence,
        activity.happened_at,
        coalesce(tokens.outcome, activity.outcome) as outcome,
        coalesce(markets.question, activity.title) as question,
        case
            when activity.is_buy then 'BUY'
            when not activity.is_buy then 'SELL'
        end as side,
        case
            when
                activity.activity_type in ('SPLIT', 'WITHDRAWAL')
                or activity.is_buy
                then -activity.usdc_size
            else activity.usdc_size
        end as cash_usd,
        case
            when activity.is_buy
                then activity.usdc_size - activity.size * activity.price
            when not activity.is_buy
                then activity.size * activity.price - activity.usdc_size
        end as fee_usd
    from activity
    left join markets on activity.condition_id = markets.condition_id
    left join tokens on activity.token_id = tokens.token_id
),

final as (
    select
        happened_at,
        proxy_wallet,
        activity_type,
        condition_id,
        token_id,
        question,
        outcome,
        side,
        size,
        price,
        usd,
        cash_usd,
        transaction_hash,
        occurrence,
        round(fee_usd, 6) as fee_usd
    from described
)

select * from final
