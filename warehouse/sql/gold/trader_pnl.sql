-- What each wallet made of each outcome token, from its fills, before and after
-- fees.
-- Grain: one row per wallet, market and outcome token that it bought, sold or
-- holds of an assumed split.
-- Key: proxy_wallet, condition_id, token_id
-- Units: shares in shares, _usd in dollars, average_cost and price in dollars a
-- share, times UTC.
-- Sources: silver.TradeFact, silver.MarketKey, silver.MarketDim,
-- silver.MarketTokenDim, silver.TraderDim, silver.FeeScheduleDim,
-- silver.Expiry, gold.market_completeness, gold.market_resolutions
-- gross = realized + unrealized = what came in, less what went out, plus
-- value_usd; net = gross less fees_usd. Cost is the moving average: a purchase
-- moves it, a sale does not. A settled market is realized at its payout, a
-- whole millionth of a dollar down as a redemption pays it, redeemed or not;
-- another is marked to the latest fill of either of two tokens (price_source).
--
-- Fills do not show splits, merges, conversions of negRisk markets, transfers
-- and rewards. Whoever sells more than they bought has assumed_split_shares:
-- so many full sets were bought for $1 each just before, the cost shared evenly
-- by the outcomes. Total P&L of a split or merge is nil while the prices of a
-- market add up to 1, and so is that of a conversion once the event's markets
-- have settled; only what is realized by when, and of which token, may differ.
-- Shares that came as a gift count as bought so; rewards and rebates are
-- missing. gold.wallet_pnl has all of this for wallets whose activity is whole.
-- An outcome whose token no source has named is one row with a null token_id.
-- Where is_market_complete is false, fills may be missing: below the exchange's
-- dust floor, older than what it serves, not fetched yet, or let go by
-- retention (fills_expired_before): then cost, shares and P&L are those of the
-- fills left.
--
-- Fees are the takers' by silver.FeeScheduleDim, where Gamma says that the
-- market charges any. fees_unknown_trades counts fills that may have paid one:
-- their taker is not known, or their market or its fee_type is not; such fees
-- are not in fees_usd. Until April 2026 a buyer's fee was taken in shares: it
-- is counted here in dollars at the fill's price.
-- Columns:
-- trades: fills of this wallet in this token
-- taker_trades: those in which it crossed the book
-- maker_trades: those in which its order was resting
-- bought_shares: shares bought, assumed splits not among them
-- bought_usd: dollars paid for them, without fees
-- sold_shares: shares sold
-- sold_usd: dollars got for them, without fees
-- assumed_split_shares: full sets that must have been split; see above
-- assumed_split_usd: this outcome's part of what they cost
-- shares_held: shares left
-- cost_usd: what these cost
-- average_cost: cost_usd a share; null where nothing is left
-- price: what a share is marked to; null where nothing tells it
-- price_source: payout or last_fill
-- is_settled: the market has paid out
-- value_usd: shares_held at price
-- realized_usd: made by selling and by settlement
-- unrealized_usd: value_usd less cost_usd, until settlement
-- gross_pnl_usd: realized_usd and unrealized_usd
-- fees_usd: fees that are known to have been paid
-- fees_unknown_trades: fills that may have paid another; see above
-- net_pnl_usd: gross_pnl_usd less fees_usd
-- is_market_complete: all fills of the market are here
-- fills_expired_before: retention let all fills of before then go, and with
--     them what a wallet had traded only then; null where it never did
with

fills as (
    select * from silver.TradeFact
    where
        withdrawn_at is null
        and is_buy is not null
        and size is not null
        and price is not null
),

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

tokens as (
    select * from silver.MarketTokenDim
),

traders as (
    select * from silver.TraderDim
),

fee_schedule as (
    select * from silver.FeeScheduleDim
),

resolutions as (
    select * from gold.market_resolutions
),

completeness as (
    select * from gold.market_completeness
),

expiry as (
    select max(expired_before) as fills_expired_before
    from silver.Expiry
    where dataset = 'trades'
),

fee_categories as (
    select distinct category from fee_schedule
),

-- How many outcomes a market has, what they paid, and what it charges
terms as (
    select
        market_keys.market_key,
        resolutions.payouts,
        markets.market_key is null as is_unlisted,
        coalesce(len(markets.outcomes), len(markets.token_ids), 2) as outcomes,
        coalesce(markets.is_fee_charged, false) as is_fee_charged,
        split_part(markets.fee_type, '_', 1) as fee_category
    from market_keys
    left join markets on market_keys.market_key = markets.market_key
    left join resolutions
        on market_keys.condition_id = resolutions.condition_id
),

-- Each market's rates, a row an era
rates as (
    select
        terms.market_key,
        fee_schedule.rate,
        fee_schedule.exponent,
        fee_schedule.price_exponent,
        fee_schedule.valid_from,
        coalesce(
            fee_schedule.valid_to, cast('infinity' as timestamp)
        ) as valid_to
    from terms
    inner join fee_schedule on terms.fee_category = fee_schedule.category
    where terms.is_fee_charged
),

-- Fills that may have paid a fee; 1e-9 keeps a half that binary fractions
-- cannot hold from going down
fees as (
    select
        fills.trader_key,
        fills.token_key,
        sum(
            floor(
                fills.size
                * rates.rate
                * fills.price ** rates.price_exponent
                * greatest(fills.price * (1 - fills.price), 0)
                ** rates.exponent
                * 1e5
                + 0.5 + 1e-9
            ) / 1e5
        ) filter (where fills.is_taker) as fees_usd,
        count(*) filter (where fills.is_taker is null and rates.rate > 0)
            as fees_unknown_trades
    from fills
    inner join rates
        on
            fills.market_key = rates.market_key
            and fills.traded_at >= rates.valid_from
            and fills.traded_at < rates.valid_to
    where fills.is_taker is distinct from false
    group by all
),

fees_not_told as (
    select
        fills.trader_key,
        fills.token_key,
        count(*) as fees_unknown_trades
    from fills
    inner join terms on fills.market_key = terms.market_key
    left join fee_categories on terms.fee_category = fee_categories.category
    where
        fills.is_taker is distinct from false
        and fills.traded_at
        >= (select min(fee_schedule.valid_from) from fee_schedule)
        and (
            terms.is_unlisted
            or (terms.is_fee_charged and fee_categories.category is null)
        )
    group by all
),

-- In millionths of a share: whole numbers know when nothing is left
signed as (
    select
        market_key,
        trader_key,
        token_key,
        is_buy,
        is_taker,
        size,
        traded_at,
        order_in_second,
        cast(round(if(is_buy, size, -size) * 1e6) as bigint) as micros,
        price * size as usd
    from fills
),

moves as (
    select
        *,
        sum(micros) over (
            partition by token_key, trader_key
            order by
                traded_at asc, order_in_second asc nulls first, is_buy desc
            rows between unbounded preceding and current row
        ) as micros_after
    from signed
),

lows as (
    select
        market_key,
        trader_key,
        token_key,
        min(micros_after) as low_micros
    from moves
    group by all
),

splits as (
    select
        market_key,
        trader_key,
        cast(-min(low_micros) as bigint) as split_micros
    from lows
    group by all
    having min(low_micros) < 0
),

-- A sale leaves a part of the cost: of a purchase's cost is left what all later
-- sales together leave
left_over as (
    select
        moves.market_key,
        moves.trader_key,
        moves.token_key,
        moves.is_buy,
        moves.is_taker,
        moves.size,
        moves.usd,
        moves.micros,
        moves.traded_at,
        moves.order_in_second,
        case
            when moves.is_buy then 0
            when moves.micros_after + coalesce(splits.split_micros, 0) <= 0
                then -1e6
            else
                ln(
                    (moves.micros_after + coalesce(splits.split_micros, 0))
                    / (
                        moves.micros_after - moves.micros
                        + coalesce(splits.split_micros, 0)
                    )
                )
        end as log_left
    from moves
    left join splits
        on
            moves.market_key = splits.market_key
            and moves.trader_key = splits.trader_key
),

kept as (
    select
        * exclude (log_left, order_in_second),
        sum(log_left) over (
            partition by token_key, trader_key
            order by
                traded_at asc, order_in_second asc nulls first, is_buy desc
            rows between current row and unbounded following
        ) as log_left
    from left_over
),

traded as (
    select
        market_key,
        trader_key,
        token_key,
        count(*) as trades,
        count(*) filter (where is_taker) as taker_trades,
        count(*) filter (where not is_taker) as maker_trades,
        sum(if(is_buy, size, 0)) as bought_shares,
        sum(if(is_buy, usd, 0)) as bought_usd,
        sum(if(is_buy, 0, size)) as sold_shares,
        sum(if(is_buy, 0, usd)) as sold_usd,
        sum(micros) as micros,
        sum(if(is_buy, usd * exp(log_left), 0)) as cost_left_usd,
        exp(min(log_left)) as left_of_split,
        min(traded_at) as first_traded_at,
        max(traded_at) as last_traded_at
    from kept
    group by all
),

named as (
    select
        market_key,
        count(*) as tokens
    from tokens
    group by market_key
),

split_only as (
    select
        splits.market_key,
        splits.trader_key,
        tokens.token_key,
        1 as outcomes_held
    from splits
    inner join tokens on splits.market_key = tokens.market_key
    anti join traded
        on
            tokens.token_key = traded.token_key
            and splits.trader_key = traded.trader_key
    union all
    select
        splits.market_key,
        splits.trader_key,
        null as token_key,
        terms.outcomes - named.tokens as outcomes_held
    from splits
    inner join terms on splits.market_key = terms.market_key
    inner join named on splits.market_key = named.market_key
    where terms.outcomes > named.tokens
),

every as (
    select
        *,
        1 as outcomes_held
    from traded
    union all by name
    select * from split_only
),

last_of_token as (
    select
        market_key,
        token_key,
        arg_max(
            price,
            -- whole seconds: the place within one goes behind the point
            traded_at + to_microseconds(coalesce(order_in_second, 0))
        ) as price,
        max(traded_at + to_microseconds(coalesce(order_in_second, 0)))
            as priced_at
    from fills
    group by all
),

last_of_market as (
    select
        market_key,
        arg_max(token_key, priced_at) as token_key,
        arg_max(price, priced_at) as price
    from last_of_token
    group by market_key
),

named_marks as (
    select
        tokens.market_key,
        tokens.token_key,
        terms.outcomes,
        terms.payouts[tokens.outcome_index + 1] as payout,
        coalesce(
            terms.payouts[tokens.outcome_index + 1],
            case
                when terms.outcomes != 2 then last_of_token.price
                when tokens.token_key = last_of_market.token_key
                    then last_of_market.price
                else 1 - last_of_market.price
            end
        ) as price
    from tokens
    inner join terms on tokens.market_key = terms.market_key
    left join last_of_token on tokens.token_key = last_of_token.token_key
    left join last_of_market on tokens.market_key = last_of_market.market_key
),

-- A full set is worth a dollar: so are the outcomes that nobody has named, less
-- the others
marks as (
    select
        market_key,
        token_key,
        payout,
        price
    from named_marks
    union all
    select
        market_key,
        null as token_key,
        case when count(*) = count(payout) then 1 - sum(payout) end as payout,
        1 - sum(price) as price
    from named_marks
    group by market_key
    having
        count(*) < any_value(outcomes)
        and count(*) = count(price)
),

held as (
    select
        every.*,
        marks.payout,
        marks.price / every.outcomes_held as price,
        coalesce(splits.split_micros, 0) as split_micros,
        coalesce(every.micros, 0) + coalesce(splits.split_micros, 0)
            as micros_held,
        coalesce(splits.split_micros, 0) / 1e6
        * every.outcomes_held / terms.outcomes as split_usd,
        coalesce(every.cost_left_usd, 0)
        + coalesce(splits.split_micros, 0) / 1e6
        * every.outcomes_held / terms.outcomes
        * coalesce(every.left_of_split, 1) as cost_usd
    from every
    inner join terms on every.market_key = terms.market_key
    left join splits
        on
            every.market_key = splits.market_key
            and every.trader_key = splits.trader_key
    left join marks
        on
            every.market_key = marks.market_key
            and every.token_key is not distinct from marks.token_key
),

valued as (
    select
        *,
        case
            when payout is not null then floor(micros_held * payout) / 1e6
            else micros_held / 1e6 * price * outcomes_held
        end as value_usd,
        coalesce(sold_usd, 0) - coalesce(bought_usd, 0) - split_usd as cash_usd
    from held
),

described as (
    select
        traders.trader_address as proxy_wallet,
        market_keys.condition_id,
        tokens.token_id,
        tokens.outcome,
        valued.price,
        valued.value_usd,
        valued.cost_usd,
        valued.cash_usd,
        valued.first_traded_at,
        valued.last_traded_at,
        expiry.fills_expired_before,
        valued.split_usd as assumed_split_usd,
        coalesce(markets.question, market_keys.title) as question,
        coalesce(completeness.status = 'complete', false) as is_market_complete,
        coalesce(valued.trades, 0) as trades,
        coalesce(valued.taker_trades, 0) as taker_trades,
        coalesce(valued.maker_trades, 0) as maker_trades,
        coalesce(valued.bought_shares, 0) as bought_shares,
        coalesce(valued.bought_usd, 0) as bought_usd,
        coalesce(valued.sold_shares, 0) as sold_shares,
        coalesce(valued.sold_usd, 0) as sold_usd,
        valued.split_micros / 1e6 as assumed_split_shares,
        valued.micros_held / 1e6 as shares_held,
        case
            when valued.micros_held > 0
                then
                    valued.cost_usd
                    / (valued.micros_held / 1e6 * valued.outcomes_held)
        end as average_cost,
        valued.payout is not null as is_settled,
        case
            when valued.payout is not null then 'payout'
            when valued.price is not null then 'last_fill'
        end as price_source,
        case
            when valued.payout is null
                then valued.cash_usd + valued.cost_usd
            else valued.cash_usd + valued.value_usd
        end as realized_usd,
        case
            when valued.payout is null then valued.value_usd - valued.cost_usd
            else 0
        end as unrealized_usd,
        valued.cash_usd + valued.value_usd as gross_pnl_usd,
        valued.cash_usd
        + valued.value_usd
        - coalesce(fees.fees_usd, 0) as net_pnl_usd,
        coalesce(fees.fees_usd, 0) as fees_usd,
        coalesce(fees.fees_unknown_trades, 0)
        + coalesce(fees_not_told.fees_unknown_trades, 0)
            as fees_unknown_trades
    from valued
    cross join expiry
    inner join market_keys on valued.market_key = market_keys.market_key
    inner join traders on valued.trader_key = traders.trader_key
    left join markets on valued.market_key = markets.market_key
    left join completeness
        on market_keys.condition_id = completeness.condition_id
    left join tokens on valued.token_key = tokens.token_key
    left join fees
        on
            valued.token_key = fees.token_key
            and valued.trader_key = fees.trader_key
    left join fees_not_told
        on
            valued.token_key = fees_not_told.token_key
            and valued.trader_key = fees_not_told.trader_key
),

final as (
    select
        proxy_wallet,
        condition_id,
        token_id,
        question,
        outcome,
        trades,
        taker_trades,
        maker_trades,
        bought_shares,
        bought_usd,
        sold_shares,
        sold_usd,
        assumed_split_shares,
        assumed_split_usd,
        shares_held,
        cost_usd,
        average_cost,
        price,
        price_source,
        is_settled,
        value_usd,
        realized_usd,
        unrealized_usd,
        gross_pnl_usd,
        fees_usd,
        fees_unknown_trades,
        net_pnl_usd,
        is_market_complete,
        first_traded_at,
        last_traded_at,
        fills_expired_before
    from described
)

select * from final
