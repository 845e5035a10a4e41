-- The wallets' rows in these markets, as they stand. As a table of its own: a
-- view on it asks for the same types each time.
create or replace temp table total_row as
select * from silver.TraderToken
where false;

insert into total_row by name
select pair_open.* exclude (row_id, held_micros)
from pair_open
semi join pair_sum
    on
        pair_open.trader_key = pair_sum.trader_key
        and pair_open.market_key = pair_sum.market_key;
