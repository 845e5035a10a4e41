"""The SQL files: one a model, with a header and, in silver, named steps.

A silver file is a header (grain, key, sources) and steps, each opened by a line
`-- step: <name>`. `define` makes the table where there is none, `content` puts in what
is known without bronze; the other steps are run by `ingestion/load.py`, in its order:
they hand each other rows in temporary tables. A model too long for one file is a folder
of its name with a file for each step; the header opens `define.sql`.
A gold file is a header and one select; it becomes the view of the file's name.

A header may close with `-- Columns:` and a line `-- <column>: <sentence>` for each
column of which warehouse/glossary.py says nothing, or something else; a sentence goes
on in indented lines below it. These words become comments in the file itself, where any
client finds them in `duckdb_columns()`, and docs/data-dictionary.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb

from warehouse.glossary import GLOSSARY

SQL = Path(__file__).parent / "sql"

_STEP = re.compile(r"^-- step: (\w+)$", re.MULTILINE)
_COLUMN = re.compile(r"^([a-z]\w*): ", re.MULTILINE)


@dataclass(frozen=True)
class Model:
    """One model: `header` is its opening comment, `steps` its statements by name.

    A file without step lines is one step, `select`. `columns` are the sentences on
    columns that close the header.
    """

    name: str
    header: str
    steps: dict[str, str]
    columns: dict[str, str] = field(default_factory=dict)

    def about(self, column: str) -> str | None:
        """The sentence on a column: the file's own, or else the glossary's."""
        return self.columns.get(column) or GLOSSARY.get(column)


def read_model(path: Path) -> Model:
    """Read one SQL file, or a folder of step files."""
    if path.is_dir():
        return _read_folder(path)
    head, *parts = _STEP.split(path.read_text(encoding="utf-8"))
    steps = dict(zip(parts[::2], parts[1::2], strict=True)) or {"select": head}
    return _model(path.stem, head, steps)


@cache
def models(layer: str) -> dict[str, Model]:
    """Return the models of `silver`, `gold` or `checks` by name, sorted."""
    paths = sorted(
        path
        for path in (SQL / layer).iterdir()
        if path.suffix == ".sql" or (path / "define.sql").is_file()
    )
    found: dict[str, Model] = {}
    for path in paths:
        if path.stem in found:
            raise ValueError(f"{path.stem} is both a file and a folder of {layer}.")
        found[path.stem] = read_model(path)
    return found


def run_steps(execute: Callable[[str], object], model: str, *steps: str) -> None:
    """Run steps of a silver model, statement by statement."""
    for step in steps:
        for statement in models("silver")[model].steps[step].split(";\n"):
            execute(statement)


def define_silver(db: duckdb.DuckDBPyConnection) -> None:
    """Make every silver table that is not there yet, with what stands in its file.

    Views over them come last.
    """
    db.execute("create schema if not exists silver")
    views_last = sorted(
        models("silver").values(),
        key=lambda model: "create view" in model.steps["define"],
    )
    for model in views_last:
        db.execute(model.steps["define"])
        if "content" in model.steps:
            db.execute(model.steps["content"])


def define_gold(db: duckdb.DuckDBPyConnection) -> None:
    """Make every gold view as its file says, and drop those that have none."""
    db.execute("create schema if not exists gold")
    wanted = gold_in_order()
    for (name,) in db.execute(
        "select view_name from duckdb_views() where schema_name = 'gold'"
    ).fetchall():
        if name not in {model.name for model in wanted}:
            db.execute(f'drop view gold."{name}"')
    for model in wanted:
        query = model.steps["select"].rstrip().rstrip(";")
        db.execute(f'create or replace view gold."{model.name}" as\n{query}')


def comment_on_columns(db: duckdb.DuckDBPyConnection) -> None:
    """Give every column of silver and gold its sentence, where it differs."""
    known = {**models("silver"), **models("gold")}
    for schema, table, column, comment in db.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns() "
        "where schema_name in ('silver', 'gold') and database_name = current_database()"
    ).fetchall():
        about = known[table].about(column) if table in known else comment
        if about != comment:
            text = "null" if about is None else "'" + about.replace("'", "''") + "'"
            db.execute(f'comment on column {schema}."{table}"."{column}" is {text}')


@cache
def gold_in_order() -> tuple[Model, ...]:
    """Return the gold models, each after those it reads."""
    return tuple(in_order_of_need(models("gold").values()))


def in_order_of_need(gold: Iterable[Model]) -> Iterable[Model]:
    """Yield gold models so that each comes after those it reads."""
    left = {model.name: model for model in gold}
    while left:
        ready = [
            model
            for model in left.values()
            if not any(
                name != model.name and re.search(rf"\bgold\.{name}\b", query)
                for query in model.steps.values()
                for name in left
            )
        ]
        if not ready:
            raise ValueError(f"gold views read each other in a circle: {sorted(left)}")
        for model in ready:
            yield left.pop(model.name)


def _read_folder(path: Path) -> Model:
    steps = {
        file.stem: file.read_text(encoding="utf-8")
        for file in sorted(path.glob("*.sql"))
    }
    return _model(path.name, steps["define"], steps)


def _model(name: str, head: str, steps: dict[str, str]) -> Model:
    header, _, columns = "\n".join(_opening_comment(head)).partition("\nColumns:\n")
    return Model(name, header, steps, _sentences(columns))


def _sentences(text: str) -> dict[str, str]:
    """Read `column: sentence` lines; indented ones go on with a sentence."""
    _, *parts = _COLUMN.split(text)
    sentences = (" ".join(sentence.split()) for sentence in parts[1::2])
    return dict(zip(parts[::2], sentences, strict=True))


def _opening_comment(text: str) -> list[str]:
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").removeprefix(" ").rstrip())
    return lines
