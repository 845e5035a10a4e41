-- No two rows of silver.Expiry have the same key: dataset, expiry_no.
select
    dataset,
    expiry_no,
    count(*) as rows_of_key
from silver.Expiry
group by all
having count(*) > 1
