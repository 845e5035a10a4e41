-- Best bid and best ask of each captured token, second by second.
-- Grain: one row per token and second in which its book was spoken of.
-- Key: token_id, second_start
-- Units: prices in dollars a share, times UTC.
-- Sources: silver.BookEventFact, silver.MarketTokenDim
-- What stands at the end of a second is what the last message in it says: a
-- change that names best bid and best ask, or a whole book. A second in which
-- nothing was heard has no row, and nothing is carried forward: the row before
-- it stands, while the token is listened to (gold.book_stretches). Changes of
-- the older schema name no best prices; of those `warehouse replay` tells.
-- Columns:
-- second_start: the second, by the clock of the machine that captured it
-- best_bid: the highest bid at the second's end; null: no bid
-- best_ask: the lowest ask at the second's end; null: no ask
-- midpoint: half of best_bid + best_ask; null: either is lacking
-- spread: best_ask - best_bid; null: either is lacking
-- relative_spread: spread over midpoint
-- changes: changes and whole books that spoke of best prices in it
-- last_event_no: event_no of the last of them
with

tokens as (
    select * from silver.MarketTokenDim
),

-- joined first, so that asking for one token reads no other
events as (
    select
        heard.*,
        tokens.token_id
    from silver.BookEventFact as heard
    inner join tokens on heard.token_key = tokens.token_key
),

quotes as (
    select
        token_id,
        event_no,
        received_at,
        best_bid,
        best_ask
    from events
    where event_code in (2, 5) and coalesce(best_bid, best_ask) is not null
    union all
    select
        token_id,
        event_no,
        min(received_at) as received_at,
        max(price) filter (where is_bid) as best_bid,
        min(price) filter (where not is_bid) as best_ask
    from events
    where event_code = 1
    group by token_id, event_no
),

last_quotes as (
    select
        token_id,
        date_trunc('second', cast(received_at as timestamp)) as second_start,
        max(event_no) as last_event_no,
        arg_max_null(nullif(best_bid, 0), event_no) as best_bid,
        arg_max_null(best_ask, event_no) as best_ask,
        count(*) as changes
    from quotes
    group by all
),

final as (
    select
        token_id,
        second_start,
        best_bid,
        best_ask,
        changes,
        last_event_no,
        (best_bid + best_ask) / 2 as midpoint,
        best_ask - best_bid as spread,
        (best_ask - best_bid) / nullif((best_bid + best_ask) / 2, 0)
            as relative_spread
    from last_quotes
)

select * from final
