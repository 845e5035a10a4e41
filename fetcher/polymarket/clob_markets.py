"""The CLOB's own list of markets: who won, and markets that Gamma shows nowhere.

Its cursor is an offset in disguise, so a row that is taken out while the list is read
would shift an unread one onto a page already read. Each page is therefore asked for
some rows early, and must repeat the end of the one before.
"""

from __future__ import annotations

import base64
import binascii
import logging
from dataclasses import dataclass, field, fields
from typing import Any

from fetcher.answer import Answer, unexpected
from fetcher.jobs import Job
from fetcher.polymarket.catalogue_tables import clob_key
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.run import Run
from fetcher.saved import restored
from lake.batch import Batch, CursorChange, Json

log = logging.getLogger(__name__)

DATASET = "clob_markets"
GROUPS = ("clob_all",)
END = "LTE="  # names no page: asking for it is an error
OVERLAP = 20
_STEPS_BACK = 4


@dataclass(frozen=True)
class Place:
    """How far the list has been read; `last` are the keys that its next page begins
    with again."""

    started_at: float
    cursor: str | None = None
    last: list[str] = field(default_factory=list)
    page_no: int = 0
    rows_served: int = 0


_KEPT = {one.name for one in fields(Place)}


def fetch_clob_markets(run: Run, *, pass_id: str) -> None:
    """Read the list from its start, or from where this pass was stopped."""
    run.jobs(DATASET, [Job("the CLOB's list of markets", lambda: _walk(run, pass_id))])


def _walk(run: Run, pass_id: str) -> None:
    walk, place = _resumed(run, pass_id)
    cursor, last = place.cursor, place.last
    overlap = OVERLAP
    while True:
        run.check()
        early = None if cursor is None else _earlier(cursor, overlap)
        answer = _ask(run, early)
        rows, following = _page(answer)
        keys = [_key(row) for row in rows]
        if early != cursor and keys and not set(last) & set(keys[: 2 * overlap]):
            if overlap > OVERLAP * 2**_STEPS_BACK:
                raise unexpected(
                    answer,
                    "does not join the page before it: the list of markets changed "
                    "too much while it was read",
                )
            overlap *= 2  # so many rows were taken out: step back further
            continue
        overlap = OVERLAP
        done = following is None or not rows or following == cursor
        end = [key for key in keys if key][-OVERLAP:]
        new = {
            "cursor": following,
            "last": end,
            "page_no": walk.page_no + 1,
            "rows_served": walk.rows_served + len(rows),
        }
        walks = {} if done else {walk.walk_id: _state(walk, pass_id, new)}
        walk.take(answer, rows, next_cursor=following, cursor=CursorChange(walks))
        if done:
            walk.end()
            return
        cursor, last = following, end


def _resumed(run: Run, pass_id: str) -> tuple[ListingWalk, Place]:
    for walk_id, state in dict(run.cursor.walks).items():
        if not isinstance(state, dict) or state.get("pass") != pass_id:
            continue
        if state.get("dataset") != DATASET:
            continue
        place = restored(Place, {k: v for k, v in state.items() if k in _KEPT})
        if place is None:
            log.warning("The saved walk %s is unreadable and starts over", walk_id)
            run.writer.put(Batch({}, cursor=CursorChange({walk_id: None})))
            continue
        walk = ListingWalk(
            run,
            DATASET,
            {},
            key=pass_id,
            walk_id=walk_id,
            page_no=place.page_no,
            rows_served=place.rows_served,
            started_at=place.started_at,
        )
        return walk, place
    return ListingWalk(run, DATASET, {}, key=pass_id), Place(started_at=0.0)


def _state(walk: ListingWalk, pass_id: str, new: dict[str, Any]) -> Json:
    return {
        "dataset": DATASET,
        "strategy": "listing",
        "pass": pass_id,
        "started_at": walk.started_at,
        **new,
    }


def _ask(run: Run, cursor: str | None) -> Answer:
    params = [] if cursor is None else [("next_cursor", cursor)]
    return run.clob.get("/markets", params, groups=GROUPS)


def _page(answer: Answer) -> tuple[list[Any], str | None]:
    body = answer.json()
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise unexpected(answer, "has no list 'data'")
    following = body.get("next_cursor")
    return rows, None if following in (None, "", END) else str(following)


def _key(row: Any) -> str:
    return clob_key(row).strip() if isinstance(row, dict) else ""


def _earlier(cursor: str, rows: int) -> str:
    """The cursor of the page that begins `rows` rows before; itself if unreadable."""
    try:
        offset = int(base64.b64decode(cursor, validate=True))
    except (ValueError, binascii.Error):
        return cursor
    return base64.b64encode(str(max(offset - rows, 0)).encode()).decode()
