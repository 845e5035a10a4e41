-- Fees, and the outcomes of splits that were not traded. A market of which it
-- is not known what it charges has no rate. 1e-9 keeps a half that binary
-- fractions cannot hold from going down.
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
    union all by name
    select
        market_terms.market_key,
        (select min(schedule.valid_from) from silver.FeeScheduleDim as schedule)
            as valid_from,
        'infinity'::timestamp as valid_to
    from market_terms
    anti join silver.FeeScheduleDim
        on market_terms.fee_category = FeeScheduleDim.category
    where market_terms.is_unlisted or market_terms.is_fee_charged
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
)

select
    market_key,
    trader_key,
    token_key,
    coalesce(
        sum(
            floor(
                size_rate
                * if(exponent = 1, variance, variance ** exponent)
                * 1e5
                + 0.5 + 1e-9
            ) / 1e5
        ) filter (where is_taker),
        0
    ) as fees_usd,
    count(*) filter (where rate is null or (is_taker is null and rate > 0))
        as fees_unknown_trades
from charged
group by market_key, trader_key, token_key;

create or replace temp table pair_untraded as
with

split_anew as (
    select
        market_key,
        trader_key
    from pair_split
    where split_micros > 0 and not was_known
)

select -- noqa: AM07
    split_anew.trader_key,
    split_anew.market_key,
    MarketTokenDim.token_key,
    1 as outcomes_held
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
    market_terms.outcomes - market_terms.tokens as outcomes_held
from split_anew
inner join market_terms
    on split_anew.market_key = market_terms.market_key
where
    market_terms.tokens > 0
    and market_terms.outcomes > market_terms.tokens;
