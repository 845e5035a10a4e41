"""The data dictionary: every table and column of the three layers, from the schemas.

Written to docs/data-dictionary.md by `make docs`; a test says when it is due. Nothing
in it is written by hand: bronze speaks in bronze/*.py, silver and gold in the headers
of their SQL files and in warehouse/glossary.py.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from bronze import DATASETS
from lake.dataset import Dataset
from warehouse.models import Model, define_gold, define_silver, models
from warehouse.views import described

PAGE = Path(__file__).parent.parent / "docs" / "data-dictionary.md"

_INTRODUCTION = """# Data dictionary

Every table and column, layer by layer. Made from the schemas by `make docs`: edit
those, not this page. The words on silver and gold are in the warehouse too, wherever it
is opened:

```sql
select column_name, data_type, comment
from duckdb_columns()
where schema_name = 'gold' and table_name = 'daily_volume';
```

All times are UTC, all hex is lower case. A share pays one dollar if its outcome wins,
so a price in dollars a share is between 0 and 1."""

_LAYERS = {
    "bronze": """\
What the exchange said, as it said it: `data/<dataset>/dt=YYYY-MM-DD/*.parquet`. Every
file also has the day in its path as `dt`. Which files are live is in the dataset's
Delta log.""",
    "silver": """\
Facts and dimensions, each fill once, in `data/warehouse.duckdb`. Columns ending in
`_key` join tables of one warehouse file; a rebuilt file numbers anew, so keep natural
keys outside it.""",
    "gold": """\
Views that answer questions, with natural keys only. `warehouse views` lists them.""",
}

_ARROW_NAMES = {
    pa.string(): "text",
    pa.bool_(): "boolean",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "double",
    pa.timestamp("us", tz="UTC"): "timestamp, UTC",
}


def main() -> int:
    """Write the page, and say where."""
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
    return 0


def page() -> str:
    """Return the page as it should read today."""
    layers = {"bronze": list(_bronze()), "silver": [], "gold": []}
    with duckdb.connect() as db:
        define_silver(db)
        define_gold(db)
        for layer in ("silver", "gold"):
            for name, model in models(layer).items():
                layers[layer].append((name, _table(db, layer, model)))
    parts = [_INTRODUCTION, *(_contents(*layer) for layer in layers.items())]
    for layer, sections in layers.items():
        parts.append(f"## {layer.title()}\n\n{_LAYERS[layer]}")
        parts += [text for _, text in sections]
    return "\n\n".join(parts) + "\n"


def undescribed() -> list[str]:
    """Return every column of silver and gold on which no word is said."""
    with duckdb.connect() as db:
        define_silver(db)
        define_gold(db)
        return [
            f"{layer}.{name}.{column}"
            for layer in ("silver", "gold")
            for name, model in models(layer).items()
            for column, _ in _columns(db, layer, name)
            if model.about(column) is None
        ]


def _contents(layer: str, sections: list[tuple[str, str]]) -> str:
    links = (f"[{name}](#{_anchor(layer, name)})" for name, _ in sections)
    return f"**{layer.title()}**: {', '.join(links)}"


def _anchor(layer: str, name: str) -> str:
    return f"{layer}{name}".lower()


def _bronze() -> Iterator[tuple[str, str]]:
    for name, dataset in sorted(DATASETS.items()):
        yield name, _section("bronze", name, _about(dataset), _bronze_rows(dataset))


def _about(dataset: Dataset) -> Iterator[str]:
    yield dataset.about
    yield f"Day: of `{dataset.day_of}`. Sorted by {_code(dataset.sort_by)}."
    if dataset.chain is not None:
        yield (
            f"Rows of two walks are of one fill if {_code(dataset.chain.identity)} "
            "agree; equal rows of one walk are as many fills."
        )


def _bronze_rows(dataset: Dataset) -> Iterator[tuple[str, str, str]]:
    for column in dataset.columns:
        kind = _ARROW_NAMES.get(column.type, str(column.type))
        yield column.name, kind, column.about


def _table(db: duckdb.DuckDBPyConnection, layer: str, model: Model) -> str:
    rows = [
        (column, kind.lower(), model.about(column) or "")
        for column, kind in _columns(db, layer, model.name)
    ]
    about = _view_about(model) if layer == "gold" else [_prose(model.header)]
    return _section(layer, model.name, about, rows)


def _view_about(model: Model) -> Iterator[str]:
    view = described(model)
    yield view.sentence
    yield (
        f"* Grain: {view.grain}\n* Key: {_code(view.key)}\n"
        f"* Units: {_prose(view.units)}\n* Sources: {_code(view.sources)}"
    )
    if view.remarks:
        yield _prose(view.remarks)


def _columns(
    db: duckdb.DuckDBPyConnection, layer: str, name: str
) -> list[tuple[str, str]]:
    return db.execute(
        "select column_name, data_type from duckdb_columns() "
        "where schema_name = ? and table_name = ? order by column_index",
        [layer, name],
    ).fetchall()


def _section(
    layer: str, name: str, about: Iterable[str], rows: Iterable[tuple[str, str, str]]
) -> str:
    table = [
        "| column | type | what |",
        "| --- | --- | --- |",
        *(f"| `{column}` | {kind} | {_cell(text)} |" for column, kind, text in rows),
    ]
    return "\n\n".join([f"### {layer}.{name}", *about, "\n".join(table)])


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _prose(text: str) -> str:
    """One paragraph; names with an underscore are set as code, as Markdown needs."""
    return re.sub(
        r"(?<![\w`./])([a-z]\w*(?:\.\w+)?_\w+|silver\.\w+|gold\.\w+)(?![\w`/])",
        r"`\1`",
        " ".join(text.split()),
    )


if __name__ == "__main__":
    sys.exit(main())
