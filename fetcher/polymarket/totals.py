"""The exchange's own totals: shares traded a market, to hold against what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa

from bronze import DATASETS
from fetcher.answer import Answer
from fetcher.errors import UnexpectedPayload
from fetcher.http import Api
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.version import DataService
from fetcher.polymarket.walk_rows import Row, moment, walks_table
from lake.batch import Batch
from lake.walk_id import new_walk_id

PATH = "/v2/live-volume"
GROUPS = ("data_v2_all",)
EVENTS_A_REQUEST = 20

Wanted = Mapping[str, set[str]]


def totals_requests(wanted: Wanted) -> Iterator[dict[str, set[str]]]:
    """Yield `wanted` (condition ids by event) in parts of as many events as fit."""
    for part in chunks(sorted(wanted), EVENTS_A_REQUEST):
        yield {event: wanted[event] for event in part}


def read_totals(api: Api, service: DataService, wanted: Wanted) -> Batch:
    """Ask for the totals of some events, and keep those of the wanted markets."""
    started_at = service.now()
    walk_id = new_walk_id("totals", now=started_at)
    answer, totals = api.load(
        PATH, [("event_id", ",".join(wanted))], parse_totals, groups=GROUPS
    )
    event_of = {
        condition.lower(): event
        for event, conditions in wanted.items()
        for condition in conditions
    }
    rows = [
        {"event_id": event_of[condition], **found}
        for condition, found in totals.items()
        if condition in event_of
    ]
    # By the exchange's clock, like all that it is held against; rather later than it
    # was, for a total must not seem older than it is.
    fetched_at = answer.fetched_at + timedelta(seconds=service.skew + service.slack)
    for row_no, row in enumerate(rows):
        row |= {"age_seconds": answer.age_seconds, "fetched_at": fetched_at}
        row |= {"walk_id": walk_id, "page_no": 0, "row_no": row_no}
    return Batch(
        rows={
            "live_volume": pa.Table.from_pylist(
                rows, schema=DATASETS["live_volume"].schema
            ),
            "walks": walks_table(_walk_rows(walk_id, answer, len(rows), started_at)),
        }
    )


def parse_totals(body: bytes) -> dict[str, dict[str, Any]]:
    """Read rows by condition id (lower case); UnexpectedPayload if these are none.

    A market without a number has no total: it is left out, zero would be a claim.
    """
    try:
        data = json.loads(body)["data"]
        listed = data if isinstance(data, list) else [data]
        found: dict[str, dict[str, Any]] = {}
        for one in listed:
            for condition in (one or {}).get("conditions") or []:
                volume = condition.get("taker_volume")
                if isinstance(volume, bool) or not isinstance(volume, int | float):
                    continue
                key = condition["condition_id"]
                found[key.lower()] = {
                    "condition_id": key,
                    "taker_volume": float(volume),
                    "extra": _beyond(condition),
                }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnexpectedPayload(f"these are no totals ({error!r})") from error
    return found


def _beyond(condition: Mapping[str, Any]) -> str | None:
    known = {"condition_id", "taker_volume"}
    more = {key: value for key, value in condition.items() if key not in known}
    return json.dumps(more, sort_keys=True) if more else None


def _walk_rows(
    walk_id: str, answer: Answer, served: int, started_at: float
) -> Iterable[Row]:
    shared = {
        "dataset": "live_volume",
        "walk_id": walk_id,
        "strategy": "totals",
        "rows_served": served,
        "started_at": moment(started_at),
        "fetched_at": answer.fetched_at,
    }
    return [
        shared
        | {
            "kind": "page",
            "page_no": 0,
            "request": answer.request,
            "age_seconds": answer.age_seconds,
            "trace_id": answer.trace_id,
        }
    ]
