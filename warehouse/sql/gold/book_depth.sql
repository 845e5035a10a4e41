-- Depth and imbalance of each whole book that was heard or asked for.
-- Grain: one row per whole book of a token.
-- Key: token_id, source, stretch_key, received_at, book_no
-- Units: prices in dollars a share, sizes and depths in shares, times UTC.
-- Sources: silver.BookEventFact, silver.BookSnapshotFact,
-- silver.MarketTokenDim
-- A depth is what rests within so many cents of the midpoint, the midpoint
-- being that of best bid and best ask. Imbalance is (bids - asks) over their
-- sum: 1 where only bids are. Between whole books replay tells the depth.
-- Columns:
-- source: stream: the book was heard; asked: it was asked for
-- stretch_key: the unbroken listening, or the walk that asked
-- book_no: event_no of the book, or the page that it came on
-- best_bid: the highest bid
-- best_ask: the lowest ask
-- midpoint: half of best_bid + best_ask; null: either is lacking
-- spread: best_ask - best_bid; null: either is lacking
-- best_bid_size: shares at the best bid
-- best_ask_size: shares at the best ask
-- bid_depth: all bids
-- ask_depth: all asks
-- bid_depth_2c: bids within two cents of the midpoint
-- ask_depth_2c: asks within two cents of the midpoint
-- bid_depth_10c: bids within ten cents of the midpoint
-- ask_depth_10c: asks within ten cents of the midpoint
-- best_imbalance: of the sizes at the best prices
-- imbalance_10c: of what rests within ten cents of the midpoint
-- levels: prices at which anything rests
with

levels as (
    select
        token_key,
        'stream' as source,
        walk_key,
        event_no as book_no,
        received_at,
        is_bid,
        price,
        size
    from silver.BookEventFact
    where event_code = 1 and price is not null
    union all
    select
        token_key,
        'asked' as source,
        walk_key,
        page_no as book_no,
        received_at,
        is_bid,
        price,
        size
    from silver.BookSnapshotFact
    where price is not null
),

tokens as (
    select * from silver.MarketTokenDim
),

bests as (
    select
        token_key,
        source,
        walk_key,
        book_no,
        received_at,
        max(price) filter (where is_bid) as best_bid,
        min(price) filter (where not is_bid) as best_ask
    from levels
    group by all
),

placed as (
    select
        levels.*,
        bests.best_bid,
        bests.best_ask,
        -- prices are exact to a hundredth of a cent
        round(
            abs(levels.price - (bests.best_bid + bests.best_ask) / 2), 6
        ) as away
    from levels
    inner join bests
        on
            levels.token_key = bests.token_key
            and levels.source = bests.source
            and levels.walk_key = bests.walk_key
            and levels.book_no = bests.book_no
            and levels.received_at = bests.received_at
),

depths as (
    select
        token_key,
        source,
        walk_key,
        book_no,
        received_at,
        best_bid,
        best_ask,
        count(*) as levels,
        sum(size) filter (where is_bid and price = best_bid) as best_bid_size,
        sum(size) filter (where not is_bid and price = best_ask)
            as best_ask_size,
        coalesce(sum(size) filter (where is_bid), 0) as bid_depth,
        coalesce(sum(size) filter (where not is_bid), 0) as ask_depth,
        sum(size) filter (where is_bid and away <= 0.02) as bid_depth_2c,
        sum(size) filter (where not is_bid and away <= 0.02) as ask_depth_2c,
        sum(size) filter (where is_bid and away <= 0.1) as bid_depth_10c,
        sum(size) filter (where not is_bid and away <= 0.1) as ask_depth_10c
    from placed
    group by all
),

final as (
    select
        tokens.token_id,
        depths.source,
        depths.walk_key as stretch_key,
        depths.book_no,
        depths.best_bid,
        depths.best_ask,
        depths.best_bid_size,
        depths.best_ask_size,
        depths.bid_depth,
        depths.ask_depth,
        depths.bid_depth_2c,
        depths.ask_depth_2c,
        depths.bid_depth_10c,
        depths.ask_depth_10c,
        depths.levels,
        depths.received_at,
        (depths.best_bid + depths.best_ask) / 2 as midpoint,
        depths.best_ask - depths.best_bid as spread,
        (depths.best_bid_size - depths.best_ask_size)
        / nullif(depths.best_bid_size + depths.best_ask_size, 0)
            as best_imbalance,
        (depths.bid_depth_10c - depths.ask_depth_10c)
        / nullif(depths.bid_depth_10c + depths.ask_depth_10c, 0)
            as imbalance_10c
    from depths
    inner join tokens on depths.token_key = tokens.token_key
)

select * from final
