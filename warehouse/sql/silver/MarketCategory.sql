-- One row per market: the category that its fills are counted under. Key:
-- market_key. Reads gold.market_categories, MarketKey, CategoryDim: so that
-- TraderDay can tell in which categories a wallet traded on a day. Where the
-- catalogue says otherwise by now, StaleHour has all hours of the market added
-- up anew.
-- Columns:
-- category_key: number of the market's category

-- step: define
create table if not exists silver.MarketCategory (
    market_key uinteger not null,
    category_key uinteger not null
);

-- step: read
create or replace temp table market_category as
select
    MarketKey.market_key,
    market_categories.category
from silver.MarketKey
inner join gold.market_categories
    on MarketKey.condition_id = market_categories.condition_id;

-- step: take_in
create or replace temp table changed_category as
select
    market_category.market_key,
    CategoryDim.category_key
from market_category
inner join silver.CategoryDim
    on market_category.category = CategoryDim.category
anti join silver.MarketCategory
    on
        market_category.market_key = MarketCategory.market_key
        and CategoryDim.category_key = MarketCategory.category_key;

insert into silver.StaleHour
select
    MarketHour.market_key,
    MarketHour.hour_start
from silver.MarketHour
semi join changed_category using (market_key)
except
select
    market_key,
    hour_start
from silver.StaleHour;

delete from silver.MarketCategory
using changed_category
where MarketCategory.market_key = changed_category.market_key;

insert into silver.MarketCategory
select
    market_key,
    category_key
from changed_category
order by market_key;
