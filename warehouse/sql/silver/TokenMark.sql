-- One row per token with its market, as it stood when ingest ended: what a
-- share of it was paid or is marked to. Key: market_key, token_key. Reads
-- MarketTokenDim, MarketKey, MarketDim, TokenLast, gold.market_resolutions:
-- with MarketJudged the one table that reads gold, so that who asks for a
-- wallet need not wait for all markets. What changes is replaced. Outcomes that
-- nobody has named are one row with a null token_key.
-- Columns:
-- token_key: the token's number; null: all outcomes that nobody has named
-- outcomes: how many the market has
-- payout: dollars that a share was paid; null: not settled
-- price: payout, else the latest fill of either of two tokens, dollars a share;
--     of a null token_key, that of one share of each of its outcomes

-- step: define
create table if not exists silver.TokenMark (
    market_key uinteger not null,
    token_key uinteger,
    outcomes usmallint not null,
    payout double,
    price double
);

-- step: compare
create or replace temp table mark as
with

-- How many outcomes a market has, and what they paid
terms as (
    select
        MarketKey.market_key,
        market_resolutions.payouts,
        coalesce(len(MarketDim.outcomes), len(MarketDim.token_ids), 2)
            as outcomes
    from silver.MarketKey
    left join silver.MarketDim on MarketKey.market_key = MarketDim.market_key
    left join gold.market_resolutions
        on MarketKey.condition_id = market_resolutions.condition_id
),

-- by the catalogue: the latest fill of a token may name another market
last_of_market as (
    select
        MarketTokenDim.market_key,
        arg_max(TokenLast.token_key, TokenLast.priced_at) as token_key,
        arg_max(TokenLast.price, TokenLast.priced_at) as price
    from silver.TokenLast
    inner join silver.MarketTokenDim
        on TokenLast.token_key = MarketTokenDim.token_key
    group by MarketTokenDim.market_key
),

named_marks as (
    select
        MarketTokenDim.market_key,
        MarketTokenDim.token_key,
        terms.outcomes,
        terms.payouts[MarketTokenDim.outcome_index + 1] as payout,
        coalesce(
            terms.payouts[MarketTokenDim.outcome_index + 1],
            case
                when terms.outcomes != 2 then TokenLast.price
                when MarketTokenDim.token_key = last_of_market.token_key
                    then last_of_market.price
                else 1 - last_of_market.price
            end
        ) as price
    from silver.MarketTokenDim
    inner join terms on MarketTokenDim.market_key = terms.market_key
    left join silver.TokenLast
        on MarketTokenDim.token_key = TokenLast.token_key
    left join last_of_market
        on MarketTokenDim.market_key = last_of_market.market_key
)

select
    market_key,
    token_key,
    outcomes,
    payout,
    price
from named_marks
union all
-- A full set is worth a dollar: so are the outcomes that nobody has named, less
-- the others
select
    market_key,
    null as token_key,
    any_value(outcomes) as outcomes,
    case when count(*) = count(payout) then 1 - sum(payout) end as payout,
    case when count(*) = count(price) then 1 - sum(price) end as price
from named_marks
group by market_key
having count(*) < any_value(outcomes);

create or replace temp table changed_mark as
select mark.*
from mark
left join silver.TokenMark
    on
        mark.market_key = TokenMark.market_key
        and mark.token_key is not distinct from TokenMark.token_key
where
    (mark.outcomes, mark.payout, mark.price)
    is distinct from (TokenMark.outcomes, TokenMark.payout, TokenMark.price);

-- step: replace
-- a token may have moved, and outcomes may have got names
delete from silver.TokenMark
where not exists (
    select 1
    from mark
    where
        mark.market_key = TokenMark.market_key
        and mark.token_key is not distinct from TokenMark.token_key
);

delete from silver.TokenMark
using changed_mark
where
    TokenMark.market_key = changed_mark.market_key
    and TokenMark.token_key is not distinct from changed_mark.token_key;

insert into silver.TokenMark
select
    market_key,
    token_key,
    outcomes,
    payout,
    price
from changed_mark
order by market_key, token_key;
