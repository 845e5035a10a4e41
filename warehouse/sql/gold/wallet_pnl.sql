-- What each walked wallet made in each market, from all that it did there.
-- Grain: one row per wallet whose activity was asked for and market; what is of
-- no market (rewards, rebates) is one row with a null condition_id.
-- Key: proxy_wallet, condition_id
-- Units: shares in shares, _usd in dollars, times UTC.
-- Sources: gold.wallet_activity, silver.ActivityFact, silver.MarketDim,
-- silver.MarketTokenDim, silver.WalletPositionFact, silver.WalletWalk,
-- gold.market_resolutions, silver.MarketJudged, silver.MarketKey
-- pnl_usd = cash_usd + value_usd: all dollars that came in, less all that went
-- out, fees included, plus what is left at its payout or at the price that the
-- exchange's own snapshot of the wallet's positions shows. Deposits and
-- withdrawals are neither.
--
-- is_exact says that nothing was assumed; else inexact_reason is one of
-- not_whole (the wallet's history was not walked from its beginning to now),
-- unknown_type (an activity of a kind that this view does not know),
-- conversion (of a negRisk market of this event: rows do not say which tokens
-- came of it), fills_not_served (below the exchange's dust floor or of the AMM
-- era, as gold.market_completeness has it; they may be another wallet's),
-- negative_shares (more went out than came in: a transfer, or such fills),
-- dollars_unknown (a row that tells none), token_unknown (a trade without its
-- token, or a split of a market whose tokens nobody named), price_unknown.
-- An old redemption names no outcome: it takes all that is held.
-- Columns:
-- trades: fills of the wallet in the market
-- cash_usd: dollars in less dollars out
-- bought_usd: paid for purchases, fees included
-- sold_usd: got for sales, fees taken off
-- split_usd: paid for full sets
-- merged_usd: got for full sets
-- redeemed_usd: got at settlement
-- income_usd: rewards, rebates and all other that came in
-- fees_usd: taker's fees among these
-- shares_held: shares of all outcomes left
-- value_usd: what they are worth
-- pnl_usd: cash_usd and value_usd
-- is_settled: the market has paid out
-- is_exact: see above
-- inexact_reason: see above; empty where exact
-- first_at: the first thing done there
-- last_at: the last
-- covered_to: the wallet's activity is whole up to here
with

activity as (
    select * from gold.wallet_activity
),

facts as (
    select * from silver.ActivityFact
),

markets as (
    select * from silver.MarketDim
),

listed_tokens as (
    select * from silver.MarketTokenDim
),

positions as (
    select * from silver.WalletPositionFact
),

walks as (
    select * from silver.WalletWalk
    where outcome = 'end'
),

resolutions as (
    select * from gold.market_resolutions
),

not_served as (
    select market_keys.condition_id
    from silver.MarketKey as market_keys
    inner join silver.MarketJudged as judged
        on market_keys.market_key = judged.market_key
    where judged.reason in ('dust_floor', 'amm_era')
),

whole as (
    select
        trader_address as proxy_wallet,
        max(covers_to) as covered_to
    from walks
    where dataset = 'activity'
    group by trader_address
    having min(covers_from) <= timestamp '1970-01-02'
),

-- The latest snapshot of each wallet's positions
snapshot as (
    select positions.*
    from positions
    inner join walks on positions.walk_key = walks.walk_key
    qualify
        row_number() over (
            partition by positions.trader_address, positions.token_id
            order by
                walks.started_at desc,
                positions.page_no desc,
                positions.row_no desc
        ) = 1
),

sums as (
    select
        proxy_wallet,
        condition_id,
        count(*) filter (where activity_type = 'TRADE') as trades,
        sum(cash_usd)
        filter (where activity_type not in ('DEPOSIT', 'WITHDRAWAL'))
            as cash_usd,
        sum(usd) filter (where side = 'BUY') as bought_usd,
        sum(usd) filter (where side = 'SELL') as sold_usd,
        sum(usd) filter (where activity_type = 'SPLIT') as split_usd,
        sum(usd) filter (where activity_type = 'MERGE') as merged_usd,
        sum(usd) filter (where activity_type = 'REDEEM') as redeemed_usd,
        sum(usd) filter (
            where activity_type not in (
                'TRADE', 'SPLIT', 'MERGE', 'REDEEM', 'DEPOSIT', 'WITHDRAWAL'
            )
        ) as income_usd,
        sum(fee_usd) as fees_usd,
        max(happened_at) filter (
            where activity_type = 'REDEEM' and token_id is null
        ) as all_redeemed_at,
        bool_or(
            activity_type not in (
                'TRADE', 'SPLIT', 'MERGE', 'REDEEM', 'CONVERSION', 'REWARD',
                'MAKER_REBATE', 'TAKER_REBATE', 'REFERRAL_REWARD', 'YIELD',
                'DEPOSIT', 'WITHDRAWAL'
            )
            or (activity_type = 'TRADE' and side is null)
        ) as has_unknown_type,
        bool_or(
            usd is null and activity_type not in ('DEPOSIT', 'WITHDRAWAL')
        ) as has_unknown_dollars,
        bool_or(
            (activity_type = 'TRADE' and token_id is null)
            or (
                activity_type in ('TRADE', 'SPLIT', 'MERGE', 'REDEEM')
                and condition_id is null
            )
        ) as has_unknown_token,
        bool_or(activity_type in ('SPLIT', 'MERGE')) as has_sets,
        any_value(question) as question,
        min(happened_at) as first_at,
        max(happened_at) as last_at
    from activity
    group by proxy_wallet, condition_id
),

named_tokens as (
    select
        condition_id,
        token_id,
        outcome_index
    from listed_tokens
    union all
    select
        condition_id,
        token_id,
        outcome_index
    from facts
    where token_id is not null
    union all
    select
        condition_id,
        token_id,
        outcome_index
    from snapshot
    union all
    select
        condition_id,
        opposite_token_id as token_id,
        1 - outcome_index as outcome_index
    from snapshot
    where opposite_token_id is not null
),

tokens as (
    select
        condition_id,
        token_id,
        any_value(outcome_index) as outcome_index
    from named_tokens
    where condition_id in (select sums.condition_id from sums)
    group by condition_id, token_id
),

token_counts as (
    select
        condition_id,
        count(*) as tokens
    from tokens
    group by condition_id
),

moves as (
    select
        activity.proxy_wallet,
        activity.condition_id,
        activity.token_id,
        activity.happened_at,
        case
            when activity.side = 'BUY' then activity.size
            else -activity.size
        end as moved_shares
    from activity
    where
        activity.token_id is not null
        and activity.activity_type in ('TRADE', 'REDEEM')
    union all
    select
        activity.proxy_wallet,
        activity.condition_id,
        tokens.token_id,
        activity.happened_at,
        case activity.activity_type
            when 'SPLIT' then activity.size
            else -activity.size
        end as moved_shares
    from activity
    inner join tokens on activity.condition_id = tokens.condition_id
    where activity.activity_type in ('SPLIT', 'MERGE')
),

holdings as (
    select
        moves.proxy_wallet,
        moves.condition_id,
        moves.token_id,
        round(
            coalesce(
                sum(moves.moved_shares) filter (
                    where
                    sums.all_redeemed_at is null
                    or moves.happened_at > sums.all_redeemed_at
                ),
                0
            ), 6
        ) as held_shares
    from moves
    inner join sums
        on
            moves.proxy_wallet = sums.proxy_wallet
            and moves.condition_id = sums.condition_id
    group by all
),

-- What the other outcome's price says, where all that do say the same
opposites as (
    select
        trader_address,
        opposite_token_id as token_id,
        1 - min(price) as price
    from snapshot
    where opposite_token_id is not null
    group by trader_address, opposite_token_id
    having min(price) = max(price)
),

priced as (
    select
        holdings.proxy_wallet,
        holdings.condition_id,
        holdings.held_shares,
        resolutions.payouts[tokens.outcome_index + 1] as payout,
        coalesce(
            resolutions.payouts[tokens.outcome_index + 1],
            snapshot.price,
            opposites.price
        ) as price
    from holdings
    inner join tokens
        on
            holdings.token_id = tokens.token_id
            and holdings.condition_id = tokens.condition_id
    left join resolutions on holdings.condition_id = resolutions.condition_id
    left join snapshot
        on
            holdings.proxy_wallet = snapshot.trader_address
            and holdings.token_id = snapshot.token_id
    left join opposites
        on
            holdings.proxy_wallet = opposites.trader_address
            and holdings.token_id = opposites.token_id
),

left_over as (
    select
        proxy_wallet,
        condition_id,
        sum(held_shares) as shares_held,
        bool_and(payout is not null) as is_settled,
        bool_or(held_shares < 0) as is_negative,
        bool_or(held_shares != 0 and price is null) as is_unpriced,
        sum(
            case
                when payout is not null
                    then floor(round(held_shares * 1e6) * payout) / 1e6
                when held_shares = 0 then 0
                else held_shares * price
            end
        ) as value_usd
    from priced
    group by all
),

conversions as (
    select distinct
        facts.trader_address as proxy_wallet,
        coalesce(markets.event_slug, facts.event_slug) as event_slug
    from facts
    left join markets on facts.condition_id = markets.condition_id
    where facts.activity_type = 'CONVERSION'
),

events_of_markets as (
    select
        facts.trader_address as proxy_wallet,
        facts.condition_id,
        any_value(coalesce(markets.event_slug, facts.event_slug)) as event_slug
    from facts
    left join markets on facts.condition_id = markets.condition_id
    where facts.condition_id is not null
    group by all
),

converted as (
    select distinct
        events_of_markets.proxy_wallet,
        events_of_markets.condition_id
    from events_of_markets
    inner join conversions
        on
            events_of_markets.proxy_wallet = conversions.proxy_wallet
            and (
                events_of_markets.event_slug = conversions.event_slug
                or conversions.event_slug is null
                or events_of_markets.event_slug is null
            )
),

judged as (
    select
        sums.*,
        whole.covered_to,
        coalesce(left_over.shares_held, 0) as shares_held,
        coalesce(left_over.value_usd, 0) as value_usd,
        coalesce(left_over.is_settled, false) as is_settled,
        case
            when whole.proxy_wallet is null then 'not_whole'
            when sums.has_unknown_type then 'unknown_type'
            when converted.condition_id is not null then 'conversion'
            when not_served.condition_id is not null then 'fills_not_served'
            when left_over.is_negative then 'negative_shares'
            when sums.has_unknown_dollars then 'dollars_unknown'
            when
                sums.has_unknown_token
                or (
                    sums.has_sets
                    and coalesce(token_counts.tokens, 0)
                    < coalesce(len(markets.outcomes), 2)
                )
                then 'token_unknown'
            when left_over.is_unpriced then 'price_unknown'
            else ''
        end as inexact_reason
    from sums
    left join whole on sums.proxy_wallet = whole.proxy_wallet
    left join left_over
        on
            sums.proxy_wallet = left_over.proxy_wallet
            and sums.condition_id = left_over.condition_id
    left join converted
        on
            sums.proxy_wallet = converted.proxy_wallet
            and sums.condition_id = converted.condition_id
    left join not_served on sums.condition_id = not_served.condition_id
    left join token_counts on sums.condition_id = token_counts.condition_id
    left join markets on sums.condition_id = markets.condition_id
),

final as (
    select
        proxy_wallet,
        condition_id,
        question,
        trades,
        shares_held,
        value_usd,
        is_settled,
        inexact_reason,
        first_at,
        last_at,
        covered_to,
        coalesce(bought_usd, 0) as bought_usd,
        coalesce(sold_usd, 0) as sold_usd,
        coalesce(split_usd, 0) as split_usd,
        coalesce(merged_usd, 0) as merged_usd,
        coalesce(redeemed_usd, 0) as redeemed_usd,
        coalesce(income_usd, 0) as income_usd,
        coalesce(fees_usd, 0) as fees_usd,
        coalesce(cash_usd, 0) as cash_usd,
        coalesce(cash_usd, 0) + value_usd as pnl_usd,
        inexact_reason = '' as is_exact
    from judged
)

select * from final
