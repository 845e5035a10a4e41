-- One row per wallet and token by keys: a view of what gold.trader_pnl shows
-- readably and says more of. Key: trader_key, market_key, token_key. Reads
-- TraderToken, TokenMark.
-- Columns:
-- token_key: the token's number; null: all outcomes that nobody has named
-- outcomes_held: 1; of a null token_key, how many outcomes it stands for
-- taker_trades: fills in which it crossed the book
-- maker_trades: those in which its order was resting
-- bought_shares: shares bought
-- bought_usd: dollars paid for them, without fees
-- sold_shares: shares sold
-- sold_usd: dollars got for them, without fees
-- split_shares: full sets of the market that the wallet must have split
-- fees_usd: fees that are known to have been paid
-- fees_unknown_trades: fills that may have paid another
-- is_first: one row of those of the wallet in the market
-- is_sole: the only one
-- price: what a share is marked to
-- shares_held: shares left, of each of the outcomes
-- assumed_split_usd: this outcome's part of what assumed splits cost
-- cost_usd: what the shares held cost
-- cash_usd: dollars in less dollars out, without fees
-- is_settled: the market has paid out
-- value_usd: shares_held at price

-- step: define
create view if not exists silver.TraderTokenPnl as
with

held as (
    select
        TraderToken.*,
        TokenMark.payout,
        TokenMark.price,
        round(
            (
                TraderToken.bought_shares
                - TraderToken.sold_shares
                + TraderToken.split_shares
            ) * 1e6
        ) as micros_held,
        TraderToken.split_shares
        * TraderToken.outcomes_held
        / coalesce(TokenMark.outcomes, 2) as assumed_split_usd
    from silver.TraderToken
    left join silver.TokenMark
        on
            TraderToken.market_key = TokenMark.market_key
            and TraderToken.token_key is not distinct from TokenMark.token_key
)

select
    trader_key,
    market_key,
    token_key,
    outcomes_held,
    is_first,
    is_sole,
    trades,
    taker_trades,
    maker_trades,
    bought_shares,
    bought_usd,
    sold_shares,
    sold_usd,
    split_shares,
    assumed_split_usd,
    fees_usd,
    fees_unknown_trades,
    first_traded_at,
    last_traded_at,
    price / outcomes_held as price,
    micros_held / 1e6 as shares_held,
    payout is not null as is_settled,
    sold_usd - bought_usd - assumed_split_usd as cash_usd,
    coalesce(cost_left_usd, bought_usd)
    + assumed_split_usd * coalesce(left_of_split, 1) as cost_usd,
    case
        when payout is not null then floor(micros_held * payout) / 1e6
        else micros_held / 1e6 * price
    end as value_usd
from held;
