-- What the fills of each pair add up to, and how far below what it held before
-- they take it. In millionths of a share: whole numbers know when nothing is
-- left.
create or replace temp table pair_sum as
select
    market_key,
    trader_key,
    token_key,
    count(*) as trades,
    count(*) filter (where is_taker) as taker_trades,
    count(*) filter (where not is_taker) as maker_trades,
    sum(if(is_buy, micros, 0)) as bought_micros,
    sum(if(is_buy, 0, -micros)) as sold_micros,
    sum(if(is_buy, price * size, 0)) as bought_usd,
    sum(if(is_buy, 0, price * size)) as sold_usd,
    min(traded_at) as first_traded_at,
    max(traded_at) as last_traded_at
from pair_fill
group by market_key, trader_key, token_key;

-- Where one both buys and sells, the order matters. Sorting once and adding up
-- over all pairs is several times cheaper than a window for each: what was
-- added up before a pair is taken off it again.
create or replace temp table pair_move as
with

mixed as (
    select
        market_key,
        trader_key,
        token_key
    from pair_sum
    where bought_micros > 0 and sold_micros > 0
)

select
    market_key,
    trader_key,
    token_key,
    micros,
    price * size as usd
from pair_fill
semi join mixed using (market_key, trader_key, token_key)
order by
    market_key asc, trader_key asc, token_key asc, traded_at asc,
    order_in_second asc nulls first, is_buy desc;

create or replace temp view pair_total as
select
    *,
    row_number() over () as place,
    sum(micros) over (
        rows between unbounded preceding and current row -- noqa: PRS
    ) as total
from pair_move;

create or replace temp table pair_low as
with

lowest as (
    select
        market_key,
        trader_key,
        token_key,
        min(total) as low_total
    from pair_total
    group by all
),

begun as (
    select
        market_key,
        trader_key,
        token_key,
        sum(bought_micros - sold_micros) over (
            order by market_key, trader_key, token_key
            rows between unbounded preceding and current row
        ) - (bought_micros - sold_micros) as total_before
    from pair_sum
    where bought_micros > 0 and sold_micros > 0
)

select
    pair_sum.market_key,
    pair_sum.trader_key,
    pair_sum.token_key,
    begun.total_before,
    pair_open.trader_key is null as is_new_token,
    coalesce(
        round((pair_open.bought_shares - pair_open.sold_shares) * 1e6), 0
    )::hugeint as open_micros,
    open_micros + coalesce(
        lowest.low_total - begun.total_before, -pair_sum.sold_micros
    ) as low_micros
from pair_sum
left join lowest
    on
        pair_sum.market_key = lowest.market_key
        and pair_sum.trader_key = lowest.trader_key
        and pair_sum.token_key = lowest.token_key
left join begun
    on
        pair_sum.market_key = begun.market_key
        and pair_sum.trader_key = begun.trader_key
        and pair_sum.token_key = begun.token_key
left join pair_open
    on
        pair_sum.market_key = pair_open.market_key
        and pair_sum.trader_key = pair_open.trader_key
        and pair_sum.token_key = pair_open.token_key;

create or replace temp table pair_split as
with

opened as (
    select
        market_key,
        trader_key,
        round(max(split_shares) * 1e6)::hugeint as split_micros
    from pair_open
    group by all
),

lowest as (
    select
        market_key,
        trader_key,
        greatest(max(-low_micros), 0) as split_micros,
        bool_or(is_new_token) as has_new_token
    from pair_low
    group by all
)

select
    lowest.market_key,
    lowest.trader_key,
    greatest(lowest.split_micros, coalesce(opened.split_micros, 0))
        as split_micros,
    opened.market_key is not null as was_known,
    was_known
    and (lowest.has_new_token or lowest.split_micros > opened.split_micros)
        as is_more
from lowest
left join opened
    on
        lowest.market_key = opened.market_key
        and lowest.trader_key = opened.trader_key;
