-- One row per wallet with a fill: what its rows of TraderToken add up to, of
-- what is held at a price that still moves without that price. Key:
-- trader_key. Reads TraderToken, TokenMark, MarketJudged. gold.trader_stats
-- adds what is not settled.
-- What changes is taken off as it stood and put on as it stands: the pairs of
-- wallet and market that TraderToken stores anew, and all pairs of a market
-- that is settled, or judged, otherwise than before. In whole billionths of a
-- dollar, so that what is taken off is what was put on. The first and the last
-- trade cannot be taken off: where one goes, the wallet's rows are read again.
-- Steps around TraderToken's `store`: touch, read, weigh, take_off; then read,
-- put_on, apply. Around a new judgement: shift, read_shifted, weigh, take_off;
-- then put_on, apply. In a new file, and where that moves too many pairs
-- (forget): build, weigh, put_in, for some wallets at a time.
-- Columns:
-- trades: fills of this wallet
-- taker_trades: those in which it crossed the book
-- maker_trades: those in which its order was resting
-- fees_unknown_trades: fills that may have paid another fee
-- markets: markets with a fill
-- markets_settled: those that have paid out
-- markets_won: those of them that made money, fees taken off
-- markets_incomplete: markets of which not all fills are here
-- bought_nano_usd: billionths of a dollar paid
-- sold_nano_usd: billionths of a dollar got
-- split_nano_usd: what its assumed splits cost
-- fees_nano_usd: fees that are known to have been paid
-- payout_nano_usd: what it holds of settled markets, at the payout
-- first_traded_at: its earliest fill held
-- last_traded_at: its latest fill held

-- step: define
create table if not exists silver.TraderTotal (
    trader_key uinteger not null,
    trades ubigint not null,
    taker_trades ubigint not null,
    maker_trades ubigint not null,
    fees_unknown_trades ubigint not null,
    markets uinteger not null,
    markets_settled uinteger not null,
    markets_won uinteger not null,
    markets_incomplete uinteger not null,
    bought_nano_usd hugeint not null,
    sold_nano_usd hugeint not null,
    split_nano_usd hugeint not null,
    fees_nano_usd hugeint not null,
    payout_nano_usd hugeint not null,
    first_traded_at timestamp_s,
    last_traded_at timestamp_s
);

-- step: touch
-- The pairs of wallet and market that are about to be stored anew.
create or replace temp table total_touched as
select
    trader_key,
    market_key
from pair_sum
union
select
    trader_key,
    market_key
from stale_trader
union
select
    TraderToken.trader_key,
    TraderToken.market_key
from silver.TraderToken
semi join stale_market on TraderToken.market_key = stale_market.market_key
where
    TraderToken.market_key >= getvariable('pairs_from')
    and TraderToken.market_key < getvariable('pairs_to');

-- step: read
create or replace temp table total_row as
select TraderToken.*
from silver.TraderToken
semi join total_touched
    on
        TraderToken.trader_key = total_touched.trader_key
        and TraderToken.market_key = total_touched.market_key;

-- step: shift
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

-- step: read_shifted
create or replace temp table total_row as
select TraderToken.*
from silver.TraderToken
semi join shifted_market on TraderToken.market_key = shifted_market.market_key;

-- step: forget
delete from silver.TraderTotal;

-- step: build
create or replace temp table total_row as
select *
from silver.TraderToken
where
    trader_key >= getvariable('traders_from')
    and trader_key < getvariable('traders_to');

-- step: weigh
-- What these rows add to each wallet's sums.
create or replace temp view total_part as
with

-- read twice: that costs less than keeping it in between
rows_told as not materialized (
    select
        total_row.*,
        TokenMark.payout is not null as is_settled,
        coalesce(MarketJudged.status != 'complete', true) as is_incomplete,
        try_cast(round(total_row.bought_usd * 1e9) as hugeint)
            as bought_nano_usd,
        try_cast(round(total_row.sold_usd * 1e9) as hugeint) as sold_nano_usd,
        try_cast(round(total_row.fees_usd * 1e9) as hugeint) as fees_nano_usd,
        try_cast(
            round(
                total_row.split_shares
                * total_row.outcomes_held
                / coalesce(TokenMark.outcomes, 2)
                * 1e9
            ) as hugeint
        ) as split_nano_usd,
        -- the exchange pays whole millionths
        try_cast(
            1000 * floor(
                round(
                    (
                        total_row.bought_shares
                        - total_row.sold_shares
                        + total_row.split_shares
                    ) * 1e6
                ) * TokenMark.payout
            ) as hugeint
        ) as payout_nano_usd
    from total_row
    left join silver.TokenMark
        on
            total_row.market_key = TokenMark.market_key
            and total_row.token_key is not distinct from TokenMark.token_key
    left join silver.MarketJudged
        on total_row.market_key = MarketJudged.market_key
),

-- of all tokens together, where a wallet has several of a market
several as (
    select
        trader_key,
        market_key
    from rows_told
    where is_settled and not is_sole
    group by trader_key, market_key
    having
        sum(
            sold_nano_usd - bought_nano_usd - split_nano_usd - fees_nano_usd
            + payout_nano_usd
        ) > 0
),

several_won as (
    select
        trader_key,
        count(*) as markets_won
    from several
    group by trader_key
),

by_trader as (
    select
        trader_key,
        sum(trades) as trades,
        sum(taker_trades) as taker_trades,
        sum(maker_trades) as maker_trades,
        sum(fees_unknown_trades) as fees_unknown_trades,
        count(*) filter (where is_first) as markets,
        count(*) filter (where is_first and is_settled) as markets_settled,
        count(*) filter (
            where
            is_sole
            and is_settled
            and sold_nano_usd - bought_nano_usd - split_nano_usd
            - fees_nano_usd + payout_nano_usd > 0
        ) as sole_won,
        count(*) filter (where is_first and is_incomplete)
            as markets_incomplete,
        coalesce(sum(bought_nano_usd), 0) as bought_nano_usd,
        coalesce(sum(sold_nano_usd), 0) as sold_nano_usd,
        coalesce(sum(split_nano_usd), 0) as split_nano_usd,
        coalesce(sum(fees_nano_usd), 0) as fees_nano_usd,
        coalesce(sum(payout_nano_usd), 0) as payout_nano_usd,
        min(first_traded_at) as first_traded_at,
        max(last_traded_at) as last_traded_at
    from rows_told
    group by trader_key
)

select
    by_trader.* exclude (sole_won),
    by_trader.sole_won + coalesce(several_won.markets_won, 0) as markets_won
from by_trader
left join several_won on by_trader.trader_key = several_won.trader_key;

-- step: take_off
create or replace temp table total_change as
select
    *,
    -1 as sign
from total_part;

-- step: put_on
insert into total_change by name
select
    *,
    1 as sign
from total_part;

-- step: apply
create or replace temp table total_new as
with

changed as (
    select distinct trader_key from total_change
),

told as (
    select
        *,
        false as was_total
    from total_change
    union all by name
    select
        TraderTotal.*,
        1 as sign,
        true as was_total
    from silver.TraderTotal
    semi join changed on TraderTotal.trader_key = changed.trader_key
),

summed as (
    select
        trader_key,
        sum(sign * trades) as trades,
        sum(sign * taker_trades) as taker_trades,
        sum(sign * maker_trades) as maker_trades,
        sum(sign * fees_unknown_trades) as fees_unknown_trades,
        sum(sign * markets) as markets,
        sum(sign * markets_settled) as markets_settled,
        sum(sign * markets_won) as markets_won,
        sum(sign * markets_incomplete) as markets_incomplete,
        sum(sign * bought_nano_usd) as bought_nano_usd,
        sum(sign * sold_nano_usd) as sold_nano_usd,
        sum(sign * split_nano_usd) as split_nano_usd,
        sum(sign * fees_nano_usd) as fees_nano_usd,
        sum(sign * payout_nano_usd) as payout_nano_usd,
        min(first_traded_at) filter (where sign > 0) as first_traded_at,
        max(last_traded_at) filter (where sign > 0) as last_traded_at,
        min(first_traded_at) filter (where was_total) as first_before,
        max(last_traded_at) filter (where was_total) as last_before,
        min(first_traded_at) filter (where sign < 0) as first_taken_off,
        max(last_traded_at) filter (where sign < 0) as last_taken_off,
        min(first_traded_at) filter (where sign > 0 and not was_total)
            as first_put_on,
        max(last_traded_at) filter (where sign > 0 and not was_total)
            as last_put_on
    from told
    group by trader_key
)

select
    * exclude (
        first_before, last_before, first_taken_off, last_taken_off,
        first_put_on, last_put_on
    ),
    coalesce(
        first_taken_off = first_before
        and first_put_on is distinct from first_taken_off,
        false
    )
    or coalesce(
        last_taken_off = last_before
        and last_put_on is distinct from last_taken_off,
        false
    ) as is_narrowed
from summed;

create or replace temp table total_span as
with

narrowed as (
    select trader_key from total_new
    where is_narrowed
)

select
    TraderToken.trader_key,
    min(TraderToken.first_traded_at) as first_traded_at,
    max(TraderToken.last_traded_at) as last_traded_at
from silver.TraderToken
semi join narrowed on TraderToken.trader_key = narrowed.trader_key
group by TraderToken.trader_key;

delete from silver.TraderTotal
using total_new
where TraderTotal.trader_key = total_new.trader_key;

insert into silver.TraderTotal by name
select
    total_new.* exclude (first_traded_at, last_traded_at, is_narrowed),
    if(
        total_new.is_narrowed,
        total_span.first_traded_at,
        total_new.first_traded_at
    ) as first_traded_at,
    if(
        total_new.is_narrowed,
        total_span.last_traded_at,
        total_new.last_traded_at
    ) as last_traded_at
from total_new
left join total_span on total_new.trader_key = total_span.trader_key
where total_new.markets > 0
order by total_new.trader_key;

-- step: put_in
insert into silver.TraderTotal by name
select * from total_part
order by trader_key;
