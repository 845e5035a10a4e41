-- No two rows of silver.EventDim have the same key: event_id.
select
    event_id,
    count(*) as rows_of_key
from silver.EventDim
group by all
having count(*) > 1
