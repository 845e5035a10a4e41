-- No two rows of silver.WalletPositionFact have the same key: walk_key,
-- asked_status, token_id.
select
    walk_key,
    asked_status,
    token_id,
    count(*) as rows_of_key
from silver.WalletPositionFact
group by all
having count(*) > 1
