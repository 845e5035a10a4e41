-- What new rows of walks may change: seconds that they passed or confirmed.
create or replace temp table contested_pair as
select
    AbsentSecond.market_key,
    AbsentSecond.traded_at
from silver.AbsentSecond
semi join walk_map on AbsentSecond.walk_key = walk_map.walk_key
semi join silver.TradeFact
    on
        AbsentSecond.market_key = TradeFact.market_key
        and AbsentSecond.traded_at = TradeFact.traded_at
where AbsentSecond.dataset = 'trades'
union
select
    TradeSighting.market_key,
    TradeSighting.traded_at
from silver.TradeSighting
semi join walk_map on TradeSighting.walk_key = walk_map.walk_key
union
select
    TradeSighting.market_key,
    TradeSighting.traded_at
from silver.TradeSighting
inner join silver.FoldedTally
    on
        TradeSighting.market_key = FoldedTally.market_key
        and TradeSighting.traded_at >= FoldedTally.ts_oldest
        and TradeSighting.traded_at <= FoldedTally.ts_newest
        and FoldedTally.dataset = 'trades'
        and FoldedTally.rows_confirmed > 0
semi join walk_map on FoldedTally.walk_key = walk_map.walk_key;
