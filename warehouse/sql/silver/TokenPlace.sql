-- One row per token with fills: which outcome of how many it was taken for when
-- its hours were added up. Key: token_key. Reads MarketTokenDim, MarketDim and
-- stale_fill. Where the catalogue says otherwise by now, StaleHour has all
-- hours of the market added up anew.
-- Columns:
-- outcomes: how many the market had by then; null if Gamma had not listed it

-- step: define
create table if not exists silver.TokenPlace (
    token_key uinteger not null,
    market_key uinteger not null,
    outcome_index integer,
    outcomes bigint
);

-- step: refresh
create or replace temp table token_place as
select
    MarketTokenDim.token_key,
    MarketTokenDim.market_key,
    MarketTokenDim.outcome_index,
    len(MarketDim.outcomes) as outcomes
from silver.MarketTokenDim
semi join stale_fill on MarketTokenDim.token_key = stale_fill.token_key
left join silver.MarketDim on MarketTokenDim.market_key = MarketDim.market_key;

delete from silver.TokenPlace
using token_place
where
    TokenPlace.token_key = token_place.token_key
    and (TokenPlace.outcome_index, TokenPlace.outcomes)
    is distinct from (token_place.outcome_index, token_place.outcomes);

insert into silver.TokenPlace
select
    token_key,
    market_key,
    outcome_index,
    outcomes
from token_place
anti join silver.TokenPlace using (token_key);
