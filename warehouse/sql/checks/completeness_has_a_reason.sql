-- A complete market has no reason, a partial one has one of the known.
select
    condition_id,
    question,
    status,
    reason
from gold.market_completeness
where
    (status = 'complete' and reason <> '')
    or (status = 'partial' and reason = '')
    or status not in ('complete', 'partial', 'unknown')
    or reason not in (
        '', 'walk_unfinished', 'windowed', 'service_window', 'offset_cap',
        'amm_era', 'dust_floor', 'exchange_hole', 'missing_rows',
        'excess_rows', 'never_walked', 'expired'
    )
