-- No two rows of silver.BookEventFact have the same key: event_no, row_no.
select
    event_no,
    row_no,
    count(*) as rows_of_key
from silver.BookEventFact
group by all
having count(*) > 1
