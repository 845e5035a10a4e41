-- The rows that are about to go, of whole markets and of some wallets.
create or replace temp table total_row as
select * exclude (row_id)
from pair_gone;
