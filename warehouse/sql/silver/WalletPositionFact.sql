-- One row per position of a wallet in one snapshot of what the exchange says it
-- holds and held. Key: walk_key, asked_status, token_id. Reads bronze
-- positions. A snapshot is a walk; silver.WalletWalk tells those that came to
-- their end. A position that moved while the snapshot was taken is here as it
-- was met last.
-- Columns:
-- asked_status: OPEN (all that is held) or CLOSED
-- position_status: OPEN, REDEEMABLE, REDEEMABLE_LOST, MERGEABLE or CLOSED
-- shares: shares held
-- average_price: average price paid, dollars a share, 4 decimals
-- entry_cost_usd: dollars paid for what is held, without fees
-- entry_fees_usd: dollars of fees paid
-- price: dollars a share at the time
-- value_usd: what the shares were worth then
-- bought_shares: shares ever bought
-- realized_usd: dollars
-- unrealized_usd: dollars
-- total_pnl_usd: dollars, the two together
-- is_verified: the exchange calls the trader verified
-- opposite_token_id: token of the other outcome
-- title: the market's question, as the row says it
-- last_event_at: when the position last changed
-- first_entry_at: when it was first entered

-- step: define
create table if not exists silver.WalletPositionFact (
    walk_key uinteger not null,
    trader_address varchar not null,
    condition_id varchar,
    token_id varchar not null,
    opposite_token_id varchar,
    asked_status varchar not null,
    position_status varchar,
    outcome varchar,
    outcome_index integer,
    title varchar,
    is_neg_risk boolean,
    is_verified boolean,
    shares double,
    average_price double,
    entry_cost_usd double,
    entry_fees_usd double,
    price double,
    value_usd double,
    bought_shares double,
    realized_usd double,
    unrealized_usd double,
    total_pnl_usd double,
    first_entry_at timestamp,
    last_event_at timestamp,
    fetched_at timestamp not null,
    page_no integer,
    row_no integer
);

-- step: take_in
-- A time that is none is null; 4294967295 is a day in 2106.
create or replace temp macro told_second(said) as
make_timestamp(try_cast(said as uinteger)::bigint * 1000000);

create or replace temp table incoming_position as
select
    walk_map.walk_key,
    lower(told.proxy_wallet) as trader_address,
    lower(nullif(told.condition_id, '')) as condition_id,
    told.token_id,
    nullif(told.opposite_token_id, '') as opposite_token_id,
    told.asked_status,
    told.status as position_status,
    nullif(told.outcome, '') as outcome,
    nullif(try_cast(told.outcome_index as integer), 999) as outcome_index,
    nullif(told.title, '') as title,
    told.negative_risk as is_neg_risk,
    told.verified as is_verified,
    told.current_size as shares,
    told.avg_price as average_price,
    told.entry_cost_usdc as entry_cost_usd,
    told.entry_fees_usdc as entry_fees_usd,
    told.current_price as price,
    told.current_value as value_usd,
    told.total_size as bought_shares,
    told.realized_pnl as realized_usd,
    told.unrealized_pnl as unrealized_usd,
    told.total_pnl as total_pnl_usd,
    told_second(told.first_entry_at) as first_entry_at,
    told_second(told.last_event_at) as last_event_at,
    told.fetched_at::timestamp as fetched_at,
    told.page_no,
    told.row_no
from bronze_positions as told
inner join walk_map on coalesce(told.walk_id, '') = walk_map.walk_id
qualify
    row_number() over (
        partition by walk_map.walk_key, told.asked_status, told.token_id
        order by told.page_no desc, told.row_no desc
    ) = 1;

delete from silver.WalletPositionFact
using incoming_position
where
    WalletPositionFact.walk_key = incoming_position.walk_key
    and WalletPositionFact.asked_status = incoming_position.asked_status
    and WalletPositionFact.token_id = incoming_position.token_id
    and (WalletPositionFact.page_no, WalletPositionFact.row_no)
    < (incoming_position.page_no, incoming_position.row_no);

insert into silver.WalletPositionFact by name
select * from incoming_position
anti join silver.WalletPositionFact
    on
        incoming_position.walk_key = WalletPositionFact.walk_key
        and incoming_position.asked_status = WalletPositionFact.asked_status
        and incoming_position.token_id = WalletPositionFact.token_id;
