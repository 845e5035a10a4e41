-- What the outcomes of a settled market pay adds up to a dollar a full set.
select
    condition_id,
    question,
    source,
    resolutions_payouts,
    clob_payouts,
    gamma_payouts
from gold.market_resolutions
where
    payouts is not null
    and abs(list_sum(payouts) - 1) > 0.001
