"""What the catalogue lacks, as far as it can tell by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fetcher.polymarket.catalogue import Catalogue, in_both
from fetcher.polymarket.catalogue_tables import ABSENT_KEYS
from fetcher.polymarket.chunks import chunks

_NOT_STORED = """
    not exists (
        select 1 from {schema}.events as stored
        where stored.id = cast(named.event_id as integer)
    )
"""
_NOT_A_MARKET = """
    not exists (
        select 1 from {schema}.markets as market
        where market.condition_id = clob.condition_id and clob.condition_id != ''
        or market.slug = clob.slug and clob.condition_id = ''
    )
"""
_BOTH = ("run", "main")


def open_ids(catalogue: Catalogue, dataset: str) -> set[int]:
    """The ids of the markets or events that were open when last stored."""
    return set(catalogue.rows(in_both(dataset, "id", "closed = 0"), one=True))


def missing_ids(catalogue: Catalogue, *, below: int) -> Iterator[int]:
    """The ids under `below` that no market has, from the newest down."""
    expected = below - 1
    for held in sorted(
        catalogue.rows(in_both("markets", "id", "true"), one=True), reverse=True
    ):
        yield from range(expected, held, -1)
        expected = min(expected, held - 1)


def events_without_row(catalogue: Catalogue, *, of_this_run: bool) -> list[str]:
    """The events that markets name and that are not stored.

    `of_this_run` looks only at markets that this run has brought.
    """
    named = " union ".join(
        f"select event_id from {schema}.markets where event_id != ''"
        for schema in (_BOTH[:1] if of_this_run else _BOTH)
    )
    not_stored = " and ".join(_NOT_STORED.format(schema=schema) for schema in _BOTH)
    query = f"select event_id from ({named}) as named where {not_stored}"
    return catalogue.rows(query, one=True)


def events_to_refresh(catalogue: Catalogue) -> list[str]:
    """The events of markets that this run stored, unless it stored them as well."""
    return catalogue.rows(
        "select distinct event_id from run.markets as named where event_id != '' and "
        + _NOT_STORED.format(schema="run"),
        one=True,
    )


def unlisted_clob_markets(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Condition id and slug of the CLOB's markets that Gamma has not shown."""
    no_market = " and ".join(_NOT_A_MARKET.format(schema=schema) for schema in _BOTH)
    query = " union ".join(
        f"select condition_id, slug from {schema}.clob_markets as clob "
        f"where (condition_id != '' or slug != '') and {no_market}"
        for schema in _BOTH
    )
    return sorted(catalogue.rows(query))


def not_absent(
    catalogue: Catalogue, keys: Iterable[str], *, asked_since: float = 0
) -> list[str]:
    """Those of the keys that the service has not been found to lack.

    Only an answer at `asked_since` (unix seconds) or later counts.
    """
    keys = list(dict.fromkeys(keys))
    absent: set[str] = set()
    for some in chunks(keys, 500):
        marks = ", ".join("?" * len(some))
        clause = f"key in ({marks}) and fetched_us >= {int(asked_since * 1_000_000)}"
        query = " union all ".join(
            f"select key from {schema}.absent where {clause}" for schema in _BOTH
        )
        absent.update(catalogue.rows(query, (*some, *some), one=True))
    return [key for key in keys if key not in absent]


def note_absent(catalogue: Catalogue, keys: Iterable[str], *, asked_us: int) -> None:
    """Remember for this run that the service has none of these."""
    catalogue.note(ABSENT_KEYS, [(key, asked_us) for key in keys])
