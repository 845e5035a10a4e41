-- What each walked wallet made by our account and by the exchange's own.
-- Grain: one row per wallet whose activity was asked for.
-- Key: proxy_wallet
-- Units: _usd in dollars, times UTC.
-- Sources: gold.wallet_pnl, silver.UserPnlFact, silver.WalletPositionFact,
-- silver.WalletWalk, silver.LeaderboardFact
-- The exchange's position P&L is what markets made, fees taken off; its
-- economic P&L has rebates and rewards, too. It is compared as of its latest
-- point, so what was done since, and marks that moved, are in the difference.
-- Its positions leave out those of less than a tenth of a share. The board of
-- all time shows its first thousand or so wallets, and does not say whether
-- rebates and rewards count.
-- Columns:
-- markets: markets in which the wallet did anything
-- inexact_markets: those of which gold.wallet_pnl is not exact
-- position_pnl_usd: what these made by our account
-- income_usd: rewards, rebates and such
-- pnl_usd: the two together
-- exchange_position_pnl_usd: position P&L by the exchange's account
-- exchange_income_usd: income by the exchange's account
-- exchange_pnl_usd: the two together, as the exchange says
-- position_difference_usd: ours less theirs
-- pnl_difference_usd: ours less theirs, income included
-- snapshot_pnl_usd: total P&L of all positions that the exchange shows
-- snapshot_difference_usd: ours less theirs
-- board_pnl_usd: what the board of all time says; null: it is not on it
-- board_difference_usd: ours, income included, less theirs
-- exchange_at: the latest point that the exchange told
-- board_at: when the board was captured
-- snapshot_at: when its positions were asked for
-- covered_to: the wallet's activity is whole up to here; null: it is not
with

made as (
    select
        proxy_wallet,
        count(condition_id) as markets,
        count(condition_id) filter (where not is_exact) as inexact_markets,
        sum(pnl_usd) as pnl_usd,
        sum(income_usd) as income_usd,
        max(covered_to) as covered_to
    from gold.wallet_pnl
    group by proxy_wallet
),

told as (
    select * from silver.UserPnlFact
    qualify
        row_number() over (
            partition by trader_address
            order by observed_at desc, fetched_at desc
        ) = 1
),

positions as (
    select * from silver.WalletPositionFact
),

walks as (
    select * from silver.WalletWalk
    where dataset = 'positions' and outcome = 'end'
    qualify
        row_number() over (
            partition by trader_address
            order by started_at desc, walk_key desc
        ) = 1
),

snapshot as (
    select
        walks.trader_address,
        any_value(walks.started_at) as snapshot_at,
        coalesce(sum(positions.total_pnl_usd), 0) as snapshot_pnl_usd
    from walks
    left join positions on walks.walk_key = positions.walk_key
    group by walks.trader_address
),

board as (
    select * from silver.LeaderboardFact
    where
        time_period = 'all'
        and upper(category) = 'OVERALL'
        and trader_address is not null
        and pnl_usd is not null
    qualify
        row_number() over (
            partition by trader_address
            order by captured_at desc, sort_by asc, page_no desc, row_no desc
        ) = 1
),

described as (
    select
        made.proxy_wallet,
        made.markets,
        made.inexact_markets,
        made.income_usd,
        made.pnl_usd,
        told.position_pnl_usd as exchange_position_pnl_usd,
        told.income_usd as exchange_income_usd,
        told.economic_pnl_usd as exchange_pnl_usd,
        snapshot.snapshot_pnl_usd,
        told.observed_at as exchange_at,
        snapshot.snapshot_at,
        board.pnl_usd as board_pnl_usd,
        board.captured_at as board_at,
        made.covered_to,
        made.pnl_usd - board.pnl_usd as board_difference_usd,
        made.pnl_usd - made.income_usd as position_pnl_usd,
        made.pnl_usd - made.income_usd - told.position_pnl_usd
            as position_difference_usd,
        made.pnl_usd - told.economic_pnl_usd as pnl_difference_usd,
        made.pnl_usd - made.income_usd - snapshot.snapshot_pnl_usd
            as snapshot_difference_usd
    from made
    left join told on made.proxy_wallet = told.trader_address
    left join snapshot on made.proxy_wallet = snapshot.trader_address
    left join board on made.proxy_wallet = board.trader_address
),

final as (
    select
        proxy_wallet,
        markets,
        inexact_markets,
        position_pnl_usd,
        income_usd,
        pnl_usd,
        exchange_position_pnl_usd,
        exchange_income_usd,
        exchange_pnl_usd,
        position_difference_usd,
        pnl_difference_usd,
        snapshot_pnl_usd,
        snapshot_difference_usd,
        board_pnl_usd,
        board_difference_usd,
        exchange_at,
        snapshot_at,
        board_at,
        covered_to
    from described
)

select * from final
