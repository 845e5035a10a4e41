"""The data dictionary is what the schemas say today, and the warehouse says it too."""

from __future__ import annotations

from functools import cache

import duckdb

from ingestion.dictionary import PAGE, page, undescribed
from warehouse.glossary import GLOSSARY
from warehouse.models import comment_on_columns, define_gold, define_silver, models


@cache
def columns() -> list[tuple[str, str, str, str | None]]:
    with duckdb.connect() as db:
        define_silver(db)
        define_gold(db)
        comment_on_columns(db)
        return db.execute(
            "select schema_name, table_name, column_name, comment "
            "from duckdb_columns() where schema_name in ('silver', 'gold')"
        ).fetchall()


def test_the_page_is_current():
    is_current = PAGE.read_text(encoding="utf-8") == page()
    assert is_current, "a schema or its words changed: `make docs` mends the page"


def test_every_column_has_a_sentence():
    assert undescribed() == [], "see warehouse/glossary.py for where to say it"


def test_every_word_of_the_glossary_is_of_a_column():
    assert set(GLOSSARY) <= {column for _, _, column, _ in columns()}


def test_words_on_columns_are_of_columns_that_exist():
    known = {(schema, table, column) for schema, table, column, _ in columns()}
    told = {
        (layer, name, column)
        for layer in ("silver", "gold")
        for name, model in models(layer).items()
        for column in model.columns
    }
    assert told <= known


def test_the_warehouse_itself_knows_what_its_columns_mean():
    told = {(table, column): comment for _, table, column, comment in columns()}
    assert all(told.values())
    assert told["trades", "condition_id"] == GLOSSARY["condition_id"]
    assert told["market_summary", "status"].startswith("open, closed, or unlisted")
