-- Markets that are about to be told otherwise, and how many pairs are theirs.
create or replace temp table shifted_market as
select market_key
from judgement
left join silver.MarketJudged using (market_key)
where
    (judgement.status = 'complete')
    is distinct from coalesce(MarketJudged.status = 'complete', false)
union
select coalesce(mark.market_key, TokenMark.market_key) as market_key
from mark
full join silver.TokenMark
    on
        mark.market_key = TokenMark.market_key
        and mark.token_key is not distinct from TokenMark.token_key
where
    (coalesce(mark.outcomes, 2), mark.payout)
    is distinct from (coalesce(TokenMark.outcomes, 2), TokenMark.payout);

set variable shifted_pairs = (
    select count(*) from silver.TraderToken
    semi join shifted_market
        on TraderToken.market_key = shifted_market.market_key
);
