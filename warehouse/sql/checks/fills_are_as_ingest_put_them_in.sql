-- The fact table holds as many rows and shares of each market as ingest has put
-- into it.
select
    condition_id,
    rows_in_table,
    rows_put_in,
    is_as_put_in
from gold.market_totals
where rows_in_table <> rows_put_in or not is_as_put_in
