-- How each market ended by the three sources that tell, and if they agree.
-- Grain: one row per market that is closed or settled by any source.
-- Key: condition_id
-- Units: payouts in dollars a share, by outcome; resolved_at UTC.
-- Sources: silver.MarketDim, silver.ClobMarketDim, silver.ResolutionFact,
-- silver.MarketKey
-- Payouts that /v2/resolutions tells stand over the order book's flag winner,
-- that over Gamma's prices. Where only these two know and they differ, nothing
-- is claimed. What no source says is null: a market may be closed and not
-- settled yet.
-- Columns:
-- payouts: dollars a share, by outcome; null if unknown
-- resolved_at: when it was settled; when it was closed if no source says more
-- source: whose word stands: resolutions, clob or gamma; null if unknown
-- sources_agree: all that know say the same; null where fewer than two know
-- is_split: no outcome paid the whole dollar; null if unknown
-- was_disputed: a proposal was disputed; null if not known
-- resolutions_payouts: what /v2/resolutions says
-- clob_payouts: what the order book's flags mean
-- gamma_payouts: what Gamma's prices mean
with

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select
        *,
        coalesce(
            is_closed
            and resolution_status = 'resolved'
            and len(outcome_prices) = len(outcomes)
            and len(outcomes) > 1
            and len(list_filter(
                outcome_prices,
                lambda part: abs(part * len(outcomes) - 1) < 1e-6
            )) = len(outcomes),
            false
        ) as is_split_gamma
    from silver.MarketDim
    where condition_id is not null
),

books as (
    select * from silver.ClobMarketDim
),

settled as (
    select
        market_keys.condition_id,
        facts.payouts,
        facts.resolved_at,
        facts.was_disputed
    from silver.ResolutionFact as facts
    inner join market_keys on facts.market_key = market_keys.market_key
    where
        not facts.is_question
        and facts.status = 'resolved'
        and facts.payouts is not null
    qualify
        row_number() over (
            partition by facts.market_key
            order by
                facts.fetched_at desc, facts.page_no desc, facts.row_no desc
        ) = 1
),

ended as (
    select condition_id from markets
    where is_closed
    union
    select condition_id from books
    where is_closed
    union
    select condition_id from settled
),

told as (
    select
        ended.condition_id,
        settled.payouts as resolutions_payouts,
        settled.resolved_at as settled_at,
        settled.was_disputed,
        markets.closed_at,
        markets.is_split_gamma,
        coalesce(markets.question, books.question) as question,
        coalesce(markets.outcomes, books.outcomes) as outcomes,
        books.is_closed and books.is_split
        and books.winning_outcome is null as is_split_book,
        case
            when books.winning_outcome is not null
                then coalesce(
                    list_position(
                        coalesce(markets.token_ids, books.token_ids),
                        books.winning_token_id
                    ),
                    list_position(
                        coalesce(markets.outcomes, books.outcomes),
                        books.winning_outcome
                    )
                )
        end as book_winner,
        case
            when markets.winning_outcome_index is not null
                then markets.winning_outcome_index + 1
        end as gamma_winner
    from ended
    left join settled on ended.condition_id = settled.condition_id
    left join markets on ended.condition_id = markets.condition_id
    left join books on ended.condition_id = books.condition_id
),

weighed as (
    select
        *,
        case
            when book_winner is not null
                then list_transform(
                    range(1, len(outcomes) + 1),
                    lambda place: if(place = book_winner, 1.0, 0.0)::double
                )
            when is_split_book
                then list_transform(
                    outcomes, lambda outcome: (1.0 / len(outcomes))::double
                )
        end as clob_payouts,
        case
            when gamma_winner is not null
                then list_transform(
                    range(1, len(outcomes) + 1),
                    lambda place: if(place = gamma_winner, 1.0, 0.0)::double
                )
            when is_split_gamma
                then list_transform(
                    outcomes, lambda outcome: (1.0 / len(outcomes))::double
                )
        end as gamma_payouts
    from told
),

compared as (
    select
        *,
        list_transform(
            list_filter(
                [resolutions_payouts, clob_payouts, gamma_payouts],
                lambda payouts: payouts is not null
            ),
            lambda payouts: list_transform(
                payouts, lambda paid: round(paid, 4)
            )
        ) as words
    from weighed
),

judged as (
    select
        *,
        case
            when len(words) > 1 then len(list_distinct(words)) = 1
        end as sources_agree,
        case
            when resolutions_payouts is not null then 'resolutions'
            when len(list_distinct(words)) != 1 then null
            when clob_payouts is not null then 'clob'
            when gamma_payouts is not null then 'gamma'
        end as source -- noqa: RF04
    from compared
),

decided as (
    select
        *,
        case source
            when 'resolutions' then resolutions_payouts
            when 'clob' then clob_payouts
            when 'gamma' then gamma_payouts
        end as payouts
    from judged
),

named as (
    select
        *,
        (list_position(payouts, 1) - 1)::integer as winning_outcome_index,
        outcomes[list_position(payouts, 1)] as winning_outcome,
        case
            when payouts is not null then list_position(payouts, 1) is null
        end as is_split,
        case
            when payouts is not null then coalesce(settled_at, closed_at)
        end as resolved_at
    from decided
),

final as (
    select
        condition_id,
        question,
        winning_outcome_index,
        winning_outcome,
        payouts,
        source,
        sources_agree,
        is_split,
        was_disputed,
        resolutions_payouts,
        clob_payouts,
        gamma_payouts,
        resolved_at
    from named
)

select * from final
