-- How far each market was walked, and whether what was served is what we hold.
-- Grain: one row per market that any source has named.
-- Key: condition_id
-- Units: rows; times UTC, of the clock of silver.WalkFact.started_at: the
-- exchange's or ours, whichever is behind.
-- Sources: silver.MarketKey, silver.MarketDim, silver.WalkSubject,
-- silver.WalkFact, silver.WalkPage, silver.FoldedTally, silver.WalkTally,
-- silver.FeedCoverage, silver.ExpiredTally, silver.TradeFact
-- Condition (a) of completeness, see docs/completeness.md. chain_problem is
-- empty where the market is covered from its first fill to covered_to: a walk
-- came to the end of its history and began when the feed was already covered,
-- or the market was made after the feed's coverage begins, or there is no feed
-- and the walk stands alone. rows_missing counts rows that were served and
-- neither stored nor confirmed, or stored and not taken in, unless a later walk
-- to the end served just what we hold. doubted_from: a feed walk that began
-- then lost rows, which may be this market's. walks_agree: the last walk to the
-- end came after another one and brought nothing new.
-- Columns:
-- walked_to_end_at: when the last walk to the end of its history began
-- walks_to_end: how many walks came to the end
-- walks_agree: the last of them brought nothing new
-- chain_problem: what keeps the market from being covered without a gap; else
--     empty
-- covered_to: all fills up to here have been walked
-- rows_missing: rows served and not held
-- rows_too_many: rows held and not served
-- doubted_from: a feed walk that began then lost rows; else null
-- rows_expired: rows that were held and that retention let go; they are not
--     missing
with

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

walk_facts as (
    select * from silver.WalkFact
    where coalesce(dataset, 'trades') = 'trades'
),

pages as (
    select * from silver.WalkPage
),

subject_facts as (
    select * from silver.WalkSubject
    where dataset = 'trades' and strategy in ('market', 'legacy')
),

folds as (
    select * from silver.FoldedTally
    where dataset = 'trades'
),

tallies as (
    select * from silver.WalkTally
    where dataset = 'trades'
),

expired_tallies as (
    select * from silver.ExpiredTally
    where dataset = 'trades'
),

coverage as (
    select * from silver.FeedCoverage
    where dataset = 'trades'
),

fills as not materialized (
    select * from silver.TradeFact
    where withdrawn_at is null
),

feed as (
    select
        arg_max(covered_from, known_at) as covered_from,
        arg_max(watermark, known_at) as watermark
    from coverage
),

served_pages as (
    select
        walk_key,
        sum(rows_served) as rows_served,
        min(fetched_at) as first_fetched_at,
        max(fetched_at) as last_fetched_at,
        max(ts_newest) as newest_at
    from pages
    group by all
),

-- a walk that data rows name before its own row has come tells by its name;
-- which walk began first is told by our own clock, begun_at
walks as (
    select
        walk_facts.walk_key,
        walk_facts.outcome,
        walk_facts.started_at,
        coalesce(
            served_pages.first_fetched_at, walk_facts.started_at
        ) as begun_at,
        coalesce(
            walk_facts.strategy,
            case left(walk_facts.walk_id, 1)
                when 'f' then 'feed'
                when 'm' then 'market'
                when 'v' then 'legacy'
            end
        ) as strategy
    from walk_facts
    left join served_pages on walk_facts.walk_key = served_pages.walk_key
),

subjects as (
    select
        subject_facts.walk_key,
        subject_facts.market_key,
        subject_facts.strategy,
        subject_facts.outcome,
        subject_facts.rows_served,
        subject_facts.ts_newest,
        subject_facts.started_at,
        coalesce(walks.begun_at, subject_facts.started_at) as begun_at
    from subject_facts
    left join walks on subject_facts.walk_key = walks.walk_key
),

folded as (
    select
        walk_key,
        market_key,
        sum(rows_stored) as rows_stored,
        sum(rows_stored) + sum(rows_confirmed) as rows_folded
    from folds
    group by all
),

taken_in as (
    select
        walk_key,
        market_key,
        sum(rows_taken_in) as rows_taken_in
    from tallies
    group by all
),

expired as (
    select
        walk_key,
        market_key,
        sum(rows_expired) as rows_expired
    from expired_tallies
    group by all
),

market_expired as (
    select
        market_key,
        sum(rows_expired)::bigint as rows_expired
    from expired
    group by all
),

subjects_served as (
    select
        walk_key,
        sum(rows_served) as rows_served
    from subjects
    group by all
),

feed_folded as (
    select
        walk_key,
        sum(rows_folded) as rows_folded
    from folded
    group by all
),

-- one row a walk: rows that it served and that no market of it accounts for
walk_rests as (
    select
        walks.walk_key,
        walks.strategy,
        walks.started_at,
        walks.begun_at,
        abs(
            served_pages.rows_served - coalesce(
                if(
                    walks.strategy = 'feed',
                    feed_folded.rows_folded,
                    subjects_served.rows_served
                ), 0
            )
        ) as rows_without_market
    from walks
    inner join served_pages on walks.walk_key = served_pages.walk_key
    left join subjects_served on walks.walk_key = subjects_served.walk_key
    left join feed_folded on walks.walk_key = feed_folded.walk_key
    where walks.outcome is not null and walks.strategy in ('market', 'feed')
),

-- the feed's lost rows may be any market's
feed_doubts as (
    select
        max(started_at) as doubted_from,
        max(begun_at) as begun_at
    from walk_rests
    where strategy = 'feed' and rows_without_market <> 0
),

pairs as (
    select
        coalesce(folded.walk_key, taken_in.walk_key) as walk_key,
        coalesce(folded.market_key, taken_in.market_key) as market_key,
        coalesce(folded.rows_stored, 0)
        - coalesce(expired.rows_expired, 0) as rows_stored,
        coalesce(taken_in.rows_taken_in, 0) as rows_taken_in,
        folded.walk_key is not null as is_reported
    from folded
    full join taken_in
        on
            folded.walk_key = taken_in.walk_key
            and folded.market_key = taken_in.market_key
    left join expired
        on
            coalesce(folded.walk_key, taken_in.walk_key) = expired.walk_key
            and coalesce(folded.market_key, taken_in.market_key)
            = expired.market_key
),

-- one row a walk and market whose rows do not add up
gaps as (
    select
        pairs.market_key,
        walks.begun_at,
        pairs.rows_stored - pairs.rows_taken_in as rows_missing
    from pairs
    inner join walks on pairs.walk_key = walks.walk_key
    where
        pairs.rows_stored <> pairs.rows_taken_in
        and (pairs.is_reported or walks.outcome is not null)
    union all
    select
        subjects.market_key,
        subjects.begun_at,
        subjects.rows_served - coalesce(folded.rows_folded, 0) as rows_missing
    from subjects
    left join folded
        on
            subjects.walk_key = folded.walk_key
            and subjects.market_key = folded.market_key
    where
        subjects.strategy = 'market'
        and subjects.rows_served <> coalesce(folded.rows_folded, 0)
    union all
    select
        subjects.market_key,
        subjects.begun_at,
        walk_rests.rows_without_market as rows_missing
    from subjects
    inner join walk_rests on subjects.walk_key = walk_rests.walk_key
    where walk_rests.rows_without_market <> 0
),

market_gaps as (
    select
        market_key,
        max(begun_at) as latest_at,
        sum(rows_missing) filter (where rows_missing > 0) as rows_missing,
        -sum(rows_missing) filter (where rows_missing < 0) as rows_too_many
    from gaps
    group by all
),

last_walks as (
    select
        market_key,
        arg_max(walk_key, begun_at) as walk_key,
        arg_max(rows_served, begun_at) as rows_served,
        max(begun_at) as begun_at,
        max(started_at) as started_at,
        max(
            coalesce(ts_newest, started_at - interval 60 seconds)
        ) as covers_to,
        count(*) as walks_to_end
    from subjects
    where outcome = 'end'
    group by all
),

last_outcomes as (
    select
        market_key,
        arg_max(coalesce(outcome, 'none'), begun_at) as outcome
    from subjects
    group by all
),

begun as (
    select distinct pairs.market_key
    from pairs
    inner join walks on pairs.walk_key = walks.walk_key
    where walks.strategy in ('market', 'legacy')
),

-- a later walk to the end that served just what we hold mends older gaps; what
-- was indexed later, and so first seen after it, it could not serve. Where
-- retention let rows go, it served more
mended as (
    select market_gaps.market_key
    from market_gaps
    inner join last_walks on market_gaps.market_key = last_walks.market_key
    left join served_pages on last_walks.walk_key = served_pages.walk_key
    left join fills
        on
            market_gaps.market_key = fills.market_key
            and served_pages.newest_at >= fills.traded_at
            and served_pages.last_fetched_at >= coalesce(
                fills.first_seen_at, served_pages.last_fetched_at
            )
    left join walk_rests on last_walks.walk_key = walk_rests.walk_key
    left join market_expired
        on market_gaps.market_key = market_expired.market_key
    where
        last_walks.begun_at >= market_gaps.latest_at
        and coalesce(walk_rests.rows_without_market, 0) = 0
    group by
        market_gaps.market_key,
        last_walks.rows_served,
        market_expired.market_key
    having
        count(fills.market_key) = last_walks.rows_served
        or (
            market_expired.market_key is not null
            and count(fills.market_key) < last_walks.rows_served
        )
),

measured as (
    select
        market_keys.market_key,
        market_keys.condition_id,
        last_walks.started_at as walked_to_end_at,
        last_walks.covers_to as walk_covers_to,
        feed.covered_from as feed_from,
        feed.watermark as feed_covers_to,
        last_outcomes.outcome as last_outcome,
        market_gaps.rows_missing,
        market_gaps.rows_too_many,
        market_expired.rows_expired,
        case
            when
                last_walks.begun_at is null
                or feed_doubts.begun_at > last_walks.begun_at
                then feed_doubts.doubted_from
        end as doubted_from,
        coalesce(last_walks.walks_to_end, 0) as walks_to_end,
        coalesce(
            feed.covered_from is null
            or last_walks.started_at >= feed.covered_from,
            false
        ) as is_joined_to_feed,
        coalesce(
            markets.created_at >= feed.covered_from, false
        ) as is_younger_than_feed,
        begun.market_key is not null as is_begun,
        mended.market_key is not null as is_mended,
        coalesce(
            folded.rows_stored = 0
            and folded.rows_folded = last_walks.rows_served
            and last_walks.walks_to_end > 1,
            false
        ) as walks_agree
    from market_keys
    cross join feed
    cross join feed_doubts
    left join markets on market_keys.market_key = markets.market_key
    left join last_walks on market_keys.market_key = last_walks.market_key
    left join last_outcomes
        on market_keys.market_key = last_outcomes.market_key
    left join begun on market_keys.market_key = begun.market_key
    left join folded
        on
            last_walks.walk_key = folded.walk_key
            and last_walks.market_key = folded.market_key
    left join market_gaps on market_keys.market_key = market_gaps.market_key
    left join mended on market_keys.market_key = mended.market_key
    left join market_expired
        on market_keys.market_key = market_expired.market_key
),

judged as (
    select
        *,
        case
            when is_younger_than_feed then ''
            when walked_to_end_at is not null
                then if(is_joined_to_feed, '', 'walk_unfinished')
            when last_outcome = 'cap' then 'offset_cap'
            when last_outcome in ('floor', 'window') then 'windowed'
            when last_outcome is not null or is_begun then 'walk_unfinished'
            else 'never_walked'
        end as chain_problem
    from measured
),

described as (
    select
        condition_id,
        walked_to_end_at,
        walks_to_end,
        walks_agree,
        chain_problem,
        doubted_from,
        case
            when chain_problem <> '' or feed_from is null then walk_covers_to
            else greatest(walk_covers_to, feed_covers_to)
        end as covered_to,
        if(is_mended, 0, coalesce(rows_missing, 0)) as rows_missing,
        if(is_mended, 0, coalesce(rows_too_many, 0)) as rows_too_many,
        coalesce(rows_expired, 0) as rows_expired
    from judged
),

final as (
    select
        condition_id,
        walked_to_end_at,
        walks_to_end,
        walks_agree,
        chain_problem,
        covered_to,
        rows_missing,
        rows_too_many,
        rows_expired,
        doubted_from
    from described
)

select * from final
