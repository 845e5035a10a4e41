-- Every trader at a glance: how much, how, and with what result.
-- Grain: one row per wallet with a fill.
-- Key: proxy_wallet
-- Units: _usd in dollars, shares and rates from 0 to 1, times UTC.
-- Sources: silver.TraderTotal, silver.TraderTokenPnl, silver.TraderDim,
-- silver.MarketDim, silver.Expiry, silver.WalletPositionFact,
-- silver.WalletWalk
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

totals as (
    select * from silver.TraderTotal
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

-- What no total can hold, for its price moves. An outcome that a split brought
-- and nobody has traded yet has no price: neither gained nor lost.
moving as (
    select
        trader_key,
        sum(value_usd) as value_usd,
        sum(coalesce(value_usd, -cash_usd)) as worth_usd,
        sum(value_usd - cost_usd) as unrealized_usd
    from silver.TraderTokenPnl
    where not is_settled
    group by trader_key
),

counted as (
    select
        traders.trader_address as proxy_wallet,
        traders.name,
        traders.pseudonym,
        cast(totals.trades as bigint) as trades,
        cast(totals.maker_trades as bigint) as maker_trades,
        cast(totals.taker_trades as bigint) as taker_trades,
        cast(totals.fees_unknown_trades as bigint) as fees_unknown_trades,
        cast(totals.first_traded_at as timestamp) as first_traded_at,
        cast(totals.last_traded_at as timestamp) as last_traded_at,
        cast(totals.markets as bigint) as markets,
        cast(totals.markets_settled as bigint) as markets_settled,
        cast(totals.markets_won as bigint) as markets_won,
        cast(totals.markets_incomplete as bigint) as markets_incomplete,
        totals.bought_nano_usd / 1e9 as bought_usd,
        totals.sold_nano_usd / 1e9 as sold_usd,
        totals.fees_nano_usd / 1e9 as fees_usd,
        totals.split_nano_usd / 1e9 as assumed_split_usd,
        coalesce(moving.unrealized_usd, 0) as unrealized_usd,
        totals.payout_nano_usd / 1e9 + coalesce(moving.value_usd, 0)
            as value_usd,
        (
            totals.sold_nano_usd
            - totals.bought_nano_usd
            - totals.split_nano_usd
            + totals.payout_nano_usd
        ) / 1e9 + coalesce(moving.worth_usd, 0) as gross_pnl_usd
    from totals
    inner join traders on totals.trader_key = traders.trader_key
    left join moving on totals.trader_key = moving.trader_key
),

described as (
    select
        counted.proxy_wallet,
        counted.name,
        counted.pseudonym,
        counted.trades,
        counted.maker_trades,
        counted.taker_trades,
        counted.markets,
        counted.markets_settled,
        counted.markets_won,
        counted.markets_incomplete,
        counted.bought_usd,
        counted.sold_usd,
        counted.value_usd,
        counted.unrealized_usd,
        counted.gross_pnl_usd,
        counted.fees_usd,
        counted.fees_unknown_trades,
        counted.assumed_split_usd,
        counted.first_traded_at,
        counted.last_traded_at,
        expiry.fills_expired_before,
        list_concat(
            if(pools.proxy_wallet is not null, ['pool'], []),
            list_concat(
                if(verified.proxy_wallet is not null, ['verified'], []),
                if(walked.proxy_wallet is not null, ['walked'], [])
            )
        ) as labels,
        counted.maker_trades
        / nullif(counted.maker_trades + counted.taker_trades, 0)
            as maker_share,
        counted.markets_won / nullif(counted.markets_settled, 0)
            as win_rate,
        counted.bought_usd + counted.sold_usd as volume_usd,
        counted.gross_pnl_usd - counted.unrealized_usd as realized_usd,
        counted.gross_pnl_usd - counted.fees_usd as net_pnl_usd,
        (counted.gross_pnl_usd - counted.fees_usd)
        / nullif(counted.bought_usd, 0) as return_on_bought
    from counted
    cross join expiry
    left join pools on counted.proxy_wallet = pools.proxy_wallet
    left join verified on counted.proxy_wallet = verified.proxy_wallet
    left join walked on counted.proxy_wallet = walked.proxy_wallet
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
