-- Where every taker is known and every match balances, a day's volume is the
-- takers' shares and dollars.
with

takers as (
    select
        condition_id,
        cast(traded_at as date) as trade_date,
        sum(size) filter (where is_taker) as taker_shares,
        sum(notional_usd) filter (where is_taker) as taker_usd,
        bool_and(is_taker is not null) as is_all_known
    from gold.trades
    group by all
),

unbalanced as (
    select distinct
        silver.MarketKey.condition_id,
        cast(silver.UnbalancedMatch.traded_at as date) as trade_date
    from silver.UnbalancedMatch
    inner join silver.MarketKey
        on silver.UnbalancedMatch.market_key = silver.MarketKey.market_key
),

final as (
    select
        volumes.condition_id,
        volumes.trade_date,
        volumes.volume_shares,
        volumes.volume_usd,
        takers.taker_shares,
        takers.taker_usd
    from gold.daily_volume as volumes
    inner join takers
        on
            volumes.condition_id = takers.condition_id
            and volumes.trade_date = takers.trade_date
    anti join unbalanced
        on
            volumes.condition_id = unbalanced.condition_id
            and volumes.trade_date = unbalanced.trade_date
    where
        takers.is_all_known
        and (
            abs(volumes.volume_shares - takers.taker_shares)
            > 0.000001 * (volumes.trades + volumes.volume_shares)
            or abs(volumes.volume_usd - takers.taker_usd)
            > 0.000001 * (volumes.trades + volumes.volume_usd)
        )
)

select * from final
