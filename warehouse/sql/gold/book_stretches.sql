-- When each token was listened to without a break.
-- Grain: one row per token and unbroken listening to it.
-- Key: token_id, stretch_key, covered_from
-- Units: times UTC.
-- Sources: silver.BookCoverageFact, silver.BookTally, silver.MarketTokenDim
-- Nothing that was said of the token from covered_from to covered_until is
-- missing, as far as capture knows. It begins with the subscription and ends
-- where it is said to have ended or broken off; where nobody says so (capture
-- was killed, or still listens) with the last sign of life. Of a stretch of
-- which no coverage is held, it reaches from the token's first event on.
-- Columns:
-- stretch_key: the unbroken listening, walk_key of silver.BookCoverageFact
-- covered_from: when listening began
-- covered_until: the last moment known well
-- reason: how it ended: disconnected, silent, stale, differs, dropped,
--     malformed, stopped, unsubscribed, ended, or unknown
with

coverage as (
    select * from silver.BookCoverageFact
),

tallies as (
    select * from silver.BookTally
),

tokens as (
    select * from silver.MarketTokenDim
),

signs as (
    select
        walk_key,
        noted_at as seen_at
    from coverage
    union all
    select
        walk_key,
        last_received_at as seen_at
    from tallies
),

last_signs as (
    select
        walk_key,
        max(seen_at) as last_seen_at
    from signs
    group by walk_key
),

subscribed as (
    select distinct
        walk_key,
        token_key,
        noted_at as covered_from
    from coverage
    where state = 'subscribed' and token_key is not null
),

only_heard as (
    select
        tallies.walk_key,
        tallies.token_key,
        tallies.first_received_at as covered_from
    from tallies
    anti join subscribed
        on
            tallies.walk_key = subscribed.walk_key
            and tallies.token_key = subscribed.token_key
),

begun as (
    select * from subscribed
    union all
    select * from only_heard
),

settled as (
    select
        walk_key,
        max(noted_at) as settled_at
    from coverage
    where state in ('bridged', 'broken', 'ended') and token_key is null
    group by walk_key
),

-- It was killed before it knew whether the other connection had listened.
unsettled as (
    select coverage.*
    from coverage
    left join settled on coverage.walk_key = settled.walk_key
    where
        coverage.state = 'doubted'
        and (
            settled.settled_at is null
            or settled.settled_at < coverage.noted_at
        )
),

endings as (
    select
        walk_key,
        token_key,
        noted_at,
        case state
            when 'broken' then coalesce(reason, 'unknown')
            else state
        end as reason
    from coverage
    where state in ('broken', 'unsubscribed', 'ended')
    union all
    select
        walk_key,
        token_key,
        noted_at,
        'unknown' as reason
    from unsettled
),

own_endings as (
    select * from endings
    where token_key is not null
),

common_endings as (
    select * from endings
    where token_key is null
),

closed as (
    select
        begun.walk_key,
        begun.token_key,
        begun.covered_from,
        own_endings.noted_at as own_end,
        own_endings.reason as own_reason
    from begun
    asof left join own_endings
        on
            begun.walk_key = own_endings.walk_key
            and begun.token_key = own_endings.token_key
            and begun.covered_from <= own_endings.noted_at
),

ended as (
    select
        closed.*,
        common_endings.noted_at as common_end,
        common_endings.reason as common_reason
    from closed
    asof left join common_endings
        on
            closed.walk_key = common_endings.walk_key
            and closed.covered_from <= common_endings.noted_at
),

described as (
    select
        tokens.token_id,
        ended.walk_key as stretch_key,
        ended.covered_from,
        coalesce(
            least(ended.own_end, ended.common_end), last_signs.last_seen_at
        ) as covered_until,
        case
            when ended.own_end is null and ended.common_end is null
                then 'unknown'
            when ended.own_end <= coalesce(ended.common_end, ended.own_end)
                then ended.own_reason
            else ended.common_reason
        end as reason
    from ended
    inner join last_signs on ended.walk_key = last_signs.walk_key
    inner join tokens on ended.token_key = tokens.token_key
),

-- a token that was subscribed to again without a break goes on
final as (
    select
        token_id,
        stretch_key,
        covered_until,
        arg_min(reason, covered_from) as reason,
        min(covered_from) as covered_from
    from described
    group by token_id, stretch_key, covered_until
)

select
    token_id,
    stretch_key,
    reason,
    covered_from,
    covered_until
from final
