-- No two rows of silver.UpdownDim have the same key: slug.
select
    slug,
    count(*) as rows_of_key
from silver.UpdownDim
group by all
having count(*) > 1
