-- What silver.TraderToken keeps of each wallet and token is what its fills add
-- up to, and no wallet is left stale.
with

fills as (
    select
        trader_key,
        market_key,
        token_key,
        count(*) as fills_held,
        sum(if(is_buy, size, -size)) as fills_shares
    from silver.TradeFact
    where
        withdrawn_at is null
        and is_buy is not null
        and price is not null
        and try_cast(round(size * 1e6) as bigint) is not null
    group by all
),

pairs as (
    select
        *,
        bought_shares - sold_shares as pair_shares
    from silver.TraderToken
    where trades > 0
),

final as (
    select
        fills.trader_key,
        fills.market_key,
        fills.token_key,
        fills.fills_held,
        pairs.trades,
        fills.fills_shares,
        pairs.pair_shares
    from fills
    full join pairs
        on
            fills.trader_key = pairs.trader_key
            and fills.market_key = pairs.market_key
            and fills.token_key = pairs.token_key
    where
        fills.fills_held is distinct from pairs.trades
        or abs(fills.fills_shares - pairs.pair_shares)
        > 0.000001 * (1 + abs(fills.fills_shares) + fills.fills_held)
    union all by name
    select
        trader_key,
        market_key
    from silver.StaleTrader
)

select * from final
