-- Before anything changes.
create or replace temp table total_change as
select
    *,
    -1 as sign
from total_part;
