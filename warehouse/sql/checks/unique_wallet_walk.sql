-- No two rows of silver.WalletWalk have the same key: walk_key,
-- trader_address.
select
    walk_key,
    trader_address,
    count(*) as rows_of_key
from silver.WalletWalk
group by all
having count(*) > 1
