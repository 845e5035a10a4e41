-- No two rows of silver.BookEventTypeDim have the same key: event_type.
select
    event_type,
    count(*) as rows_of_key
from silver.BookEventTypeDim
group by all
having count(*) > 1
