-- Every dataset was answered for within the hours of [checks] stale_hours.
-- A dataset that was never fetched is not stale, nor are those that are fetched
-- by the wallet. Without the setting nothing is.
select
    walks.dataset,
    max(pages.fetched_at) as last_answered_at,
    date_diff(
        'hour', max(pages.fetched_at), cast(now() as timestamp)
    ) as hours_ago
from silver.WalkPage as pages
inner join silver.WalkFact as walks on pages.walk_key = walks.walk_key
where
    walks.dataset is not null
    and walks.dataset not in ('activity', 'positions', 'user_pnl')
group by all
having
    max(pages.fetched_at) < cast(now() as timestamp) - to_seconds(
        3600 * nullif(getvariable('stale_hours'), 0)
    )
order by last_answered_at
