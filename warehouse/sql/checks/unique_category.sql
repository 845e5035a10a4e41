-- No two rows of silver.CategoryDim have the same key: category_key.
select
    category_key,
    count(*) as rows_of_key
from silver.CategoryDim
group by all
having count(*) > 1
