-- Rows that were added to are deleted, as in store_stale.
delete from silver.TraderToken
where
    rowid in (
        select pair_open.row_id
        from pair_open
        semi join pair_sum
            on
                pair_open.trader_key = pair_sum.trader_key
                and pair_open.market_key = pair_sum.market_key
                and pair_open.token_key = pair_sum.token_key
    );
