-- What takes their place, and of these wallets' other tokens in these markets
-- what stays.
delete from total_row;

insert into total_row by name
select * from pair_new
union all by name
select pair_open.* exclude (row_id, held_micros)
from pair_open
semi join pair_sum
    on
        pair_open.trader_key = pair_sum.trader_key
        and pair_open.market_key = pair_sum.market_key
anti join pair_sum as replaced
    on
        pair_open.trader_key = replaced.trader_key
        and pair_open.market_key = replaced.market_key
        and pair_open.token_key = replaced.token_key;
