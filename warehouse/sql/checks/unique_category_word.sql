-- No two rows of silver.CategoryDim have the same key: category.
select
    category,
    count(*) as rows_of_key
from silver.CategoryDim
group by all
having count(*) > 1
