-- One row per wallet and outcome token that it bought, sold or holds of an
-- assumed split: what gold.trader_pnl needs of its fills. Key: trader_key,
-- market_key, token_key. Reads TradeFact, MarketTokenDim, MarketDim,
-- FeeScheduleDim. Fills that were withdrawn, or of which side, size or price
-- are not known, are not counted.
-- New fills that are later than all before are added to what is there: the row
-- as it stands is taken for a purchase of what it holds. Where that is not
-- right, all fills of the wallet in the market are added up anew: where some
-- came late or changed (StaleTrader), where the wallet must have split more
-- sets than was known, since these count from the beginning, and where it has
-- a token more.
-- Outcomes that nobody has named are one row with a null token_key.
-- Stored so that the rows of a wallet lie in few row groups, and those of one
-- fill, of which most columns are alike, side by side.
-- Steps in order: read_stale or read_news, add_up, part (of news), weigh,
-- describe, tell_new, store_stale or store_news, insert_new.
-- Columns:
-- trader_key: the wallet's number in this file, see silver.TraderDim
-- token_key: the token's number; null: all outcomes that nobody has named
-- outcomes_held: 1; of a null token_key, how many outcomes it stands for
-- is_first: one row of those of the wallet in the market
-- is_sole: the only one
-- trades: fills of this wallet in this token
-- taker_trades: those in which it crossed the book
-- maker_trades: those in which its order was resting
-- bought_shares: shares bought, in whole millionths
-- bought_usd: dollars paid for them, without fees
-- sold_shares: shares sold, in whole millionths
-- sold_usd: dollars got for them, without fees
-- split_shares: full sets of the market that the wallet must have split
-- cost_left_usd: of bought_usd, what is for shares not sold; null: all of it
-- left_of_split: part of the split shares not sold, 0 to 1; null: 1
-- fees_usd: fees that are known to have been paid
-- fees_unknown_trades: fills that may have paid another
-- first_traded_at: the earliest of its fills; null: none
-- last_traded_at: the latest of its fills; null: none

create table if not exists silver.TraderToken (
    trader_key uinteger not null,
    market_key uinteger not null,
    token_key uinteger,
    outcomes_held usmallint not null,
    is_first boolean not null,
    is_sole boolean not null,
    trades uinteger not null,
    taker_trades uinteger not null,
    maker_trades uinteger not null,
    bought_shares double not null,
    bought_usd double not null,
    sold_shares double not null,
    sold_usd double not null,
    split_shares double not null,
    cost_left_usd double,
    left_of_split double,
    fees_usd double not null,
    fees_unknown_trades uinteger not null,
    first_traded_at timestamp_s,
    last_traded_at timestamp_s
);
