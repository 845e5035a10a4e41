-- What the fills of each pair add up to, and how far below what it held before
-- they take it. In millionths of a share: whole numbers know when nothing is
-- left. Each pair has a number here: one to join by, not three keys.
create or replace temp table pair_sum as
select
    market_key,
    trader_key,
    token_key,
    (row_number() over ())::uinteger as pair,
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
create or replace temp table pair_mixed as
select
    pair,
    market_key,
    trader_key,
    token_key,
    sum(bought_micros - sold_micros) over (
        order by pair
        rows between unbounded preceding and current row
    ) - (bought_micros - sold_micros) as total_before
from pair_sum
where bought_micros > 0 and sold_micros > 0;

create or replace temp table pair_move as
select
    pair_mixed.pair,
    pair_fill.micros,
    pair_fill.price * pair_fill.size as usd
from pair_fill
inner join pair_mixed
    on
        pair_fill.market_key = pair_mixed.market_key
        and pair_fill.trader_key = pair_mixed.trader_key
        and pair_fill.token_key = pair_mixed.token_key
order by
    pair_mixed.pair asc, pair_fill.traded_at asc,
    pair_fill.order_in_second asc nulls first, pair_fill.is_buy desc;

create or replace temp view pair_total as
select
    *,
    row_number() over () as place,
    sum(micros) over (
        rows between unbounded preceding and current row -- noqa: PRS
    ) as total
from pair_move;

-- Of a wallet with one token and no split there is nothing to say.
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
        pair,
        min(total) as low_total
    from pair_total
    group by pair
),

dipped as (
    select
        lowest.pair,
        lowest.low_total - pair_mixed.total_before as low_micros
    from lowest
    inner join pair_mixed on lowest.pair = pair_mixed.pair
),

wallet as (
    select
        pair_sum.market_key,
        pair_sum.trader_key,
        greatest(
            max(
                -coalesce(dipped.low_micros, -pair_sum.sold_micros)
                - coalesce(pair_open.held_micros, 0)
            ),
            0
        ) as split_micros,
        bool_or(pair_open.trader_key is null) as has_new_token,
        count(*) as tokens,
        min(pair_sum.token_key) as first_token
    from pair_sum
    left join dipped on pair_sum.pair = dipped.pair
    left join pair_open
        on
            pair_sum.market_key = pair_open.market_key
            and pair_sum.trader_key = pair_open.trader_key
            and pair_sum.token_key = pair_open.token_key
    group by pair_sum.market_key, pair_sum.trader_key
)

select
    wallet.market_key,
    wallet.trader_key,
    greatest(wallet.split_micros, coalesce(opened.split_micros, 0))
        as split_micros,
    wallet.tokens,
    wallet.first_token,
    opened.market_key is not null as was_known,
    was_known
    and (wallet.has_new_token or wallet.split_micros > opened.split_micros)
        as is_more
from wallet
left join opened
    on
        wallet.market_key = opened.market_key
        and wallet.trader_key = opened.trader_key
where
    wallet.tokens > 1
    or wallet.split_micros > 0
    or opened.market_key is not null;
