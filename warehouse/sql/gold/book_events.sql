-- Every event of the order books that were captured live, as it was heard.
-- Grain: one row per level of a book, per change, and per message of any other
-- kind, in the order of reception by event_no and row_no.
-- Key: event_no, row_no
-- Units: prices in dollars a share, sizes in shares, times UTC.
-- Sources: silver.BookEventFact, silver.BookEventTypeDim,
-- silver.MarketTokenDim, silver.MarketKey
-- An event of type book shows the whole book: its rows are the levels, and an
-- empty book is one row without side, price and size. A price_change says what
-- rests at the price from then on; size 0 takes the level away. Ask for a span
-- of received_at: rows of other times are then not read.
-- Columns:
-- event_no: one number a message, ascending in the order of reception
-- row_no: row of the frame that brought it, from 0
-- side: BUY: a bid, or a taker who bought; SELL; null: it has none
-- size: shares that rest at the price from then on, or that were traded
-- best_bid: the best bid after the change, where the message says it
-- best_ask: the best ask after the change, where the message says it
-- last_trade_price: of the token, as a book names it
-- hash: the service's hash of the book
-- transaction_hash: of a trade, where the message names it
-- stretch_key: the unbroken listening that heard it, walk_key of
--     silver.BookCoverageFact
with

events as (
    select * from silver.BookEventFact
),

types as (
    select * from silver.BookEventTypeDim
),

tokens as (
    select * from silver.MarketTokenDim
),

market_keys as (
    select * from silver.MarketKey
),

described as (
    select
        events.*,
        types.event_type,
        tokens.token_id,
        coalesce(nullif(tokens.condition_id, ''), market_keys.condition_id)
            as condition_id,
        case events.is_bid
            when true then 'BUY'
            when false then 'SELL'
        end as side,
        coalesce(lower(hex(events.hash_bytes)), events.hash_text) as hash,
        '0x' || lower(hex(events.transaction_hash)) as transaction_text
    from events
    inner join types on events.event_code = types.event_code
    left join tokens on events.token_key = tokens.token_key
    left join market_keys on events.market_key = market_keys.market_key
),

final as (
    select
        event_no,
        row_no,
        event_type,
        condition_id,
        token_id,
        side,
        price,
        size,
        best_bid,
        best_ask,
        tick_size,
        old_tick_size,
        min_order_size,
        last_trade_price,
        hash,
        transaction_text as transaction_hash,
        walk_key as stretch_key,
        received_at,
        exchange_at
    from described
)

select * from final
