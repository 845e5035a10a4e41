-- One row per bronze row of a (market, second) that is told in more than one
-- way: several walks brought rows of it, or a walk passed it without a row.
-- Key: walk_key, page_no, row_no. Reads bronze trades. From these rows
-- TradeFact's rows of that second are made anew whenever one is added.
-- Columns:
-- seen_at: when the row was fetched

-- step: define
create table if not exists silver.TradeSighting (
    market_key uinteger not null,
    token_key uinteger not null,
    trader_key uinteger not null,
    transaction_hash blob not null,
    is_buy boolean,
    size double,
    price double,
    traded_at timestamp not null,
    seen_at timestamp,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);

-- step: take_in
-- A second that was told in one way so far has all its rows in TradeFact.
insert into silver.TradeSighting by name
select
    TradeFact.market_key,
    TradeFact.token_key,
    TradeFact.trader_key,
    TradeFact.transaction_hash,
    TradeFact.is_buy,
    TradeFact.size,
    TradeFact.price,
    TradeFact.traded_at,
    TradeFact.first_seen_at as seen_at,
    TradeFact.walk_key,
    TradeFact.page_no,
    TradeFact.row_no
from silver.TradeFact
semi join contested_pair
    on
        TradeFact.market_key = contested_pair.market_key
        and TradeFact.traded_at = contested_pair.traded_at
anti join silver.TradeSighting
    on
        TradeFact.market_key = TradeSighting.market_key
        and TradeFact.traded_at = TradeSighting.traded_at
where
    TradeFact.traded_at
    between getvariable('batch_from') and getvariable('batch_to');

insert into silver.TradeSighting by name
select incoming_trade.* exclude (identity_hash, match_hash)
from incoming_trade
semi join contested_pair using (market_key, traded_at);

-- step: resolve
-- What the walks saw of the contested seconds, as one list of fills.
create or replace temp table resolved_trade as
with

seen as (
    select
        TradeSighting.*,
        WalkFact.walk_id,
        not starts_with(WalkFact.walk_id, 'v') as has_order,
        row_number() over (
            partition by
                TradeSighting.walk_key, market_key, traded_at,
                transaction_hash, trader_key, token_key, is_buy,
                round(size * 1e6), round(price * 1e6)
            order by page_no, row_no
        ) as occurrence,
        row_number() over (
            partition by TradeSighting.walk_key, market_key, traded_at
            order by page_no desc, row_no desc
        ) as place
    from silver.TradeSighting
    semi join contested_pair using (market_key, traded_at)
    inner join silver.WalkFact on TradeSighting.walk_key = WalkFact.walk_key
),

-- The order is that of the walk that saw most; of two, the later one.
leading_walk as (
    select
        market_key,
        traded_at,
        walk_key
    from seen
    where has_order
    group by market_key, traded_at, walk_key
    qualify
        row_number() over (
            partition by market_key, traded_at
            order by count(*) desc, max(seen_at) desc, max(walk_id) desc
        ) = 1
),

ranked as (
    select
        seen.*,
        row_number() over (
            partition by
                seen.market_key, seen.traded_at, seen.transaction_hash,
                seen.trader_key, seen.token_key, seen.is_buy,
                round(seen.size * 1e6), round(seen.price * 1e6),
                seen.occurrence
            order by seen.seen_at, seen.walk_id, seen.page_no, seen.row_no
        ) as sighting,
        max(case when leading_walk.walk_key is not null then seen.place end)
            over same_fill as leading_place,
        bool_or(seen.has_order) over same_fill as is_ordered
    from seen
    left join leading_walk
        on
            seen.market_key = leading_walk.market_key
            and seen.traded_at = leading_walk.traded_at
            and seen.walk_key = leading_walk.walk_key
    window same_fill as (
        partition by
            seen.market_key, seen.traded_at, seen.transaction_hash,
            seen.trader_key, seen.token_key, seen.is_buy,
            round(seen.size * 1e6), round(seen.price * 1e6), seen.occurrence
    )
)

select
    ranked.market_key,
    ranked.token_key,
    ranked.trader_key,
    ranked.transaction_hash,
    ranked.is_buy,
    ranked.occurrence,
    case
        when ranked.is_ordered
            then row_number() over (
                partition by
                    ranked.market_key, ranked.traded_at, ranked.is_ordered
                order by
                    ranked.leading_place nulls last,
                    ranked.transaction_hash,
                    TraderDim.trader_address,
                    MarketTokenDim.token_id,
                    ranked.is_buy,
                    round(ranked.size * 1e6),
                    round(ranked.price * 1e6),
                    ranked.occurrence
            )
    end as order_in_second,
    ranked.size,
    ranked.price,
    ranked.traded_at,
    ranked.seen_at as first_seen_at,
    ranked.walk_key,
    ranked.page_no,
    ranked.row_no
from ranked
inner join silver.TraderDim on ranked.trader_key = TraderDim.trader_key
inner join silver.MarketTokenDim
    on ranked.token_key = MarketTokenDim.token_key
where ranked.sighting = 1;
