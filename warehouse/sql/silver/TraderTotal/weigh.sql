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
