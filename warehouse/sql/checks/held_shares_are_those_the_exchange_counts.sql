-- Where the shares held are not those that /v2/live-volume counts, the reason
-- is one that gold.market_completeness knows and that is not our own loss.
select
    judged.condition_id,
    judged.question,
    judged.status,
    judged.reason,
    totals.verdict,
    totals.shares_held,
    totals.shares_expected,
    totals.short_by,
    totals.counted_at
from gold.market_totals as totals
inner join gold.market_completeness as judged
    on totals.condition_id = judged.condition_id
where
    totals.verdict in ('short', 'over')
    and (
        judged.status = 'complete'
        or judged.reason in ('missing_rows', 'excess_rows')
    )
