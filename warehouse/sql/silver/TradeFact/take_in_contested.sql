-- Contested seconds as TradeSighting has resolved them: new fills go in, those
-- that are there already get their place and origin.
create or replace temp table touched_fact as
select
    TradeFact.rowid as row_id,
    TradeFact.*
from silver.TradeFact
semi join contested_pair using (market_key, traded_at)
where
    traded_at between getvariable('batch_from') and getvariable('batch_to');

create or replace temp table new_trade as
select resolved_trade.*
from resolved_trade
anti join touched_fact
    on
        resolved_trade.market_key = touched_fact.market_key
        and resolved_trade.traded_at = touched_fact.traded_at
        and resolved_trade.transaction_hash = touched_fact.transaction_hash
        and resolved_trade.trader_key = touched_fact.trader_key
        and resolved_trade.token_key = touched_fact.token_key
        and resolved_trade.is_buy is not distinct from touched_fact.is_buy
        and round(resolved_trade.size * 1e6)
        is not distinct from round(touched_fact.size * 1e6)
        and round(resolved_trade.price * 1e6)
        is not distinct from round(touched_fact.price * 1e6)
        and resolved_trade.occurrence = touched_fact.occurrence;

update silver.TradeFact
set
    order_in_second = changed.order_in_second,
    size = changed.size,
    price = changed.price,
    first_seen_at = changed.first_seen_at,
    walk_key = changed.walk_key,
    page_no = changed.page_no,
    row_no = changed.row_no
from (
    select
        resolved_trade.*,
        touched_fact.row_id
    from touched_fact
    inner join resolved_trade
        on
            touched_fact.market_key = resolved_trade.market_key
            and touched_fact.traded_at = resolved_trade.traded_at
            and touched_fact.transaction_hash = resolved_trade.transaction_hash
            and touched_fact.trader_key = resolved_trade.trader_key
            and touched_fact.token_key = resolved_trade.token_key
            and resolved_trade.is_buy is not distinct from touched_fact.is_buy
            and round(resolved_trade.size * 1e6)
            is not distinct from round(touched_fact.size * 1e6)
            and round(resolved_trade.price * 1e6)
            is not distinct from round(touched_fact.price * 1e6)
            and touched_fact.occurrence = resolved_trade.occurrence
    where
        (
            resolved_trade.order_in_second,
            resolved_trade.first_seen_at,
            resolved_trade.walk_key,
            resolved_trade.page_no,
            resolved_trade.row_no
        ) is distinct from (
            touched_fact.order_in_second,
            touched_fact.first_seen_at,
            touched_fact.walk_key,
            touched_fact.page_no,
            touched_fact.row_no
        )
) as changed
where TradeFact.rowid = changed.row_id;

insert into silver.TradeFact by name
select * from new_trade
order by traded_at::date, market_key, traded_at, transaction_hash;
