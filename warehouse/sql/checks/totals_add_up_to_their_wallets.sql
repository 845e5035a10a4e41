-- What silver.TraderTotal keeps of each wallet is what its rows of TraderToken
-- add up to, at the payouts and judgements that are told now.
with

pairs as (
    select
        TraderTokenPnl.trader_key,
        sum(TraderTokenPnl.trades) as trades,
        count(*) filter (where TraderTokenPnl.is_first) as markets,
        count(*) filter (
            where TraderTokenPnl.is_first and TraderTokenPnl.is_settled
        ) as markets_settled,
        count(*) filter (
            where
            TraderTokenPnl.is_first
            and coalesce(MarketJudged.status != 'complete', true)
        ) as markets_incomplete,
        sum(TraderTokenPnl.sold_usd - TraderTokenPnl.bought_usd) as spent_usd,
        coalesce(
            sum(TraderTokenPnl.value_usd) filter (
                where TraderTokenPnl.is_settled
            ),
            0
        ) as payout_usd,
        sum(TraderTokenPnl.sold_usd + TraderTokenPnl.bought_usd) as volume_usd
    from silver.TraderTokenPnl
    left join silver.MarketJudged
        on TraderTokenPnl.market_key = MarketJudged.market_key
    group by TraderTokenPnl.trader_key
),

totals as (
    select
        *,
        (sold_nano_usd - bought_nano_usd) / 1e9 as spent_usd,
        payout_nano_usd / 1e9 as payout_usd
    from silver.TraderTotal
),

final as (
    select
        pairs.trades as pairs_trades,
        totals.trades,
        pairs.markets as pairs_markets,
        totals.markets,
        pairs.spent_usd as pairs_spent_usd,
        totals.spent_usd,
        pairs.payout_usd as pairs_payout_usd,
        totals.payout_usd,
        coalesce(pairs.trader_key, totals.trader_key) as trader_key
    from pairs
    full join totals on pairs.trader_key = totals.trader_key
    where
        pairs.trades is distinct from totals.trades
        or pairs.markets is distinct from totals.markets
        or pairs.markets_settled is distinct from totals.markets_settled
        or pairs.markets_incomplete is distinct from totals.markets_incomplete
        or abs(pairs.spent_usd - totals.spent_usd)
        > 0.000001 * (1 + pairs.volume_usd)
        or abs(pairs.payout_usd - totals.payout_usd)
        > 0.000001 * (1 + pairs.payout_usd)
)

select * from final
