-- silver.UnbalancedMatch names just the matches of two tokens whose fills do
-- not balance.
with

first_tokens as (
    select
        market_key,
        min(token_key) as first_token,
        count(*) as tokens
    from silver.MarketTokenDim
    group by all
),

matches as (
    select
        silver.TradeFact.market_key,
        silver.TradeFact.traded_at,
        silver.TradeFact.transaction_hash,
        count(*) as fills,
        abs(
            sum(
                if(
                    silver.TradeFact.is_buy
                    = (silver.TradeFact.token_key = first_tokens.first_token),
                    1, -1
                ) * round(silver.TradeFact.size * 1000000)
            )
        ) as net_micro
    from silver.TradeFact
    inner join first_tokens
        on silver.TradeFact.market_key = first_tokens.market_key
    where
        silver.TradeFact.withdrawn_at is null
        and first_tokens.tokens <= 2
    group by all
),

kept as (
    select
        silver.UnbalancedMatch.market_key,
        silver.UnbalancedMatch.traded_at,
        silver.UnbalancedMatch.transaction_hash,
        silver.UnbalancedMatch.net_shares
    from silver.UnbalancedMatch
    inner join first_tokens
        on silver.UnbalancedMatch.market_key = first_tokens.market_key
    where first_tokens.tokens <= 2
),

final as (
    select
        matches.market_key,
        matches.traded_at,
        matches.transaction_hash,
        matches.fills,
        kept.net_shares as net_shares_kept,
        matches.net_micro / 1000000 as net_shares
    from matches
    full join kept
        on
            matches.market_key = kept.market_key
            and matches.traded_at = kept.traded_at
            and matches.transaction_hash = kept.transaction_hash
    where
        (kept.market_key is null and matches.net_micro > matches.fills)
        or matches.market_key is null
        or abs(matches.net_micro / 1000000 - kept.net_shares) > 0.000001
)

select * from final
