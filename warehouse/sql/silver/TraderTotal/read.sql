-- These pairs' rows, as they stand.
create or replace temp table total_row as
select TraderToken.*
from silver.TraderToken
semi join total_touched
    on
        TraderToken.trader_key = total_touched.trader_key
        and TraderToken.market_key = total_touched.market_key;
