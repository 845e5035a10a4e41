-- Large orders that were seen in the captured books: walls and large trades.
-- Grain: one row per change of a level that left 1,000 dollars or more resting
-- at one price, and per trade of as much.
-- Key: event_no, row_no
-- Units: prices in dollars a share, sizes in shares, times UTC.
-- Sources: silver.BookEventFact, silver.MarketTokenDim
-- A change tells what rests at a price from then on, whoever put it there: one
-- order or many. A wall that was there before and grew is a row once more.
-- Columns:
-- kind: resting: what a change left at the price; trade: what was traded
-- side: BUY: a bid, or a taker who bought; SELL
-- size: shares that rest at the price, or that were traded
-- notional_usd: price * size
-- from_midpoint: price less the midpoint of the message's best prices, dollars
with

events as (
    select * from silver.BookEventFact
    where event_code in (2, 3) and price * size >= 1000
),

tokens as (
    select * from silver.MarketTokenDim
),

final as (
    select
        events.event_no,
        events.row_no,
        tokens.condition_id,
        tokens.token_id,
        events.price,
        events.size,
        events.received_at,
        events.exchange_at,
        if(events.event_code = 2, 'resting', 'trade') as kind,
        if(events.is_bid, 'BUY', 'SELL') as side,
        events.price * events.size as notional_usd,
        events.price - (events.best_bid + events.best_ask) / 2 as from_midpoint
    from events
    inner join tokens on events.token_key = tokens.token_key
)

select * from final
