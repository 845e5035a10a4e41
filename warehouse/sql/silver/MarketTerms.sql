-- One row per market with fills: what the catalogue and the schedule of fees
-- said of it when the fills of its wallets were added up, as a number that is
-- another where that is. Key: market_key. Reads MarketKey, MarketDim,
-- MarketTokenDim, FeeScheduleDim. Where it differs by now, StaleTrader has all
-- wallets of the market added up anew.
-- Columns:
-- terms: a hash of its outcomes and tokens, and of the fees it charges

-- step: define
create table if not exists silver.MarketTerms (
    market_key uinteger not null,
    terms ubigint not null
);

-- step: read
create or replace temp table market_terms as
with

tokens_of_market as (
    select
        market_key,
        count(*) as tokens,
        bit_xor(hash(token_key)) as token_hash
    from silver.MarketTokenDim
    group by market_key
),

rates_of_category as (
    select
        category,
        bit_xor(hash(
            rate, exponent, price_exponent, valid_from, valid_to
        )) as rate_hash
    from silver.FeeScheduleDim
    group by category
),

told as (
    select
        MarketKey.market_key,
        MarketDim.market_key is null as is_unlisted,
        coalesce(len(MarketDim.outcomes), len(MarketDim.token_ids), 2)
            as outcomes,
        coalesce(tokens_of_market.tokens, 0) as tokens,
        tokens_of_market.token_hash,
        coalesce(MarketDim.is_fee_charged, false) as is_fee_charged,
        case
            when MarketDim.is_fee_charged
                then split_part(MarketDim.fee_type, '_', 1)
        end as fee_category
    from silver.MarketKey
    left join silver.MarketDim
        on MarketKey.market_key = MarketDim.market_key
    left join tokens_of_market
        on MarketKey.market_key = tokens_of_market.market_key
)

select
    told.market_key,
    told.is_unlisted,
    told.outcomes,
    told.tokens,
    told.is_fee_charged,
    told.fee_category,
    hash(
        told.is_unlisted, told.outcomes, told.tokens, told.token_hash,
        told.is_fee_charged, told.fee_category, rates_of_category.rate_hash,
        (select min(FeeScheduleDim.valid_from) from silver.FeeScheduleDim)
    ) as terms
from told
left join rates_of_category
    on told.fee_category = rates_of_category.category;

-- step: keep
-- Of the markets of which pairs were added up.
create or replace temp table kept_terms as
with

added_up as (
    select market_key from stale_market
    union
    select market_key from pair_sum
)

select
    market_key,
    terms
from market_terms
semi join added_up using (market_key);

delete from silver.MarketTerms
using kept_terms
where
    MarketTerms.market_key = kept_terms.market_key
    and MarketTerms.terms != kept_terms.terms;

insert into silver.MarketTerms
select
    market_key,
    terms
from kept_terms
anti join silver.MarketTerms using (market_key);
