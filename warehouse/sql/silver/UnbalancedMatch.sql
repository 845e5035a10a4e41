-- One row per match whose fills do not balance. Key: market_key, traded_at,
-- transaction_hash. Reads TradeFact, rows that stand. What buys of one token
-- and sells of the other add is what the opposite takes away: a whole match
-- nets to zero, and one missing row leaves its size. Dust is here too.
-- Columns:
-- fills: rows of the match that are held
-- net_shares: what one direction has more than the other

-- step: define
create table if not exists silver.UnbalancedMatch (
    market_key uinteger not null,
    transaction_hash blob not null,
    fills uinteger not null,
    net_shares decimal(38, 6) not null,
    traded_at timestamp not null
);

-- step: tally
-- Of each match of match_row: its fills, what is left over, the size of the
-- taker's row where that is plain (it is as large as all others together), and
-- whether the walk of takers has told of it.
create or replace temp table match_tally as
with

told_match as (
    select distinct
        market_key,
        traded_at,
        match_hash
    from taker_row
),

market_token as (
    select distinct
        market_key,
        token_key
    from match_row
),

market_tokens as (
    select
        market_key,
        min(token_key) as first_token,
        count(*) as tokens
    from market_token
    group by market_key
),

signed as (
    select
        match_row.market_key,
        match_row.traded_at,
        match_row.match_hash,
        match_row.token_key,
        match_row.size,
        market_tokens.tokens,
        try_cast(round(match_row.size * 1e6) as bigint) as micro,
        case
            when
                match_row.is_buy
                = (match_row.token_key = market_tokens.first_token) then 1
            else -1
        end as sign
    from match_row
    inner join market_tokens on match_row.market_key = market_tokens.market_key
),

tallied as (
    select
        market_key,
        traded_at,
        match_hash,
        any_value(tokens) as tokens,
        count(*) as fills,
        abs(sum(sign * micro)) as net,
        sum(micro) as total,
        max(micro) as greatest,
        min(micro) as least,
        max(size) as size
    from signed
    group by market_key, traded_at, match_hash
),

-- Old markets have more than two outcomes: the first of a match is its own.
many_outcomes as (
    select
        signed.market_key,
        signed.traded_at,
        signed.match_hash,
        min(signed.token_key) as first_token,
        count(distinct signed.token_key) as tokens
    from signed
    where signed.tokens > 2
    group by all
),

many_outcomes_net as (
    select
        match_row.market_key,
        match_row.traded_at,
        match_row.match_hash,
        case
            when any_value(many_outcomes.tokens) > 2
                then abs(
                    2 * max(try_cast(round(match_row.size * 1e6) as bigint))
                    - sum(try_cast(round(match_row.size * 1e6) as bigint))
                )
            else abs(sum(
                case
                    when
                        match_row.is_buy
                        = (match_row.token_key = many_outcomes.first_token)
                        then 1
                    else -1
                end * try_cast(round(match_row.size * 1e6) as bigint)
            ))
        end as net
    from match_row
    inner join many_outcomes
        on
            match_row.market_key = many_outcomes.market_key
            and match_row.traded_at = many_outcomes.traded_at
            and match_row.match_hash = many_outcomes.match_hash
    group by all
)

select
    tallied.market_key,
    tallied.traded_at,
    tallied.match_hash,
    tallied.fills,
    coalesce(many_outcomes_net.net, tallied.net) as net_micro,
    case
        when
            tallied.fills > 2
            and abs(2 * tallied.greatest - tallied.total) <= tallied.fills
            and tallied.least > tallied.fills
            then tallied.size
    end as taker_size,
    told_match.match_hash is not null as is_told
from tallied
left join told_match
    on
        tallied.match_hash = told_match.match_hash
        and tallied.market_key = told_match.market_key
        and tallied.traded_at = told_match.traded_at
left join many_outcomes_net
    on
        tallied.tokens > 2
        and tallied.market_key = many_outcomes_net.market_key
        and tallied.traded_at = many_outcomes_net.traded_at
        and tallied.match_hash = many_outcomes_net.match_hash;

-- step: forget_touched
delete from silver.UnbalancedMatch
using touched_pair
where
    UnbalancedMatch.market_key = touched_pair.market_key
    and UnbalancedMatch.traded_at = touched_pair.traded_at;

-- step: take_in
create or replace temp table unbalanced as
select * from match_tally
where net_micro >= 0.5 * fills + 0.5;

insert into silver.UnbalancedMatch
select
    unbalanced.market_key,
    any_value(match_row.transaction_hash) as transaction_hash,
    any_value(unbalanced.fills) as fills,
    any_value(unbalanced.net_micro)::decimal(38, 6) / 1000000 as net_shares,
    unbalanced.traded_at
from unbalanced
inner join match_row
    on
        unbalanced.match_hash = match_row.match_hash
        and unbalanced.market_key = match_row.market_key
        and unbalanced.traded_at = match_row.traded_at
group by
    unbalanced.market_key, unbalanced.traded_at, unbalanced.match_hash;
