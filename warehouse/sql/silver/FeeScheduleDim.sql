-- One row per fee category and stretch of time: what a taker pays. Key:
-- category, valid_from. Reads nothing: the rates stand here, for the service
-- tells only those of today. A fill of shares C at price p pays
-- C * rate * p ^ price_exponent * (p * (1 - p)) ^ exponent dollars, rounded to
-- five decimals, and only its taker does. A row holds from valid_from until
-- before valid_to (null: still so); before a category's first row nothing was
-- paid. A category is the first word of Gamma's feeType; `general` is all that
-- has no other. A market pays at all only where Gamma says so: markets that
-- were made before their category's fees stayed free.
-- Columns:
-- category: first word of Gamma's feeType
-- rate: see above
-- exponent: power of price * (1 - price)
-- price_exponent: 1: the price is a factor once more, as until 2026-03-31
-- valid_from: the first moment it holds
-- valid_to: the first moment it no longer holds; null: still so
-- source: where the rate was said

-- step: define
create table if not exists silver.FeeScheduleDim (
    category varchar not null,
    rate double not null,
    exponent double not null,
    price_exponent double not null,
    valid_from timestamp not null,
    valid_to timestamp,
    source varchar not null
);

-- step: content
delete from silver.FeeScheduleDim;

insert into silver.FeeScheduleDim by name
with

told as (
    select
        col0 as category,
        col1 as rate,
        col2 as exponent,
        col3 as price_exponent,
        col4::timestamp as valid_from,
        col5 as source
    from (
        values
        ('crypto', 0.25, 2, 1, '2026-01-05', 'docs: 15-minute crypto markets'),
        ('crypto', 0.072, 1, 1, '2026-03-30', 'docs: fees by category'),
        ('crypto', 0.072, 1, 0, '2026-03-31', 'docs: formula without p'),
        (
            'crypto', 0.07, 1, 0, '2026-07-10',
            'Gamma of 2026-07-24; the day of the change was not published'
        ),
        ('sports', 0.0175, 1, 1, '2026-02-18', 'docs: NCAAB and Serie A'),
        ('sports', 0.03, 1, 1, '2026-03-30', 'docs: fees by category'),
        ('sports', 0.03, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('sports', 0.05, 1, 0, '2026-07-10', 'docs: sports fee raised'),
        ('politics', 0.04, 1, 1, '2026-03-30', 'docs: fees by category'),
        ('politics', 0.04, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('finance', 0.04, 1, 1, '2026-03-30', 'docs: fees by category'),
        ('finance', 0.04, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('tech', 0.04, 1, 1, '2026-03-30', 'docs: fees by category'),
        ('tech', 0.04, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('mentions', 0.25, 2, 1, '2026-03-30', 'docs: fees by category'),
        ('mentions', 0.04, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('economics', 0.03, 0.5, 1, '2026-03-30', 'docs: fees by category'),
        ('economics', 0.05, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('culture', 0.05, 1, 1, '2026-03-30', 'docs: fees by category'),
        ('culture', 0.05, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('weather', 0.025, 0.5, 1, '2026-03-30', 'docs: fees by category'),
        ('weather', 0.05, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('general', 0.2, 2, 1, '2026-03-30', 'docs: fees by category'),
        ('general', 0.05, 1, 0, '2026-03-31', 'docs: formula without p'),
        ('geopolitics', 0, 1, 0, '2026-03-30', 'docs: fees by category')
    )
)

select
    category,
    rate,
    exponent,
    price_exponent,
    valid_from,
    lead(valid_from) over (
        partition by category
        order by valid_from
    ) as valid_to,
    source
from told;
