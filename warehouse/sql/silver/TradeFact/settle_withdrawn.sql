-- A fill is withdrawn where two walks passed its second after it was last seen,
-- spoke for the whole second and did not show it.
create or replace temp table touched_fact as
select
    TradeFact.rowid as row_id,
    TradeFact.*
from silver.TradeFact
semi join contested_pair using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

create or replace temp table withdrawn_change as
with

sighted as (
    select
        TradeSighting.market_key,
        TradeSighting.traded_at,
        TradeSighting.walk_key,
        WalkFact.walk_id,
        WalkFact.outcome = 'end' as came_to_end,
        max(TradeSighting.seen_at) as said_at
    from silver.TradeSighting
    semi join contested_pair using (market_key, traded_at)
    inner join silver.WalkFact on TradeSighting.walk_key = WalkFact.walk_key
    group by all
),

oldest_page as (
    select
        walk_key,
        min(ts_oldest) as ts_oldest
    from silver.WalkPage
    semi join sighted using (walk_key)
    group by walk_key
),

-- The oldest second of a walk that broke off may have more rows than it saw.
stored as (
    select
        sighted.market_key,
        sighted.traded_at,
        sighted.walk_key,
        sighted.walk_id,
        sighted.said_at
    from sighted
    left join oldest_page on sighted.walk_key = oldest_page.walk_key
    where
        (starts_with(sighted.walk_id, 'f') or starts_with(sighted.walk_id, 'm'))
        and (
            sighted.came_to_end
            or sighted.traded_at > oldest_page.ts_oldest
        )
),

passed as (
    select
        AbsentSecond.market_key,
        AbsentSecond.traded_at,
        AbsentSecond.walk_key,
        any_value(WalkFact.walk_id) as walk_id,
        coalesce(
            min(WalkPage.fetched_at)
            filter (where WalkPage.ts_oldest <= AbsentSecond.traded_at),
            max(WalkPage.fetched_at),
            any_value(AbsentSecond.known_at)
        ) as said_at
    from silver.AbsentSecond
    semi join contested_pair using (market_key, traded_at)
    inner join silver.WalkFact on AbsentSecond.walk_key = WalkFact.walk_key
    left join silver.WalkPage on AbsentSecond.walk_key = WalkPage.walk_key
    where
        AbsentSecond.dataset = 'trades'
        and (
            starts_with(WalkFact.walk_id, 'f')
            or starts_with(WalkFact.walk_id, 'm')
        )
    group by
        AbsentSecond.market_key, AbsentSecond.traded_at, AbsentSecond.walk_key
),

-- A walk that brought rows of the market, and of this second none that bronze
-- did not hold, saw all that was held.
confirmed as (
    select
        contested_pair.market_key,
        contested_pair.traded_at,
        FoldedTally.walk_key,
        min(WalkPage.fetched_at) as said_at
    from contested_pair
    inner join silver.FoldedTally
        on
            contested_pair.market_key = FoldedTally.market_key
            and contested_pair.traded_at >= FoldedTally.ts_oldest
            and contested_pair.traded_at <= FoldedTally.ts_newest
            and FoldedTally.dataset = 'trades'
            and FoldedTally.rows_confirmed > 0
    inner join silver.WalkPage
        on
            FoldedTally.walk_key = WalkPage.walk_key
            and contested_pair.traded_at >= WalkPage.ts_oldest
            and contested_pair.traded_at <= WalkPage.ts_newest
    anti join sighted
        on
            contested_pair.market_key = sighted.market_key
            and contested_pair.traded_at = sighted.traded_at
            and FoldedTally.walk_key = sighted.walk_key
    anti join passed
        on
            contested_pair.market_key = passed.market_key
            and contested_pair.traded_at = passed.traded_at
            and FoldedTally.walk_key = passed.walk_key
    group by all
),

counted as (
    select
        market_key,
        traded_at,
        transaction_hash,
        trader_key,
        token_key,
        is_buy,
        round(size * 1e6) as size_micro,
        round(price * 1e6) as price_micro,
        walk_key,
        max(seen_at) as said_at,
        count(*) as rows_seen
    from silver.TradeSighting
    semi join contested_pair using (market_key, traded_at)
    group by all
),

last_shown as (
    select
        touched_fact.row_id,
        max(counted.said_at) as shown_at
    from touched_fact
    inner join counted
        on
            touched_fact.market_key = counted.market_key
            and touched_fact.traded_at = counted.traded_at
            and touched_fact.transaction_hash = counted.transaction_hash
            and touched_fact.trader_key = counted.trader_key
            and touched_fact.token_key = counted.token_key
            and touched_fact.is_buy is not distinct from counted.is_buy
            and round(touched_fact.size * 1e6)
            is not distinct from counted.size_micro
            and round(touched_fact.price * 1e6)
            is not distinct from counted.price_micro
            and touched_fact.occurrence <= counted.rows_seen
    group by touched_fact.row_id
),

last_held as (
    select
        touched_fact.row_id,
        max(confirmed.said_at) as shown_at
    from touched_fact
    inner join confirmed
        on
            touched_fact.market_key = confirmed.market_key
            and touched_fact.traded_at = confirmed.traded_at
            and touched_fact.first_seen_at < confirmed.said_at
    group by touched_fact.row_id
),

statements as (
    select
        market_key,
        traded_at,
        walk_id,
        said_at
    from stored
    union all by name
    select
        market_key,
        traded_at,
        walk_id,
        said_at
    from passed
),

lacking as (
    select
        touched_fact.row_id,
        statements.said_at,
        row_number() over (
            partition by touched_fact.row_id
            order by statements.said_at, statements.walk_id
        ) as turn
    from touched_fact
    left join last_shown on touched_fact.row_id = last_shown.row_id
    left join last_held on touched_fact.row_id = last_held.row_id
    inner join statements
        on
            touched_fact.market_key = statements.market_key
            and touched_fact.traded_at = statements.traded_at
            and statements.said_at
            > greatest(last_shown.shown_at, last_held.shown_at)
)

select
    touched_fact.row_id,
    lacking.said_at as withdrawn_at
from touched_fact
left join lacking
    on
        touched_fact.row_id = lacking.row_id
        and lacking.turn = 2
where lacking.said_at is distinct from touched_fact.withdrawn_at;

update silver.TradeFact
set withdrawn_at = withdrawn_change.withdrawn_at
from withdrawn_change
where TradeFact.rowid = withdrawn_change.row_id;
