"""What the exchange itself says of a wallet: its positions, and its P&L over time.

Snapshots: taken in one go, each a walk of its own, and done anew if one is cut off.
Positions are asked for in the order of their last change, oldest first: what changes
meanwhile moves to the end, and is met. Other sort keys are not kept to (closed
positions come by realised P&L whatever is asked), and values move with the market.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bronze import DATASETS, positions, user_pnl
from fetcher.answer import Answer
from fetcher.errors import UnexpectedPayload
from fetcher.http import Api
from fetcher.polymarket.numbers import finite
from fetcher.polymarket.trade_layout import EARLIEST, LATEST
from fetcher.polymarket.typed_rows import Converter, Misfit, Row, arrow_table
from fetcher.polymarket.version import DataService
from fetcher.polymarket.walk_rows import filter_text, moment, walks_table
from lake import quarantine
from lake.batch import Batch
from lake.storage import LocalStorage
from lake.walk_id import new_walk_id

POSITIONS_PATH = "/v2/positions"
POSITIONS_GROUPS = ("data_v2_all", "data_v2_positions")
PNL_PATH = "/v2/user-pnl"
PNL_GROUPS = ("data_v2_all",)
STATUSES = ("OPEN", "CLOSED")  # OPEN holds those that may be redeemed or merged, too
PAGE_ROWS = "1000"
MOST_PAGES = 10_000

_POSITION = Converter(positions.FIELDS)
_POINT = Converter(user_pnl.FIELDS)


@dataclass(frozen=True)
class Page:
    """The objects of an answer, and the cursor of the next page."""

    items: Sequence[Any]
    next_cursor: str | None = None


def fetch_positions(
    api: Api, service: DataService, storage: LocalStorage, wallet: str
) -> Iterator[Batch]:
    """Yield the pages of all positions that the wallet has and had."""
    snapshot = Snapshot("positions", wallet, service.now(), storage)
    filters = {
        "user": wallet,
        "sort_by": "TIMESTAMP",
        "sort_direction": "ASC",
        "filter_amount": "0",
        "include_archived": "true",
    }
    page_no = served = 0
    for status in STATUSES:
        cursor: str | None = None
        while True:
            params = [*filters.items(), ("status", status), ("limit", PAGE_ROWS)]
            params += [] if cursor is None else [("cursor", cursor)]
            answer, page = api.load(
                POSITIONS_PATH, params, read_positions, groups=POSITIONS_GROUPS
            )
            served += len(page.items)
            is_last = page.next_cursor is None and status == STATUSES[-1]
            yield snapshot.batch(
                answer,
                page,
                _position,
                page_no,
                more={"asked_status": status},
                served=served if is_last else None,
                filters=filters,
            )
            page_no += 1
            if page.next_cursor is None:
                break
            if page.next_cursor == cursor or page_no > MOST_PAGES:
                raise UnexpectedPayload(
                    f"GET {answer.request} names a cursor that leads nowhere. Nothing "
                    "counts of this snapshot; the next run takes another one."
                )
            cursor = page.next_cursor


def fetch_pnl(
    api: Api, service: DataService, storage: LocalStorage, wallet: str
) -> Iterator[Batch]:
    """Yield the wallet's P&L by day, from its beginning."""
    snapshot = Snapshot("user_pnl", wallet, service.now(), storage)
    asked = {"user": wallet, "interval": "max", "fidelity": "1d"}
    answer, page = api.load(PNL_PATH, [*asked.items()], read_pnl, groups=PNL_GROUPS)
    more = {"proxy_wallet": wallet, "interval": "max", "fidelity": "1d"}
    served = len(page.items)
    yield snapshot.batch(
        answer, page, _point, 0, more=more, served=served, filters=asked
    )


def read_positions(body: bytes) -> Page:
    """Read one answer; UnexpectedPayload when it is no page of positions."""
    try:
        answer = json.loads(body)
        items = answer["data"] or []
        cursor = (answer.get("pagination") or {}).get("next_cursor")
        if not isinstance(items, list) or not isinstance(cursor, str | None):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnexpectedPayload(f"this is no page of positions ({error!r})") from error
    return Page(items, cursor)


def read_pnl(body: bytes) -> Page:
    """Read one answer; UnexpectedPayload when it is no series of points."""
    try:
        data = json.loads(body)["data"]
        points = [] if data is None else data["points"] or []
        if not isinstance(points, list):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnexpectedPayload(f"this is no series of P&L ({error!r})") from error
    return Page(points)


@dataclass(frozen=True)
class Snapshot:
    """One walk over what is said of a wallet; `started_at` is the exchange's time."""

    dataset: str
    wallet: str
    started_at: float
    storage: LocalStorage
    walk_id: str = ""

    def __post_init__(self) -> None:
        walk_id = new_walk_id("listing", now=self.started_at)
        object.__setattr__(self, "walk_id", walk_id)

    def batch(
        self,
        answer: Answer,
        page: Page,
        convert: Callable[[Any], Row],
        page_no: int,
        *,
        more: Mapping[str, Any],
        served: int | None,
        filters: Mapping[str, str],
    ) -> Batch:
        """The batch of a page; with `served` it is the last one, of so many rows."""
        rows: list[Row] = []
        misfits: list[quarantine.Misfit] = []
        for row_no, item in enumerate(page.items):
            try:
                row = convert(item)
            except Misfit as error:
                misfits.append(quarantine.Misfit(str(error), json.dumps(item), row_no))
                continue
            row |= more
            row |= {"fetched_at": answer.fetched_at, "walk_id": self.walk_id}
            row |= {"page_no": page_no, "row_no": row_no}
            rows.append(row)
        table, rejected = arrow_table(DATASETS[self.dataset], rows)
        misfits += [
            quarantine.Misfit(
                one.reason,
                json.dumps(page.items[rows[one.place]["row_no"]]),
                rows[one.place]["row_no"],
            )
            for one in rejected
        ]
        if misfits:
            quarantine.set_aside(
                self.storage,
                self.dataset,
                misfits,
                walk_id=self.walk_id,
                page_no=page_no,
                request=answer.request,
                fetched_at=answer.fetched_at,
            )
        said = [self._page_row(answer, page, page_no)]
        if served is not None:
            said += self._end_rows(answer, page_no + 1, served, filters)
        return Batch(rows={self.dataset: table, "walks": walks_table(said)})

    def _page_row(self, answer: Answer, page: Page, page_no: int) -> Row:
        return self._shared(answer) | {
            "kind": "page",
            "page_no": page_no,
            "request": answer.request,
            "rows_served": len(page.items),
            "age_seconds": answer.age_seconds,
            "trace_id": answer.trace_id,
            "next_cursor": page.next_cursor,
        }

    def _end_rows(
        self, answer: Answer, pages: int, served: int, filters: Mapping[str, str]
    ) -> list[Row]:
        shared = self._shared(answer)
        shared |= {"key": self.wallet, "outcome": "end", "rows_served": served}
        walk = {"kind": "walk", "pages": pages, "filter": filter_text(filters)}
        return [shared | walk, shared | {"kind": "subject"}]

    def _shared(self, answer: Answer) -> Row:
        return {
            "dataset": self.dataset,
            "walk_id": self.walk_id,
            "strategy": "listing",
            "started_at": moment(self.started_at),
            "fetched_at": answer.fetched_at,
        }


def _position(item: Any) -> Row:
    row = _POSITION.row(item)
    if not row.get("token_id") or not row.get("proxy_wallet"):
        raise Misfit("token_id or proxy_wallet is missing")
    return row


def _point(item: Any) -> Row:
    """The row of a point; its moment is a whole second."""
    row = _POINT.row(item, without=frozenset({"timestamp"}))
    at = finite(item.get("timestamp"))
    if at is None or not EARLIEST <= at <= LATEST:
        raise Misfit("timestamp is no time in unix seconds")
    return row | {"timestamp": int(at)}
