-- What each wallet made of each outcome token, from its fills, before and after
-- fees.
-- Grain: one row per wallet, market and outcome token that it bought, sold or
-- holds of an assumed split.
-- Key: proxy_wallet, condition_id, token_id
-- Units: shares in shares, _usd in dollars, average_cost and price in dollars a
-- share, times UTC.
-- Sources: silver.TraderTokenPnl, silver.MarketJudged, silver.MarketKey,
-- silver.MarketDim, silver.MarketTokenDim, silver.TraderDim, silver.Expiry
-- gross = realized + unrealized = what came in, less what went out, plus
-- value_usd; net = gross less fees_usd. Cost is the moving average: a purchase
-- moves it, a sale does not. A settled market is realized at its payout, a
-- whole millionth of a dollar down as a redemption pays it, redeemed or not;
-- another is marked to the latest fill of either of two tokens (price_source).
--
-- Fills do not show splits, merges, conversions of negRisk markets, transfers
-- and rewards. Whoever sells more than they bought has assumed_split_shares:
-- so many full sets were bought for $1 each just before, the cost shared evenly
-- by the outcomes. Total P&L of a split or merge is nil while the prices of a
-- market add up to 1, and so is that of a conversion once the event's markets
-- have settled; only what is realized by when, and of which token, may differ.
-- Shares that came as a gift count as bought so; rewards and rebates are
-- missing. gold.wallet_pnl has all of this for wallets whose activity is whole.
-- An outcome whose token no source has named is one row with a null token_id.
-- Where is_market_complete is false, fills may be missing: below the exchange's
-- dust floor, older than what it serves, not fetched yet, or let go by
-- retention (fills_expired_before): then cost, shares and P&L are those of the
-- fills left.
--
-- Fees are the takers' by silver.FeeScheduleDim, where Gamma says that the
-- market charges any. fees_unknown_trades counts fills that may have paid one:
-- their taker is not known, or their market or its fee_type is not; such fees
-- are not in fees_usd. Until April 2026 a buyer's fee was taken in shares: it
-- is counted here in dollars at the fill's price.
-- Columns:
-- trades: fills of this wallet in this token
-- taker_trades: those in which it crossed the book
-- maker_trades: those in which its order was resting
-- bought_shares: shares bought, assumed splits not among them
-- bought_usd: dollars paid for them, without fees
-- sold_shares: shares sold
-- sold_usd: dollars got for them, without fees
-- assumed_split_shares: full sets that must have been split; see above
-- assumed_split_usd: this outcome's part of what they cost
-- shares_held: shares left
-- cost_usd: what these cost
-- average_cost: cost_usd a share; null where nothing is left
-- price: what a share is marked to; null where nothing tells it
-- price_source: payout or last_fill
-- is_settled: the market has paid out
-- value_usd: shares_held at price
-- realized_usd: made by selling and by settlement
-- unrealized_usd: value_usd less cost_usd, until settlement
-- gross_pnl_usd: realized_usd and unrealized_usd
-- fees_usd: fees that are known to have been paid
-- fees_unknown_trades: fills that may have paid another; see above
-- net_pnl_usd: gross_pnl_usd less fees_usd
-- is_market_complete: all fills of the market were here when ingest ended
-- fills_expired_before: retention let all fills of before then go, and with
--     them what a wallet had traded only then; null where it never did
with

pairs as (
    select * from silver.TraderTokenPnl
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

judged as (
    select * from silver.MarketJudged
),

expiry as (
    select max(expired_before) as fills_expired_before
    from silver.Expiry
    where dataset = 'trades'
),

described as (
    select
        traders.trader_address as proxy_wallet,
        market_keys.condition_id,
        tokens.token_id,
        tokens.outcome,
        pairs.bought_shares,
        pairs.bought_usd,
        pairs.sold_shares,
        pairs.sold_usd,
        pairs.assumed_split_usd,
        pairs.shares_held,
        pairs.cost_usd,
        pairs.price,
        pairs.is_settled,
        pairs.value_usd,
        pairs.fees_usd,
        expiry.fills_expired_before,
        cast(pairs.trades as bigint) as trades,
        cast(pairs.taker_trades as bigint) as taker_trades,
        cast(pairs.maker_trades as bigint) as maker_trades,
        cast(pairs.fees_unknown_trades as bigint) as fees_unknown_trades,
        cast(pairs.first_traded_at as timestamp) as first_traded_at,
        cast(pairs.last_traded_at as timestamp) as last_traded_at,
        pairs.split_shares as assumed_split_shares,
        coalesce(markets.question, market_keys.title) as question,
        coalesce(judged.status = 'complete', false) as is_market_complete,
        case
            when pairs.shares_held > 0
                then pairs.cost_usd / (pairs.shares_held * pairs.outcomes_held)
        end as average_cost,
        case
            when pairs.is_settled then 'payout'
            when pairs.price is not null then 'last_fill'
        end as price_source,
        pairs.cash_usd
        + if(pairs.is_settled, pairs.value_usd, pairs.cost_usd)
            as realized_usd,
        if(pairs.is_settled, 0, pairs.value_usd - pairs.cost_usd)
            as unrealized_usd,
        pairs.cash_usd + pairs.value_usd as gross_pnl_usd,
        pairs.cash_usd + pairs.value_usd - pairs.fees_usd as net_pnl_usd
    from pairs
    cross join expiry
    inner join market_keys on pairs.market_key = market_keys.market_key
    inner join traders on pairs.trader_key = traders.trader_key
    left join markets on pairs.market_key = markets.market_key
    left join judged on pairs.market_key = judged.market_key
    left join tokens on pairs.token_key = tokens.token_key
),

final as (
    select
        proxy_wallet,
        condition_id,
        token_id,
        question,
        outcome,
        trades,
        taker_trades,
        maker_trades,
        bought_shares,
        bought_usd,
        sold_shares,
        sold_usd,
        assumed_split_shares,
        assumed_split_usd,
        shares_held,
        cost_usd,
        average_cost,
        price,
        price_source,
        is_settled,
        value_usd,
        realized_usd,
        unrealized_usd,
        gross_pnl_usd,
        fees_usd,
        fees_unknown_trades,
        net_pnl_usd,
        is_market_complete,
        first_traded_at,
        last_traded_at,
        fills_expired_before
    from described
)

select * from final
