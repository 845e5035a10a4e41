-- How few wallets hold the captured tokens, look by look.
-- Grain: one row per token and time that its largest wallets were asked for.
-- Key: token_id, source, asked_at
-- Units: shares of a whole from 0 to 1, sizes in shares, times UTC.
-- Sources: silver.PositionSnapshotFact, silver.MarketTokenDim
-- Of the wallets that were shown, at most the thousand largest: of all holders
-- the shares are a little smaller. hhi is the Herfindahl-Hirschman index, the
-- sum of squared shares: 1 where one wallet holds everything.
-- Columns:
-- source: positions (/v2/positions) or holders (/v2/holders)
-- wallets: wallets that were shown
-- shares_held: shares they hold together
-- largest_share: share of the largest of them
-- top_10_share: share of the ten largest
-- hhi: sum of the squared shares
-- asked_at: when it was asked
with

positions as (
    select * from silver.PositionSnapshotFact
    where size > 0
),

tokens as (
    select * from silver.MarketTokenDim
),

-- a wallet that moved from a page to the next is shown twice
wallets as (
    select
        token_key,
        source,
        asked_at,
        trader_address,
        max(size) as size
    from positions
    group by all
),

ranked as (
    select
        *,
        size / sum(size) over (partition by token_key, source, asked_at)
            as part_held,
        row_number() over (
            partition by token_key, source, asked_at
            order by size desc, trader_address asc
        ) as size_place
    from wallets
),

final as (
    select
        tokens.condition_id,
        tokens.token_id,
        ranked.source,
        ranked.asked_at,
        count(*) as wallets,
        sum(ranked.size) as shares_held,
        max(ranked.part_held) as largest_share,
        sum(ranked.part_held) filter (where ranked.size_place <= 10)
            as top_10_share,
        sum(ranked.part_held * ranked.part_held) as hhi
    from ranked
    inner join tokens on ranked.token_key = tokens.token_key
    group by all
)

select * from final
