-- One row per category that a market has, or had. Key: category_key; the word
-- is unique too. Reads gold.market_categories, as market_category.
-- Columns:
-- category_key: the category's number in this file
-- category: of gold.market_categories

-- step: define
create table if not exists silver.CategoryDim (
    category_key uinteger not null,
    category varchar not null
);

-- step: take_in
create or replace temp table fresh_category as
select
    category,
    (
        select coalesce(max(CategoryDim.category_key), 0)
        from silver.CategoryDim
    ) + row_number() over (order by category) as category_key
from (select distinct category from market_category) as told
anti join silver.CategoryDim using (category);

insert into silver.CategoryDim by name
select * from fresh_category;
