-- One row per market: what gold.market_completeness called it when ingest
-- ended. Key: market_key. Reads gold.market_completeness, MarketKey: with
-- TokenMark the one table that reads gold, so that who asks for a wallet need
-- not wait until all markets are judged. What changes is replaced.
-- Columns:
-- status: complete, partial or unknown
-- reason: why not complete, as gold.market_completeness says; else empty

-- step: define
create table if not exists silver.MarketJudged (
    market_key uinteger not null,
    status varchar not null,
    reason varchar not null
);

-- step: compare
create or replace temp table judgement as
select
    MarketKey.market_key,
    market_completeness.status,
    market_completeness.reason
from gold.market_completeness
inner join silver.MarketKey
    on market_completeness.condition_id = MarketKey.condition_id
anti join silver.MarketJudged
    on
        MarketKey.market_key = MarketJudged.market_key
        and market_completeness.status = MarketJudged.status
        and market_completeness.reason = MarketJudged.reason;

-- step: replace
delete from silver.MarketJudged
using judgement
where MarketJudged.market_key = judgement.market_key;

insert into silver.MarketJudged
select
    market_key,
    status,
    reason
from judgement
order by market_key;
