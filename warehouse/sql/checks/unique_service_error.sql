-- No two rows of silver.ServiceErrorFact have the same key: error_id.
select
    error_id,
    count(*) as rows_of_key
from silver.ServiceErrorFact
group by all
having count(*) > 1
