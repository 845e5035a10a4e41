"""What is damaged or lost, marked so that the next walks bring it back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from fetcher.polymarket.walk_rows import Row, due_row, walks_table
from fetcher.verify import Unbalanced
from lake.batch import Batch, CursorChange
from lake.damage import SetAside
from lake.lake import Lake
from lake.walks import WALKS

log = logging.getLogger(__name__)

REASON = "missing_rows"
CATALOGUE = frozenset({"markets", "events", "clob_markets", "resolutions", WALKS.name})
"""The datasets that the catalogue is made from."""

_INSTANT = timedelta(milliseconds=1)


def mark(
    lake: Lake,
    put: Callable[[Batch], None],
    unbalanced: Iterable[Unbalanced],
    *,
    short: Iterable[str] = (),
) -> int:
    """Mark the markets of walks that lack rows, and `short` ones, as due.

    Returns how many. Rows that were stored and are gone are noted with it, so that the
    same loss is not found again.
    """
    due: dict[str, set[str]] = {"trades": set(short)}
    rows: list[Row] = []
    for one in unbalanced:
        due.setdefault(one.dataset, set()).update(one.keys)
        if one.gone > 0:
            rows.append(_lost(one))
    for dataset, keys in due.items():
        rows += _due(lake, dataset, sorted(keys))
    if rows:
        put(Batch({"walks": walks_table(rows)}))
    return len({key for keys in due.values() for key in keys})


def forget_derived(
    lake: Lake, put: Callable[[Batch], None], aside: Iterable[SetAside]
) -> None:
    """Let go of what was derived from files that were set aside.

    With rows of `walks` it may be forgotten that a market was walked: the next run
    then plans over all markets, not only the new ones.
    """
    if any(one.dataset == WALKS.name for one in aside):
        put(Batch({}, cursor=CursorChange(values={"trades_planned": None})))


def forget_catalogue(lake: Lake, aside: Iterable[SetAside]) -> None:
    """Delete the catalogue, if it was made from what was set aside."""
    if any(one.dataset in CATALOGUE for one in aside):
        path = lake.storage.path("_state/catalogue.sqlite")
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _due(lake: Lake, dataset: str, keys: list[str]) -> list[Row]:
    """Rows that make the keys due, just after the last walk that came to their end.

    Not now: walks are dated by the exchange's clock, which need not be ours.
    """
    walked = lake.walk_state().walked(dataset, keys)
    now = datetime.now(UTC)
    ended = {key: one.to_end_at for key, one in walked.items()}
    return [
        due_row(dataset, key, REASON, _after(ended.get(key), now).timestamp())
        for key in keys
    ]


def _after(ended: datetime | None, now: datetime) -> datetime:
    return now if ended is None else ended + _INSTANT


def _lost(one: Unbalanced) -> Mapping[str, object]:
    return {
        "kind": "lost",
        "dataset": one.dataset,
        "walk_id": one.walk_id,
        "rows_stored": one.gone,
        "detail": REASON,
        "fetched_at": datetime.now(UTC),
    }
