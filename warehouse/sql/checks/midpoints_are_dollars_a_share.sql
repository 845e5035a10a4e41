-- Every price of a history lies between 0 and 1.
select
    MarketTokenDim.condition_id,
    MarketTokenDim.token_id,
    PriceHistoryFact.resolution_seconds,
    PriceHistoryFact.price,
    PriceHistoryFact.observed_at
from silver.PriceHistoryFact
left join silver.MarketTokenDim
    on PriceHistoryFact.token_key = MarketTokenDim.token_key
where
    PriceHistoryFact.price is null
    or not PriceHistoryFact.price between 0 and 1
