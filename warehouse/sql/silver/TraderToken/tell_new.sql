-- The pairs' rows as they are stored: what was known, and what came.
create or replace temp view pair_new as
with

untraded as (
    select
        trader_key,
        market_key,
        count(*) as tokens,
        min(token_key) as first_token
    from pair_untraded
    group by trader_key, market_key
),

-- what was known of a wallet in a market had all of its tokens
wallet as (
    select
        pair_split.trader_key,
        pair_split.market_key,
        pair_split.split_micros,
        pair_split.tokens + coalesce(untraded.tokens, 0) = 1 as is_sole,
        least(pair_split.first_token, untraded.first_token) as first_token
    from pair_split
    left join untraded
        on
            pair_split.trader_key = untraded.trader_key
            and pair_split.market_key = untraded.market_key
),

pair as (
    select
        pair_sum.* exclude (pair),
        1 as outcomes_held,
        pair_cost.cost_left_usd,
        pair_cost.left_of_all,
        pair_fee.fees_usd,
        pair_fee.fees_unknown_trades
    from pair_sum
    left join pair_cost on pair_sum.pair = pair_cost.pair
    left join pair_fee
        on
            pair_sum.market_key = pair_fee.market_key
            and pair_sum.trader_key = pair_fee.trader_key
            and pair_sum.token_key = pair_fee.token_key
    union all by name
    select
        *,
        0 as trades,
        0 as taker_trades,
        0 as maker_trades,
        0 as bought_micros,
        0 as sold_micros,
        0 as bought_usd,
        0 as sold_usd
    from pair_untraded
),

changed as (
    select
        pair.trader_key,
        pair.market_key,
        pair.token_key,
        pair.outcomes_held,
        pair.trades,
        pair.taker_trades,
        pair.maker_trades,
        pair.bought_micros,
        pair.bought_usd,
        pair.sold_micros,
        pair.sold_usd,
        pair.first_traded_at,
        pair.last_traded_at,
        pair_open.first_traded_at as open_first_traded_at,
        coalesce(wallet.split_micros, 0) as split_micros,
        coalesce(pair_open.held_micros, 0) as open_micros,
        coalesce(pair_open.bought_usd, 0) as open_usd,
        coalesce(pair_open.cost_left_usd, pair_open.bought_usd, 0)
            as open_cost_usd,
        coalesce(pair_open.left_of_split, 1) as open_left,
        -- what is left of all that was held before
        case
            when pair.sold_micros = 0 then 1
            when pair.left_of_all is not null then pair.left_of_all
            else
                (open_micros + split_micros - pair.sold_micros)
                / (open_micros + split_micros)
        end as part_left,
        case
            when pair.sold_micros = 0 then pair.bought_usd
            else coalesce(pair.cost_left_usd, 0)
        end as cost_left_usd,
        coalesce(
            pair_open.is_first,
            pair.token_key = wallet.first_token,
            pair.token_key is not null
        ) as is_first,
        coalesce(pair_open.is_sole, wallet.is_sole, true) as is_sole,
        coalesce(pair_open.trades, 0) as open_trades,
        coalesce(pair_open.taker_trades, 0) as open_taker_trades,
        coalesce(pair_open.maker_trades, 0) as open_maker_trades,
        coalesce(pair_open.bought_shares, 0) as open_bought_shares,
        coalesce(pair_open.sold_shares, 0) as open_sold_shares,
        coalesce(pair_open.sold_usd, 0) as open_sold_usd,
        coalesce(pair_open.fees_usd, 0) as open_fees_usd,
        coalesce(pair_open.fees_unknown_trades, 0)
            as open_fees_unknown_trades,
        coalesce(pair.fees_usd, 0) as fees_usd,
        coalesce(pair.fees_unknown_trades, 0) as fees_unknown_trades
    from pair
    left join wallet
        on
            pair.trader_key = wallet.trader_key
            and pair.market_key = wallet.market_key
    left join pair_open
        on
            pair.market_key = pair_open.market_key
            and pair.trader_key = pair_open.trader_key
            and pair.token_key = pair_open.token_key
),

-- rounded to a billionth of a dollar, what double arithmetic leaves behind goes
added as (
    select
        trader_key,
        market_key,
        token_key,
        outcomes_held,
        is_first,
        is_sole,
        last_traded_at::timestamp_s as last_traded_at,
        trades + open_trades as trades,
        taker_trades + open_taker_trades as taker_trades,
        maker_trades + open_maker_trades as maker_trades,
        round(open_bought_shares * 1e6 + bought_micros) / 1e6 as bought_shares,
        round((open_usd + bought_usd) * 1e9) / 1e9 as bought_usd,
        round(open_sold_shares * 1e6 + sold_micros) / 1e6 as sold_shares,
        round((open_sold_usd + sold_usd) * 1e9) / 1e9 as sold_usd,
        split_micros / 1e6 as split_shares,
        round((open_cost_usd * part_left + cost_left_usd) * 1e9) / 1e9
            as cost_left_usd,
        open_left * part_left as left_of_split,
        round((open_fees_usd + fees_usd) * 1e5) / 1e5 as fees_usd,
        fees_unknown_trades + open_fees_unknown_trades as fees_unknown_trades,
        coalesce(open_first_traded_at, first_traded_at::timestamp_s)
            as first_traded_at
    from changed
)

select
    * replace (
        if(sold_shares = 0, null, cost_left_usd) as cost_left_usd,
        if(sold_shares = 0 or split_shares = 0, null, left_of_split)
            as left_of_split
    )
from added;
