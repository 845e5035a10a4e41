-- One row per market of the order book's own list, as it is now. Key:
-- condition_id. Reads bronze clob_markets: of each market the latest row. Old
-- rows without a condition id are left out. A winner is named only where the
-- market is closed and exactly one token has the flag.
-- Columns:
-- question_id: the oracle's question, 0x hex; null for none
-- token_ids: the outcomes' tokens in the order book's order; blank if unknown
-- outcomes: the names of the outcomes, in the same order
-- is_closed: the order book's flag closed: settled
-- is_split: the order book's flag is_50_50_outcome
-- winning_token_id: the token that won; null if none or unknown
-- winning_outcome: the outcome that won; null if none or unknown
-- slug: the name in the exchange's URLs
-- question: what the market asks

-- step: define
create table if not exists silver.ClobMarketDim (
    condition_id varchar not null,
    question_id varchar,
    slug varchar,
    question varchar,
    token_ids varchar[],
    outcomes varchar[],
    winning_token_id varchar,
    winning_outcome varchar,
    is_closed boolean,
    is_split boolean,
    source_fetched_at timestamp not null,
    source_walk_id varchar,
    source_page_no integer,
    source_row_no integer
);

-- step: take_in
create or replace temp table latest_clob_market as
with

decoded as (
    select
        *,
        lower(trim(condition_id)) as condition,
        case
            when json_valid(tokens)
                then json_extract(tokens, '$[*]')
        end as token_list
    from bronze_clob_markets
    where trim(coalesce(condition_id, '')) != ''
),

judged as (
    select
        *,
        list_filter(
            token_list,
            lambda one: json_extract_string(one, '$.winner') = 'true'
        ) as winners
    from decoded
)

select
    condition as condition_id,
    lower(nullif(question_id, '')) as question_id,
    market_slug as slug,
    question,
    list_transform(
        token_list, lambda one: json_extract_string(one, '$.token_id')
    ) as token_ids,
    list_transform(
        token_list, lambda one: json_extract_string(one, '$.outcome')
    ) as outcomes,
    case
        when closed and len(winners) = 1
            then nullif(json_extract_string(winners[1], '$.token_id'), '')
    end as winning_token_id,
    case
        when closed and len(winners) = 1
            then json_extract_string(winners[1], '$.outcome')
    end as winning_outcome,
    closed as is_closed,
    is_50_50_outcome as is_split,
    fetched_at::timestamp as source_fetched_at,
    walk_id as source_walk_id,
    page_no as source_page_no,
    row_no as source_row_no
from judged
qualify
    row_number() over (
        partition by condition
        order by fetched_at desc, walk_id desc, page_no desc, row_no desc
    ) = 1;

delete from latest_clob_market
using silver.ClobMarketDim
where
    latest_clob_market.condition_id = ClobMarketDim.condition_id
    and (
        latest_clob_market.source_fetched_at,
        coalesce(latest_clob_market.source_walk_id, ''),
        coalesce(latest_clob_market.source_page_no, 0),
        coalesce(latest_clob_market.source_row_no, 0)
    ) <= (
        ClobMarketDim.source_fetched_at,
        coalesce(ClobMarketDim.source_walk_id, ''),
        coalesce(ClobMarketDim.source_page_no, 0),
        coalesce(ClobMarketDim.source_row_no, 0)
    );

delete from silver.ClobMarketDim
using latest_clob_market
where ClobMarketDim.condition_id = latest_clob_market.condition_id;

insert into silver.ClobMarketDim
select * from latest_clob_market;
