-- The one category of each market, and all the tags of its event.
-- Grain: one row per market that any source has named.
-- Key: condition_id
-- Units: none.
-- Sources: silver.MarketKey, silver.MarketDim, silver.EventDim
-- Gamma gives a category to old markets only, and tags in no order to the
-- others. category is the market's own, or its event's; else, of the event's
-- tags, the one that comes first in the list below, which are the sections of
-- the exchange's site; else its first tag. Nothing told: uncategorised.
-- category_source says which it was: market, event, section, tag, none.
-- Columns:
-- category: one word for the market; uncategorised where nothing is told
-- category_source: market, event, section, tag or none
-- tags: all tags of the market's event; empty: none is known
with

market_keys as (
    select * from silver.MarketKey
),

markets as (
    select * from silver.MarketDim
),

events as (
    select * from silver.EventDim
),

-- narrow sections before wide ones: a game is Esports and Sports
sections (tag_slug, place) as (
    values
    ('esports', 1),
    ('sports', 2),
    ('crypto', 3),
    ('weather', 4),
    ('mentions', 5),
    ('economy', 6),
    ('economics', 7),
    ('finance', 8),
    ('business', 9),
    ('tech', 10),
    ('science', 11),
    ('pop-culture', 12),
    ('culture', 13),
    ('politics', 14),
    ('elections', 15),
    ('geopolitics', 16),
    ('world', 17)
),

event_tags as (
    select
        event_id,
        unnest(tags) as tag,
        lower(unnest(tag_slugs)) as tag_slug,
        generate_subscripts(tags, 1) as tag_no
    from events
),

chosen_tags as (
    select
        event_tags.event_id,
        arg_min(
            event_tags.tag,
            row(coalesce(sections.place, 99), event_tags.tag_no)
        ) as tag,
        min(sections.place) is not null as is_section
    from event_tags
    left join sections on event_tags.tag_slug = sections.tag_slug
    where event_tags.tag <> '' and event_tags.tag_slug <> 'all'
    group by all
),

told as (
    select
        market_keys.condition_id,
        events.tags,
        chosen_tags.tag,
        chosen_tags.is_section,
        nullif(trim(markets.category), '') as market_category,
        nullif(trim(events.category), '') as event_category
    from market_keys
    left join markets on market_keys.market_key = markets.market_key
    left join events on markets.event_id = events.event_id
    left join chosen_tags on markets.event_id = chosen_tags.event_id
),

final as (
    select
        condition_id,
        coalesce(
            market_category, event_category, tag, 'uncategorised'
        ) as category,
        case
            when market_category is not null then 'market'
            when event_category is not null then 'event'
            when is_section then 'section'
            when tag is not null then 'tag'
            else 'none'
        end as category_source,
        coalesce(tags, []) as tags
    from told
)

select * from final
