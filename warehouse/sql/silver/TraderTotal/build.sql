-- All rows of some wallets.
create or replace temp table total_row as
select *
from silver.TraderToken
where
    trader_key >= getvariable('traders_from')
    and trader_key < getvariable('traders_to');
