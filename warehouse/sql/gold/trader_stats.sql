-- Every trader at a glance: how much, how, and with what result.
-- Grain: one row per wallet with a fill.
-- Key: proxy_wallet
-- Units: _usd in dollars, shares and rates from 0 to 1, times UTC.
-- Sources: gold.trader_pnl, silver.TraderDim, silver.MarketDim, silver.Expiry,
-- silver.WalletPositionFact, silver.WalletWalk
-- P&L is that of gold.trader_pnl, which says what fills can tell: where
-- markets_incomplete or fees_unknown_trades is not 0, some is missing. A wallet
-- may not be a person, and a person may have several. win_rate speaks of
-- settled markets alone: of few of them it says nothing.
-- Columns:
-- labels: what is known of the wallet: pool (an AMM), verified, walked
-- trades: its fills
-- maker_trades: those in which its order was resting
-- taker_trades: those in which it crossed the book
-- maker_share: maker_trades of all whose side is known
-- markets: markets with a fill
-- markets_settled: those that have paid out
-- markets_won: those of them that made money, fees taken off
-- win_rate: markets_won / markets_settled
-- markets_incomplete: markets of which not all fills are here
-- volume_usd: what it paid for purchases and got for sales
-- bought_usd: what it paid
-- sold_usd: what it got
-- value_usd: what it holds, at the last price or at its payout
-- realized_usd: made by selling and by settlement
-- unrealized_usd: what it holds less its cost, in markets not settled
-- gross_pnl_usd: the two together
-- fees_usd: fees that are known to have been paid
-- fees_unknown_trades: fills that may have paid another
-- net_pnl_usd: gross_pnl_usd less fees_usd
-- return_on_bought: net_pnl_usd / bought_usd
-- assumed_split_usd: what its assumed splits cost
-- first_traded_at: its earliest fill held
-- last_traded_at: its latest fill held
-- fills_expired_before: retention let all fills of before then go: volume and
--     P&L are those of the fills left; null where it never did
with

positions as (
    select * from gold.trader_pnl
),

traders as (
    select * from silver.TraderDim
),

expiry as (
    select max(expired_before) as fills_expired_before
    from silver.Expiry
    where dataset = 'trades'
),

pools as (
    select distinct market_maker_address as proxy_wallet
    from silver.MarketDim
    where market_maker_address is not null
),

verified as (
    select distinct trader_address as proxy_wallet
    from silver.WalletPositionFact
    where is_verified
),

walked as (
    select distinct trader_address as proxy_wallet
    from silver.WalletWalk
    where dataset = 'activity' and outcome = 'end'
),

by_market as (
    select
        proxy_wallet,
        condition_id,
        sum(trades) as trades,
        sum(maker_trades) as maker_trades,
        sum(taker_trades) as taker_trades,
        sum(bought_usd) as bought_usd,
        sum(sold_usd) as sold_usd,
        sum(value_usd) as value_usd,
        sum(realized_usd) as realized_usd,
        sum(unrealized_usd) as unrealized_usd,
        sum(gross_pnl_usd) as gross_pnl_usd,
        sum(fees_usd) as fees_usd,
        sum(fees_unknown_trades) as fees_unknown_trades,
        sum(net_pnl_usd) as net_pnl_usd,
        sum(assumed_split_usd) as assumed_split_usd,
        bool_and(is_settled) as is_settled,
        bool_and(is_market_complete) as is_market_complete,
        min(first_traded_at) as first_traded_at,
        max(last_traded_at) as last_traded_at
    from positions
    group by proxy_wallet, condition_id
),

by_trader as (
    select
        proxy_wallet,
        cast(sum(trades) as bigint) as trades,
        cast(sum(maker_trades) as bigint) as maker_trades,
        cast(sum(taker_trades) as bigint) as taker_trades,
        cast(sum(fees_unknown_trades) as bigint) as fees_unknown_trades,
        count(*) as markets,
        count(*) filter (where is_settled) as markets_settled,
        count(*) filter (where is_settled and net_pnl_usd > 0) as markets_won,
        count(*) filter (where not is_market_complete) as markets_incomplete,
        sum(bought_usd) as bought_usd,
        sum(sold_usd) as sold_usd,
        sum(value_usd) as value_usd,
        sum(realized_usd) as realized_usd,
        sum(unrealized_usd) as unrealized_usd,
        sum(gross_pnl_usd) as gross_pnl_usd,
        sum(fees_usd) as fees_usd,
        sum(net_pnl_usd) as net_pnl_usd,
        sum(assumed_split_usd) as assumed_split_usd,
        min(first_traded_at) as first_traded_at,
        max(last_traded_at) as last_traded_at
    from by_market
    group by proxy_wallet
),

described as (
    select
        by_trader.proxy_wallet,
        traders.name,
        traders.pseudonym,
        by_trader.trades,
        by_trader.maker_trades,
        by_trader.taker_trades,
        by_trader.markets,
        by_trader.markets_settled,
        by_trader.markets_won,
        by_trader.markets_incomplete,
        by_trader.bought_usd,
        by_trader.sold_usd,
        by_trader.value_usd,
        by_trader.realized_usd,
        by_trader.unrealized_usd,
        by_trader.gross_pnl_usd,
        by_trader.fees_usd,
        by_trader.fees_unknown_trades,
        by_trader.net_pnl_usd,
        by_trader.assumed_split_usd,
        by_trader.first_traded_at,
        by_trader.last_traded_at,
        expiry.fills_expired_before,
        list_concat(
            if(pools.proxy_wallet is not null, ['pool'], []),
            list_concat(
                if(verified.proxy_wallet is not null, ['verified'], []),
                if(walked.proxy_wallet is not null, ['walked'], [])
            )
        ) as labels,
        by_trader.maker_trades
        / nullif(by_trader.maker_trades + by_trader.taker_trades, 0)
            as maker_share,
        by_trader.markets_won / nullif(by_trader.markets_settled, 0)
            as win_rate,
        by_trader.bought_usd + by_trader.sold_usd as volume_usd,
        by_trader.net_pnl_usd / nullif(by_trader.bought_usd, 0)
            as return_on_bought
    from by_trader
    cross join expiry
    left join traders on by_trader.proxy_wallet = traders.trader_address
    left join pools on by_trader.proxy_wallet = pools.proxy_wallet
    left join verified on by_trader.proxy_wallet = verified.proxy_wallet
    left join walked on by_trader.proxy_wallet = walked.proxy_wallet
),

final as (
    select
        proxy_wallet,
        name,
        pseudonym,
        labels,
        trades,
        maker_trades,
        taker_trades,
        maker_share,
        markets,
        markets_settled,
        markets_won,
        win_rate,
        markets_incomplete,
        volume_usd,
        bought_usd,
        sold_usd,
        value_usd,
        realized_usd,
        unrealized_usd,
        gross_pnl_usd,
        fees_usd,
        fees_unknown_trades,
        net_pnl_usd,
        return_on_bought,
        assumed_split_usd,
        first_traded_at,
        last_traded_at,
        fills_expired_before
    from described
)

select * from final
