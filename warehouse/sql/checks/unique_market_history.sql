-- No two rows of silver.MarketHistory have the same key: gamma_id,
-- valid_from, source_walk_id, source_page_no, source_row_no.
select
    gamma_id,
    valid_from,
    source_walk_id,
    source_page_no,
    source_row_no,
    count(*) as rows_of_key
from silver.MarketHistory
group by all
having count(*) > 1
