-- After it.
insert into total_change by name
select
    *,
    1 as sign
from total_part;
