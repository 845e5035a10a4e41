"""The tables of the catalogue, and how bronze rows become their records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fetcher.polymarket.times import unix_seconds

ABSENT = "absent"  # strategy of the rows in `walks` that say what the service has not
_SETTLED = frozenset({None, "", "resolved"})

Record = tuple[Any, ...]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """One table of the file, the bronze columns it is made of, and how."""

    name: str
    dataset: str
    columns: tuple[str, ...]
    indices: tuple[str, ...]
    reads: tuple[str, ...]
    records: Callable[[Values], Iterable[Record]]
    strategy: str | None = None  # of the rows to read; null: all rows

    @property
    def names(self) -> str:
        return ", ".join(column.partition(" ")[0] for column in self.columns)

    def put(self, schema: str) -> str:
        """The statement that takes a record, unless a later one is there."""
        key = self.columns[0].partition(" ")[0]
        marks = ", ".join("?" * len(self.columns))
        return (
            f"insert into {schema}.{self.name} ({self.names}) values ({marks}) "
            f"on conflict ({key}) do update set ({self.names}) = "
            f"({', '.join(f'excluded.{n}' for n in self.names.split(', '))}) "
            f"where excluded.fetched_us >= {self.name}.fetched_us"
        )


def market_records(row: Values) -> Iterator[Record]:
    """What the file keeps of a bronze market row."""
    tokens = _tokens_text(row)
    condition_id = (row.get("condition_id") or "").lower()
    unsettled = row.get("closed") and row.get("uma_resolution_status") not in _SETTLED
    yield (
        int(row["id"]),
        condition_id,
        row.get("slug") or "",
        row.get("event_id") or "",
        row.get("event_slug") or "",
        int(bool(row.get("closed"))),
        row.get("volume_num"),
        unix_seconds(row.get("created_at")),
        unix_seconds(row.get("start_date")),
        unix_seconds(row.get("end_date")),
        unix_seconds(row.get("closed_time")),
        tokens,
        row.get("version") or "",
        int(not condition_id or tokens == "[]" or bool(unsettled)),
        row.get("content_hash"),
        microseconds(row.get("updated_at")),
        microseconds(row["fetched_at"]),
    )


def event_records(row: Values) -> Iterator[Record]:
    """What the file keeps of a bronze event row."""
    yield (
        int(row["id"]),
        row.get("slug") or "",
        int(bool(row.get("closed"))),
        row.get("content_hash"),
        microseconds(row.get("updated_at")),
        microseconds(row["fetched_at"]),
    )


def clob_records(row: Values) -> Iterator[Record]:
    """What the file keeps of a bronze CLOB market row."""
    yield (
        clob_key(row),
        (row.get("condition_id") or "").lower(),
        row.get("market_slug") or "",
        row.get("content_hash"),
        None,
        microseconds(row["fetched_at"]),
    )


def resolution_records(row: Values) -> Iterator[Record]:
    """What the file keeps of a bronze resolution row."""
    fetched = microseconds(row["fetched_at"])
    yield resolution_key(row), row.get("content_hash"), None, fetched


def absent_records(row: Values) -> Iterator[Record]:
    """The keys that a row of `walks` says the service does not have."""
    asked = microseconds(row["fetched_at"])
    for key in json.loads(row.get("detail") or "[]"):
        yield key, asked


def clob_key(row: Values) -> str:
    """What tells CLOB markets apart: old ones have a blank condition id."""
    for name in ("condition_id", "market_slug", "question_id", "content_hash"):
        if row.get(name):
            return str(row[name]).lower()
    return ""


def resolution_key(row: Values) -> str:
    """What tells resolutions apart: the market, and what it was asked for by."""
    return f"{row['asked_condition_id']} {row['selector']}"


def _tokens_text(row: Values) -> str:
    """The tokens as JSON text: most rows have it ready."""
    names = ("clob_token_ids", "position_ids")
    first, second = names[::-1] if row.get("version") == "v2" else names
    text = row.get(first) or row.get(second)
    if text and text[:2] == '["' and '""' not in text:
        return str(text)
    return json.dumps(token_ids(row))


def token_ids(row: Values) -> list[str]:
    """The market's tokens by outcome; Protocol V2 markets trade position ids."""
    positions, tokens = (
        [str(token) for token in _list(row.get(name)) if token]
        for name in ("position_ids", "clob_token_ids")
    )
    return positions or tokens if row.get("version") == "v2" else tokens or positions


def microseconds(time: datetime | str | None) -> int | None:
    """Return a time as unix microseconds."""
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            return None
    if time is None:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


MARKETS = Table(
    name="markets",
    dataset="markets",
    columns=(
        "id integer primary key", "condition_id", "slug", "event_id", "event_slug",
        "closed", "volume_num", "created_at", "start_at", "end_at", "closed_at",
        "token_ids", "version", "watched", "content_hash", "updated_us", "fetched_us",
    ),
    indices=(
        "(condition_id)", "(slug)", "(event_id)", "(fetched_us)",
        "(end_at) where closed = 0", "(created_at) where watched = 1", "(created_at)",
    ),
    reads=(
        "id", "condition_id", "slug", "event_id", "event_slug", "closed", "volume_num",
        "created_at", "start_date", "end_date", "closed_time", "clob_token_ids",
        "position_ids", "version", "uma_resolution_status", "content_hash",
        "updated_at", "fetched_at",
    ),
    records=market_records,
)  # fmt: skip
EVENTS = Table(
    name="events",
    dataset="events",
    columns=("id integer primary key", "slug", "closed", "content_hash", "updated_us",
             "fetched_us"),
    indices=("(slug)",),
    reads=("id", "slug", "closed", "content_hash", "updated_at", "fetched_at"),
    records=event_records,
)  # fmt: skip
CLOB_MARKETS = Table(
    name="clob_markets",
    dataset="clob_markets",
    columns=("key text primary key", "condition_id", "slug", "content_hash",
             "updated_us", "fetched_us"),
    indices=(),
    reads=("condition_id", "question_id", "market_slug", "content_hash", "fetched_at"),
    records=clob_records,
)  # fmt: skip
RESOLUTIONS = Table(
    name="resolutions",
    dataset="resolutions",
    columns=("key text primary key", "content_hash", "updated_us", "fetched_us"),
    indices=(),
    reads=("asked_condition_id", "selector", "content_hash", "fetched_at"),
    records=resolution_records,
)
ABSENT_KEYS = Table(
    name="absent",
    dataset="walks",
    columns=("key text primary key", "fetched_us"),
    indices=(),
    reads=("strategy", "detail", "fetched_at"),
    records=absent_records,
    strategy=ABSENT,
)
TABLES = (MARKETS, EVENTS, CLOB_MARKETS, RESOLUTIONS, ABSENT_KEYS)


def _list(text: str | None) -> list[Any]:
    value = json.loads(text) if text else None
    return value if isinstance(value, list) else []
