-- The rows as they are stored, fees and untraded outcomes of splits included.
-- 1e-9 keeps a half that binary fractions cannot hold from going down.
create or replace temp table pair_fee as
with

rates as (
    select
        market_terms.market_key,
        FeeScheduleDim.rate,
        FeeScheduleDim.exponent,
        FeeScheduleDim.price_exponent,
        FeeScheduleDim.valid_from,
        coalesce(FeeScheduleDim.valid_to, 'infinity'::timestamp)
            as valid_to
    from market_terms
    inner join silver.FeeScheduleDim
        on market_terms.fee_category = FeeScheduleDim.category
    where market_terms.is_fee_charged
),

charged as (
    select
        pair_fill.market_key,
        pair_fill.trader_key,
        pair_fill.token_key,
        pair_fill.is_taker,
        rates.rate,
        pair_fill.size
        * rates.rate
        * if(
            rates.price_exponent = 0,
            1,
            pair_fill.price ** rates.price_exponent
        ) as size_rate,
        greatest(pair_fill.price * (1 - pair_fill.price), 0) as variance,
        rates.exponent
    from pair_fill
    inner join rates
        on
            pair_fill.market_key = rates.market_key
            and pair_fill.traded_at >= rates.valid_from
            and pair_fill.traded_at < rates.valid_to
    where pair_fill.is_taker is distinct from false
),

untold as (
    select
        pair_fill.market_key,
        pair_fill.trader_key,
        pair_fill.token_key
    from pair_fill
    inner join market_terms
        on pair_fill.market_key = market_terms.market_key
    anti join silver.FeeScheduleDim
        on market_terms.fee_category = FeeScheduleDim.category
    where
        pair_fill.is_taker is distinct from false
        and (market_terms.is_unlisted or market_terms.is_fee_charged)
        and pair_fill.traded_at >= (
            select min(schedule.valid_from)
            from silver.FeeScheduleDim as schedule
        )
),

told as (
    select
        market_key,
        trader_key,
        token_key,
        sum(
            floor(
                size_rate
                * if(exponent = 1, variance, variance ** exponent)
                * 1e5
                + 0.5 + 1e-9
            ) / 1e5
        ) filter (where is_taker) as fees_usd,
        count(*) filter (where is_taker is null and rate > 0)
            as fees_unknown_trades
    from charged
    group by all
    union all by name
    select
        market_key,
        trader_key,
        token_key,
        count(*) as fees_unknown_trades
    from untold
    group by all
)

select
    market_key,
    trader_key,
    token_key,
    coalesce(sum(fees_usd), 0) as fees_usd,
    sum(fees_unknown_trades) as fees_unknown_trades
from told
group by all;

create or replace temp table pair_added as
with

changed as (
    select
        pair_sum.*,
        pair_split.split_micros / 1e6 as split_shares,
        pair_low.open_micros,
        coalesce(pair_open.bought_usd, 0) as open_usd,
        coalesce(pair_open.cost_left_usd, pair_open.bought_usd, 0)
            as open_cost_usd,
        coalesce(pair_open.left_of_split, 1) as open_left,
        -- what is left of all that was held before
        case
            when pair_sum.sold_micros = 0 then 1
            when pair_cost.token_key is not null then pair_cost.left_of_all
            else
                (
                    pair_low.open_micros + pair_split.split_micros
                    - pair_sum.sold_micros
                ) / (pair_low.open_micros + pair_split.split_micros)
        end as part_left,
        case
            when pair_sum.sold_micros = 0 then pair_sum.bought_usd
            else coalesce(pair_cost.cost_left_usd, 0)
        end as cost_left_usd,
        pair_open.is_first as open_is_first,
        pair_open.is_sole as open_is_sole,
        pair_open.trades as open_trades,
        pair_open.taker_trades as open_taker_trades,
        pair_open.maker_trades as open_maker_trades,
        pair_open.bought_shares as open_bought_shares,
        pair_open.sold_shares as open_sold_shares,
        pair_open.sold_usd as open_sold_usd,
        pair_open.fees_usd as open_fees_usd,
        pair_open.fees_unknown_trades as open_fees_unknown_trades,
        pair_open.first_traded_at as open_first_traded_at,
        coalesce(pair_fee.fees_usd, 0) as fees_usd,
        coalesce(pair_fee.fees_unknown_trades, 0) as fees_unknown_trades
    from pair_sum
    inner join pair_split
        on
            pair_sum.market_key = pair_split.market_key
            and pair_sum.trader_key = pair_split.trader_key
    inner join pair_low
        on
            pair_sum.market_key = pair_low.market_key
            and pair_sum.trader_key = pair_low.trader_key
            and pair_sum.token_key = pair_low.token_key
    left join pair_cost
        on
            pair_sum.market_key = pair_cost.market_key
            and pair_sum.trader_key = pair_cost.trader_key
            and pair_sum.token_key = pair_cost.token_key
    left join pair_open
        on
            pair_sum.market_key = pair_open.market_key
            and pair_sum.trader_key = pair_open.trader_key
            and pair_sum.token_key = pair_open.token_key
    left join pair_fee
        on
            pair_sum.market_key = pair_fee.market_key
            and pair_sum.trader_key = pair_fee.trader_key
            and pair_sum.token_key = pair_fee.token_key
),

-- rounded to a billionth of a dollar, what double arithmetic leaves behind goes
added as (
    select
        trader_key,
        market_key,
        token_key,
        1 as outcomes_held,
        open_is_first,
        open_is_sole,
        trades + coalesce(open_trades, 0) as trades,
        taker_trades + coalesce(open_taker_trades, 0) as taker_trades,
        maker_trades + coalesce(open_maker_trades, 0) as maker_trades,
        round(coalesce(open_bought_shares, 0) * 1e6 + bought_micros) / 1e6
            as bought_shares,
        round(open_usd + bought_usd, 9) as bought_usd,
        round(coalesce(open_sold_shares, 0) * 1e6 + sold_micros) / 1e6
            as sold_shares,
        round(coalesce(open_sold_usd, 0) + sold_usd, 9) as sold_usd,
        split_shares,
        round(open_cost_usd * part_left + cost_left_usd, 9) as cost_left_usd,
        open_left * part_left as left_of_split,
        round(coalesce(open_fees_usd, 0) + fees_usd, 5) as fees_usd,
        fees_unknown_trades + coalesce(open_fees_unknown_trades, 0)
            as fees_unknown_trades,
        coalesce(open_first_traded_at, first_traded_at::timestamp_s)
            as first_traded_at,
        last_traded_at::timestamp_s as last_traded_at
    from changed
),

split_anew as (
    select
        market_key,
        trader_key,
        split_micros / 1e6 as split_shares
    from pair_split
    where split_micros > 0 and not was_known
),

untraded as (
    select -- noqa: AM07
        split_anew.trader_key,
        split_anew.market_key,
        MarketTokenDim.token_key,
        1 as outcomes_held,
        split_anew.split_shares
    from split_anew
    inner join silver.MarketTokenDim
        on split_anew.market_key = MarketTokenDim.market_key
    anti join pair_sum
        on
            split_anew.trader_key = pair_sum.trader_key
            and MarketTokenDim.token_key = pair_sum.token_key
    union all
    select
        split_anew.trader_key,
        split_anew.market_key,
        null as token_key,
        market_terms.outcomes - market_terms.tokens as outcomes_held,
        split_anew.split_shares
    from split_anew
    inner join market_terms
        on split_anew.market_key = market_terms.market_key
    where
        market_terms.tokens > 0
        and market_terms.outcomes > market_terms.tokens
)

select -- noqa: AM07
    trader_key,
    market_key,
    token_key,
    outcomes_held,
    open_is_first,
    open_is_sole,
    trades,
    taker_trades,
    maker_trades,
    bought_shares,
    bought_usd,
    sold_shares,
    sold_usd,
    split_shares,
    if(sold_shares = 0, null, cost_left_usd) as cost_left_usd,
    if(sold_shares = 0 or split_shares = 0, null, left_of_split)
        as left_of_split,
    fees_usd,
    fees_unknown_trades,
    first_traded_at,
    last_traded_at
from added
union all by name
select
    *,
    0 as trades,
    0 as taker_trades,
    0 as maker_trades,
    0 as bought_shares,
    0 as bought_usd,
    0 as sold_shares,
    0 as sold_usd,
    0 as fees_usd,
    0 as fees_unknown_trades
from untraded;

-- What was known of a wallet in a market had all of its tokens.
create or replace temp table pair_new as
with

counted as (
    select
        trader_key,
        market_key,
        count(*) as tokens,
        min(token_key) as first_token
    from pair_added
    where open_is_first is null
    group by all
)

select
    pair_added.* exclude (open_is_first, open_is_sole),
    coalesce(
        pair_added.open_is_first,
        pair_added.token_key = counted.first_token,
        false
    ) as is_first,
    coalesce(pair_added.open_is_sole, counted.tokens = 1) as is_sole
from pair_added
left join counted
    on
        pair_added.trader_key = counted.trader_key
        and pair_added.market_key = counted.market_key;
