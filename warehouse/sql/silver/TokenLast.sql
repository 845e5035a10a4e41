-- One row per token with fills: its latest fill that stands. Key: token_key.
-- Reads TradeFact, as stale_fill. Refreshed for the markets of stale hours, see
-- StaleHour.
-- Columns:
-- market_key: that of this fill, the greater of two that are equal: rows have
--     named one token under two markets
-- price: of that fill
-- priced_at: when it was made, with its place in the second behind the point

-- step: define
create table if not exists silver.TokenLast (
    token_key uinteger not null,
    market_key uinteger not null,
    price double not null,
    priced_at timestamp not null
);

-- step: refresh
create or replace temp table token_last as
select
    token_key,
    arg_max(
        market_key,
        row(traded_at, coalesce(order_in_second, 0), price, market_key)
    ) as market_key,
    arg_max(
        price, row(traded_at, coalesce(order_in_second, 0), price)
    ) as price,
    -- whole seconds: the place within one goes behind the point
    max(traded_at + to_microseconds(coalesce(order_in_second, 0))) as priced_at
from stale_fill
where
    is_standing
    and is_buy is not null
    and size is not null
    and price is not null
group by token_key;

-- Their latest fill is gone, or another one of its second: an earlier day may
-- have the latest now, or another market. This is rare enough to look for among
-- all fills.
create or replace temp table lost_token as
select TokenLast.token_key
from silver.TokenLast
semi join stale_day
    on
        TokenLast.market_key = stale_day.market_key
        and TokenLast.priced_at::date = stale_day.trade_date
anti join token_last
    on
        TokenLast.token_key = token_last.token_key
        and (token_last.priced_at, token_last.price)
        >= (TokenLast.priced_at, TokenLast.price);

create or replace temp table found_token as
select
    token_last.token_key,
    token_last.market_key,
    token_last.price,
    token_last.priced_at
from token_last
left join silver.TokenLast on token_last.token_key = TokenLast.token_key
left join stale_day
    on
        TokenLast.market_key = stale_day.market_key
        and TokenLast.priced_at::date = stale_day.trade_date
anti join lost_token on token_last.token_key = lost_token.token_key
where
    TokenLast.token_key is null
    or stale_day.market_key is not null
    or (token_last.priced_at, token_last.price, token_last.market_key)
    > (TokenLast.priced_at, TokenLast.price, TokenLast.market_key)
union all
select
    TradeFact.token_key,
    arg_max(
        TradeFact.market_key,
        row(
            TradeFact.traded_at,
            coalesce(TradeFact.order_in_second, 0),
            TradeFact.price,
            TradeFact.market_key
        )
    ) as market_key,
    arg_max(
        TradeFact.price,
        row(
            TradeFact.traded_at,
            coalesce(TradeFact.order_in_second, 0),
            TradeFact.price
        )
    ) as price,
    max(
        TradeFact.traded_at
        + to_microseconds(coalesce(TradeFact.order_in_second, 0))
    ) as priced_at
from silver.TradeFact
semi join lost_token on TradeFact.token_key = lost_token.token_key
where
    TradeFact.withdrawn_at is null
    and TradeFact.is_buy is not null
    and TradeFact.size is not null
    and TradeFact.price is not null
group by TradeFact.token_key;

delete from silver.TokenLast
using (
    select token_key from lost_token
    union
    select token_key from found_token
) as told_anew
where TokenLast.token_key = told_anew.token_key;

insert into silver.TokenLast
select
    token_key,
    market_key,
    price,
    priced_at
from found_token
order by token_key;
