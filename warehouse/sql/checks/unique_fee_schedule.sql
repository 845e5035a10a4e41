-- No two rows of silver.FeeScheduleDim have the same key: category, valid_from.
select
    category,
    valid_from,
    count(*) as rows_of_key
from silver.FeeScheduleDim
group by all
having count(*) > 1
