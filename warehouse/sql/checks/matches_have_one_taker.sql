-- No match has two takers, and none whose fills are all known lacks one.
-- A match whose fills do not balance may lack its taker's row.
with

matches as (
    select
        market_key,
        traded_at,
        transaction_hash,
        count(*) as fills,
        count(*) filter (where is_taker) as takers,
        count_if(is_taker is null) as unknown_takers
    from silver.TradeFact
    where withdrawn_at is null
    group by all
),

final as (
    select matches.*
    from matches
    anti join silver.UnbalancedMatch
        on
            matches.market_key = silver.UnbalancedMatch.market_key
            and matches.traded_at = silver.UnbalancedMatch.traded_at
            and matches.transaction_hash
            = silver.UnbalancedMatch.transaction_hash
    where
        matches.takers > 1
        or (matches.takers = 0 and matches.unknown_takers = 0)
)

select * from final
