-- One row per wallet with a fill: what its rows of TraderToken add up to, of
-- what is held at a price that still moves without that price. Key:
-- trader_key. Reads TraderToken, TokenMark, MarketJudged. gold.trader_stats
-- adds what is not settled.
-- What changes is taken off as it stood and put on as it stands: the pairs of
-- wallet and market that TraderToken stores anew, and all pairs of a market
-- that is settled, or judged, otherwise than before. In whole billionths of a
-- dollar, so that what is taken off is what was put on. The first and the last
-- trade cannot be taken off: where one goes, the wallet's rows are read again.
-- Steps before TraderToken's `store_...`: before_news or before_stale, weigh,
-- take_off, after, put_on; after it: apply. Around a new judgement: shift,
-- read_shifted, weigh, take_off; then put_on, apply. In a new file, and where
-- that moves too many pairs (forget): build, weigh, put_in, for some wallets at
-- a time.
-- Columns:
-- trades: fills of this wallet
-- taker_trades: those in which it crossed the book
-- maker_trades: those in which its order was resting
-- fees_unknown_trades: fills that may have paid another fee
-- markets: markets with a fill
-- markets_settled: those that have paid out
-- markets_won: those of them that made money, fees taken off
-- markets_incomplete: markets of which not all fills are here
-- bought_nano_usd: billionths of a dollar paid
-- sold_nano_usd: billionths of a dollar got
-- split_nano_usd: what its assumed splits cost
-- fees_nano_usd: fees that are known to have been paid
-- payout_nano_usd: what it holds of settled markets, at the payout
-- first_traded_at: its earliest fill held
-- last_traded_at: its latest fill held

create table if not exists silver.TraderTotal (
    trader_key uinteger not null,
    trades ubigint not null,
    taker_trades ubigint not null,
    maker_trades ubigint not null,
    fees_unknown_trades ubigint not null,
    markets uinteger not null,
    markets_settled uinteger not null,
    markets_won uinteger not null,
    markets_incomplete uinteger not null,
    bought_nano_usd hugeint not null,
    sold_nano_usd hugeint not null,
    split_nano_usd hugeint not null,
    fees_nano_usd hugeint not null,
    payout_nano_usd hugeint not null,
    first_traded_at timestamp_s,
    last_traded_at timestamp_s
);
