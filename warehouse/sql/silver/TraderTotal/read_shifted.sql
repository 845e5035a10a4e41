-- All pairs of the markets that are told otherwise.
create or replace temp table total_row as
select TraderToken.*
from silver.TraderToken
semi join shifted_market on TraderToken.market_key = shifted_market.market_key;
