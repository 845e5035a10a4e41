-- Changes of what the largest wallets of the captured markets hold.
-- Grain: one row per wallet, token and look at it that found another size than
-- the look before.
-- Key: token_id, proxy_wallet, source, asked_at, page_no, row_no
-- Units: sizes in shares, times UTC.
-- Sources: silver.PositionSnapshotFact, silver.MarketTokenDim
-- Only looks that show the wallet are compared: one that sold out, or fell out
-- of the largest, is not shown any more, and has no row for that. Its first
-- look has none either.
-- Columns:
-- source: positions (/v2/positions) or holders (/v2/holders)
-- position_rank: place by size within the token, from 1
-- size: shares held now
-- size_before: shares held at the look before
-- size_change: size - size_before
-- value_usd: what it is worth, dollars
-- asked_at: when it was asked
-- asked_before_at: when the look before was
with

positions as (
    select * from silver.PositionSnapshotFact
),

tokens as (
    select * from silver.MarketTokenDim
),

compared as (
    select
        *,
        lag(size) over looks as size_before,
        lag(asked_at) over looks as asked_before_at
    from positions
    window
        looks as (
            partition by token_key, trader_address, source
            order by asked_at, page_no, row_no
        )
),

final as (
    select
        tokens.condition_id,
        tokens.token_id,
        compared.trader_address as proxy_wallet,
        compared.source,
        compared.position_rank,
        compared.size,
        compared.size_before,
        compared.value_usd,
        compared.asked_at,
        compared.asked_before_at,
        compared.page_no,
        compared.row_no,
        compared.size - compared.size_before as size_change
    from compared
    inner join tokens on compared.token_key = tokens.token_key
    where compared.size != compared.size_before
)

select * from final
