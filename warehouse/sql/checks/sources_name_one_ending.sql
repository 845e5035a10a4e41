-- All sources that say how a market ended say the same.
select
    condition_id,
    question,
    source,
    resolutions_payouts,
    clob_payouts,
    gamma_payouts
from gold.market_resolutions
where not sources_agree
