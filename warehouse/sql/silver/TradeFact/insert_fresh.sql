-- Fills of seconds of which nothing was known: most of all rows go in here,
-- with their takers told. Order runs against the pages, which begin with the
-- newest row; pages of the old API overlap and give none. As they are stored in
-- that order, too, one sort does for both, and a row's place in its second is
-- how far it is from where the second begins: no window is sorted for it.
insert into silver.TradeFact by name
with

told as (
    select
        fresh_trade.*,
        match_tally.is_told,
        match_tally.taker_size,
        exists(
            select 1 from taker_row
            where
                taker_row.identity_hash = fresh_trade.identity_hash
                and taker_row.market_key = fresh_trade.market_key
                and taker_row.traded_at = fresh_trade.traded_at
                and taker_row.occurrence = fresh_trade.occurrence
        ) as is_named
    from fresh_trade
    inner join match_tally
        on
            fresh_trade.match_hash = match_tally.match_hash
            and fresh_trade.market_key = match_tally.market_key
            and fresh_trade.traded_at = match_tally.traded_at
),

sorted as (
    select * from told
    order by
        traded_at::date asc, market_key asc, traded_at asc,
        page_no desc, row_no desc
),

neighboured as (
    select
        *,
        row_number() over () as place,
        lag(market_key) over () as market_before,
        lag(traded_at) over () as time_before
    from sorted
),

placed as (
    select
        *,
        place - max(
            if(
                market_key is distinct from market_before
                or traded_at is distinct from time_before,
                place,
                null
            )
        ) over (
            rows between unbounded preceding and current row -- noqa: PRS
        ) + 1 as place_in_second
    from neighboured
)

select
    market_key,
    token_key,
    trader_key,
    transaction_hash,
    is_buy,
    occurrence,
    case when has_order then place_in_second end as order_in_second,
    case
        when is_told then is_named
        when taker_size is not null then size = taker_size
    end as is_taker,
    case
        when is_told then 'taker_walk'
        when taker_size is not null then 'derived'
    end as is_taker_source,
    size,
    price,
    traded_at,
    seen_at as first_seen_at,
    walk_key,
    page_no,
    row_no
from placed;
