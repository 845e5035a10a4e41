-- The changed wallets' totals. What a total had counts like what is put on.
create or replace temp table total_new as
with

changed as (
    select distinct trader_key from total_change
),

told as (
    select
        *,
        false as was_total
    from total_change
    union all by name
    select
        TraderTotal.*,
        1 as sign,
        true as was_total
    from silver.TraderTotal
    semi join changed on TraderTotal.trader_key = changed.trader_key
),

summed as (
    select
        trader_key,
        sum(sign * trades) as trades,
        sum(sign * taker_trades) as taker_trades,
        sum(sign * maker_trades) as maker_trades,
        sum(sign * fees_unknown_trades) as fees_unknown_trades,
        sum(sign * markets) as markets,
        sum(sign * markets_settled) as markets_settled,
        sum(sign * markets_won) as markets_won,
        sum(sign * markets_incomplete) as markets_incomplete,
        sum(sign * bought_nano_usd) as bought_nano_usd,
        sum(sign * sold_nano_usd) as sold_nano_usd,
        sum(sign * split_nano_usd) as split_nano_usd,
        sum(sign * fees_nano_usd) as fees_nano_usd,
        sum(sign * payout_nano_usd) as payout_nano_usd,
        min(first_traded_at) filter (where sign > 0) as first_traded_at,
        max(last_traded_at) filter (where sign > 0) as last_traded_at,
        min(first_traded_at) filter (where sign < 0) as first_taken_off,
        max(last_traded_at) filter (where sign < 0) as last_taken_off,
        min(first_traded_at) filter (where sign > 0 and not was_total)
            as first_put_on,
        max(last_traded_at) filter (where sign > 0 and not was_total)
            as last_put_on
    from told
    group by trader_key
)

-- What is put on reaches as far as what was taken off, or more rows are needed
-- to tell how far the wallet's reach.
select
    * exclude (first_taken_off, last_taken_off, first_put_on, last_put_on),
    coalesce(
        first_put_on > first_taken_off or last_put_on < last_taken_off,
        first_taken_off is not null
    ) as is_narrowed
from summed;

create or replace temp table total_span as
with

narrowed as (
    select trader_key from total_new
    where is_narrowed
)

select
    TraderToken.trader_key,
    min(TraderToken.first_traded_at) as first_traded_at,
    max(TraderToken.last_traded_at) as last_traded_at
from silver.TraderToken
semi join narrowed on TraderToken.trader_key = narrowed.trader_key
group by TraderToken.trader_key;

delete from silver.TraderTotal
using total_new
where TraderTotal.trader_key = total_new.trader_key;

insert into silver.TraderTotal by name
select
    total_new.* exclude (first_traded_at, last_traded_at, is_narrowed),
    if(
        total_new.is_narrowed,
        total_span.first_traded_at,
        total_new.first_traded_at
    ) as first_traded_at,
    if(
        total_new.is_narrowed,
        total_span.last_traded_at,
        total_new.last_traded_at
    ) as last_traded_at
from total_new
left join total_span on total_new.trader_key = total_span.trader_key
where total_new.markets > 0
order by total_new.trader_key;
