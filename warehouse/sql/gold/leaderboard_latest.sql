-- The boards of traders as they were last taken.
-- Grain: one row per board and trader.
-- Key: time_period, category, sort_by, proxy_wallet
-- Units: pnl_usd and volume_usd in dollars, volume_shares in shares.
-- Sources: silver.LeaderboardFact
-- What the exchange says, and not what its trades come to. v2 tells shares of
-- both sides, v1 dollars: one of the two volumes is null. Of a board that moved
-- while it was paged (has_moved), wallets may be missing; one that came twice
-- stands at its first place.
-- Columns:
-- time_period: day, week, month or all: what the board counts
-- category: OVERALL, or the category that the board counts
-- sort_by: PNL or VOLUME: by what the board ranks
-- board_rank: place on the board, from 1
-- trader_name: the name that the board shows
-- pnl_usd: profit and loss in the period as the exchange counts it, dollars
-- volume_shares: traded in the period, shares of both sides; null from v1
-- volume_usd: traded in the period, dollars; null from v2
-- is_verified: the board's flag verified
-- has_moved: the board was computed anew between two of its pages
-- version: v2 or v1: which service answered
-- captured_at: when the capture of the board began
with

places as (
    select
        *,
        max((captured_at, walk_key)) over (
            partition by time_period, category, sort_by
        ) as latest
    from silver.LeaderboardFact
),

final as (
    select
        time_period,
        category,
        sort_by,
        board_rank,
        trader_address as proxy_wallet,
        trader_name,
        pnl_usd,
        volume_shares,
        volume_usd,
        is_verified,
        has_moved,
        version,
        captured_at
    from places
    where (captured_at, walk_key) = latest
    qualify
        row_number() over (
            partition by time_period, category, sort_by, trader_address
            order by page_no, row_no
        ) = 1
)

select * from final
