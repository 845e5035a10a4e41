-- No two rows of silver.TradeFact have the same identity and occurrence.
-- Hashes are grouped first: they are a tenth of the memory of the identities.
with

fills as (
    select
        market_key,
        traded_at,
        transaction_hash,
        trader_key,
        token_key,
        is_buy,
        occurrence,
        round(size * 1000000) as size_micro,
        round(price * 1000000) as price_micro
    from silver.TradeFact
),

suspects as (
    select
        hash(
            market_key, traded_at, transaction_hash, trader_key, token_key,
            is_buy, occurrence, size_micro, price_micro
        ) as identity_hash
    from fills
    group by all
    having count(*) > 1
),

final as (
    select
        fills.market_key,
        fills.traded_at,
        fills.transaction_hash,
        fills.trader_key,
        fills.token_key,
        fills.is_buy,
        fills.size_micro,
        fills.price_micro,
        fills.occurrence,
        count(*) as rows_of_key
    from fills
    semi join suspects
        on
            hash(
                fills.market_key, fills.traded_at, fills.transaction_hash,
                fills.trader_key, fills.token_key, fills.is_buy,
                fills.occurrence, fills.size_micro, fills.price_micro
            ) = suspects.identity_hash
    group by all
    having count(*) > 1
)

select * from final
