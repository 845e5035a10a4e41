-- One row per moment at which the exchange says what a wallet had made, as of
-- one fetch. Key: trader_address, observed_at, fetched_at. Reads bronze
-- user_pnl. Later fetches may correct earlier moments: the latest fetched_at
-- counts. Fees are negative.
-- Columns:
-- observed_at: the moment of the point
-- realized_usd: realized P&L of markets, pools and combos, fees taken off
-- unrealized_usd: what is held, less its cost
-- position_pnl_usd: the two together
-- income_usd: rebates, rewards, yield and referrals
-- economic_pnl_usd: position_pnl_usd and income_usd
-- fees_usd: dollars of fees, negative
-- volume_usd: dollars traded by the wallet, both as maker and taker
-- trade_count: its trades

-- step: define
create table if not exists silver.UserPnlFact (
    trader_address varchar not null,
    observed_at timestamp not null,
    realized_usd double,
    unrealized_usd double,
    position_pnl_usd double,
    income_usd double,
    economic_pnl_usd double,
    fees_usd double,
    volume_usd double,
    trade_count bigint,
    fetched_at timestamp not null,
    walk_key uinteger not null,
    page_no integer,
    row_no integer
);

-- step: take_in
insert into silver.UserPnlFact by name
select
    lower(told.proxy_wallet) as trader_address,
    make_timestamp(told.timestamp * 1000000) as observed_at,
    told.realized_pnl as realized_usd,
    told.unrealized_pnl as unrealized_usd,
    told.position_pnl as position_pnl_usd,
    told.wallet_income as income_usd,
    told.economic_pnl as economic_pnl_usd,
    told.fees as fees_usd,
    told.volume_usdc as volume_usd,
    try_cast(told.trade_count as bigint) as trade_count,
    told.fetched_at::timestamp as fetched_at,
    walk_map.walk_key,
    told.page_no,
    told.row_no
from bronze_user_pnl as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
anti join silver.UserPnlFact
    on
        lower(told.proxy_wallet) = UserPnlFact.trader_address
        and make_timestamp(told.timestamp * 1000000) = UserPnlFact.observed_at
        and told.fetched_at::timestamp = UserPnlFact.fetched_at
where told.timestamp between 0 and 4294967295 -- a day in 2106
qualify
    row_number() over (
        partition by
            lower(told.proxy_wallet), told.timestamp,
            told.fetched_at::timestamp
        order by told.walk_id desc, told.row_no desc
    ) = 1;
