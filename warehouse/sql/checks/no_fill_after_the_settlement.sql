-- No fill was made more than an hour after its market was settled.
-- Only settlements that /v2/resolutions tells count: the other sources say when
-- a market was closed, and trading may go on until the oracle has spoken. In
-- the hour are fills that were matched before and settled in a later block.
select
    endings.condition_id,
    endings.question,
    endings.resolved_at,
    endings.was_disputed,
    count(*) as fills,
    min(fills.traded_at) as first_traded_at,
    max(fills.traded_at) as last_traded_at
from gold.market_resolutions as endings
inner join gold.trades as fills
    on endings.condition_id = fills.condition_id
where
    endings.source = 'resolutions'
    and fills.traded_at > endings.resolved_at + interval 1 hour
group by all
