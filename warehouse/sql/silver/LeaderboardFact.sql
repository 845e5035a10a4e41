-- One row per place on a board of traders, at each capture. Key: time_period,
-- category, sort_by, walk_key, page_no, row_no. Reads bronze leaderboard. The
-- two versions of the service count volume differently: v2 in shares of both
-- sides, v1 in dollars, and neither is made of the other.
-- Columns:
-- time_period: day, week, month or all: what the board counts
-- category: OVERALL, or the category that the board counts
-- sort_by: PNL or VOLUME: by what the board ranks
-- board_rank: place on the board, from 1
-- trader_name: the name that the board shows
-- pnl_usd: profit and loss in the period as the exchange counts it, dollars
-- volume_shares: traded in the period, shares of both sides; null from v1
-- volume_usd: traded in the period, dollars; null from v2
-- is_verified: the board's flag verified
-- has_moved: the board was computed anew between two of its pages
-- version: v2 or v1: which service answered
-- captured_at: when the capture of the board began

-- step: define
create table if not exists silver.LeaderboardFact (
    time_period varchar not null,
    category varchar not null,
    sort_by varchar not null,
    board_rank bigint,
    trader_address varchar,
    trader_name varchar,
    pnl_usd double,
    volume_shares double,
    volume_usd double,
    is_verified boolean,
    has_moved boolean,
    version varchar,
    captured_at timestamp not null,
    fetched_at timestamp not null,
    walk_key uinteger not null,
    page_no integer not null,
    row_no integer not null
);

-- step: take_in
insert into silver.LeaderboardFact
select
    places.time_period,
    places.category,
    places.sort_by,
    places.rank as board_rank,
    lower(places.user_id) as trader_address,
    nullif(places.user_name, '') as trader_name,
    places.pnl as pnl_usd,
    places.volume as volume_shares,
    places.vol as volume_usd,
    places.verified as is_verified,
    places.has_moved,
    places.version,
    places.captured_at::timestamp as captured_at,
    places.fetched_at::timestamp as fetched_at,
    walk_map.walk_key,
    places.page_no,
    places.row_no
from bronze_leaderboard as places
inner join walk_map on coalesce(places.walk_id, '') = walk_map.walk_id
anti join silver.LeaderboardFact
    on
        walk_map.walk_key = LeaderboardFact.walk_key
        and places.page_no = LeaderboardFact.page_no
        and places.row_no = LeaderboardFact.row_no
qualify
    row_number() over (
        partition by walk_map.walk_key, places.page_no, places.row_no
        order by places.fetched_at
    ) = 1;
