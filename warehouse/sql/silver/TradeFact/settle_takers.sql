-- Who took: as the takers' walk says, else where sizes leave one answer.
create or replace temp table taker_change as
with

told as (
    select
        *,
        was_named
        or exists (
            select 1 from taker_row
            where
                taker_row.identity_hash = touched_fact.identity_hash
                and taker_row.market_key = touched_fact.market_key
                and taker_row.traded_at = touched_fact.traded_at
                and taker_row.occurrence = touched_fact.occurrence
        ) as is_named,
        exists(
            select 1 from taker_row
            where
                taker_row.market_key = touched_fact.market_key
                and taker_row.traded_at = touched_fact.traded_at
                and taker_row.match_hash = touched_fact.match_hash
        ) as is_listed
    from touched_fact
),

covered as (
    select
        *,
        is_listed
        or bool_or(was_named) over (
            partition by market_key, traded_at, match_hash
        ) as is_told
    from told
),

judged as (
    select
        covered.row_id,
        covered.is_taker as was_taker,
        covered.is_taker_source as old_source,
        case
            when covered.is_told then covered.is_named
            when covered.withdrawn_at is not null then null
            when match_tally.taker_size is not null
                then covered.size = match_tally.taker_size
        end as is_taker,
        case
            when covered.is_told then 'taker_walk'
            when covered.withdrawn_at is not null then null
            when match_tally.taker_size is not null then 'derived'
        end as is_taker_source
    from covered
    left join match_tally
        on
            covered.market_key = match_tally.market_key
            and covered.traded_at = match_tally.traded_at
            and covered.match_hash = match_tally.match_hash
)

select
    row_id,
    is_taker,
    is_taker_source
from judged
where
    is_taker is distinct from was_taker
    or is_taker_source is distinct from old_source;

update silver.TradeFact
set
    is_taker = taker_change.is_taker,
    is_taker_source = taker_change.is_taker_source
from taker_change
where TradeFact.rowid = taker_change.row_id;
