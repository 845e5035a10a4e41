"""One unbroken walk over pages of trades: what it asks, how far it is, what it says.

A Chain is a value: it is saved in the cursor file with every page, and a page makes the
next Chain of it. asking.py puts its question; `taken` makes the batch that carries the
page, what the page proves, and the chain as it is then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pyarrow as pa

from bronze import DATASETS
from fetcher.answer import Answer
from fetcher.polymarket.trade_rows import Lineage, TradePage
from fetcher.polymarket.walk_rows import Row, filter_text, moment, walks_table
from fetcher.saved import fits
from lake.batch import EVERYTHING, Batch, CursorChange, Json, Progress
from lake.quarantine import set_aside
from lake.storage import LocalStorage
from lake.walk_id import Strategy, new_walk_id

PAGE_ROWS = 1000

Outcome = Literal["end", "floor", "window", "cap", "cursor_refused", "dropped"]


@dataclass(frozen=True)
class Chain:
    """How far one walk is; `started_at` and seconds are by the exchange's clock.

    `filter` is sent with every page, for the cursor holds only a place. `top` is the
    newest second that the walk speaks for, known with its first page. The walk ends
    when it sees a row older than `floor`; rows from `until` on are left out.
    `served` counts rows a condition for walks of named markets.
    """

    walk_id: str
    dataset: str
    strategy: Strategy
    filter: Mapping[str, str]
    scope: tuple[str, ...]
    started_at: float
    floor: int | None = None
    until: int | None = None
    cursor: str | None = None
    page_no: int = 0
    top: int | None = None
    reached: int | None = None
    rows_served: int = 0
    served: Mapping[str, int] = field(default_factory=dict)
    trace_id: str | None = None
    page_rows: int = PAGE_ROWS

    def saved(self) -> Json:
        """What the cursor file keeps."""
        kept = {name: value for name, value in vars(self).items() if name != "walk_id"}
        kept["filter"], kept["served"] = dict(self.filter), dict(self.served)
        kept["scope"] = list(self.scope)
        return kept

    @classmethod
    def load(cls, walk_id: str, saved: Mapping[str, Any]) -> Chain:
        """The chain that was saved."""
        known = dict(saved)
        known["scope"] = tuple(known["scope"])
        return cls(walk_id=walk_id, **known)

    def again(self, *, now: float) -> Chain:
        """The same walk from the top, as a fragment of its own.

        After a page it asks for one row less a page: a cache may still hold the first
        page of before, and with it the cursor that is not taken any more.
        """
        new = new_chain(
            self.dataset,
            self.strategy,
            self.filter,
            self.scope,
            now=now,
            floor=self.floor,
            until=self.until,
        )
        return replace(new, page_rows=self.page_rows - (1 if self.page_no else 0))

    def params(self, *, past_caches: int = 0) -> list[tuple[str, str]]:
        """The request for the next page: the same filters, whatever the cursor.

        Another limit is another page to a cache, and next to a cursor it is ignored.
        """
        limit = str(self.page_rows - past_caches)
        cursor = [] if self.cursor is None else [("cursor", self.cursor)]
        return [*self.filter.items(), ("limit", limit), *cursor]

    def kept(self, page: TradePage) -> TradePage:
        """What of the page is stored: all of it, but for a window what lies in it."""
        return page if self.until is None else page.between(self.floor, self.until)

    def after(
        self, answer: Answer, page: TradePage, kept: TradePage, *, top: int
    ) -> Chain:
        """The chain once `kept` is stored; `top` counts if this was the first page."""
        served = dict(self.served)
        if self.names_markets:
            own = {same_market(key): key for key in self.scope}
            for condition, rows in kept.counts().items():
                key = own[same_market(condition)]
                served[key] = served.get(key, 0) + rows
        reached = self.reached if page.oldest is None else page.oldest
        return replace(
            self,
            cursor=page.next_cursor,
            page_no=self.page_no + 1,
            top=self._first_top(top) if self.top is None else self.top,
            # what a cache held for us was true when it was put there
            started_at=self.started_at
            - (answer.age_seconds or 0 if self.page_no == 0 else 0),
            reached=reached,
            rows_served=self.rows_served + kept.served,
            served=served,
            trace_id=answer.trace_id,
        )

    def _first_top(self, top: int) -> int:
        return top if self.until is None else min(top, self.until - 1)

    @property
    def names_markets(self) -> bool:
        """Whether the walk is one of named markets."""
        return bool(self.scope) and self.scope != EVERYTHING

    @property
    def subjects(self) -> tuple[str, ...]:
        """What the walk is of: its markets, or its wallet."""
        if self.strategy == "user":
            return (self.filter["user"],)
        return self.scope if self.names_markets else ()

    def passes_floor(self, page: TradePage) -> bool:
        """Whether the page shows a row below the floor: its whole second is done."""
        oldest = page.oldest
        return self.floor is not None and oldest is not None and oldest < self.floor


def new_chain(
    dataset: str,
    strategy: Strategy,
    filters: Mapping[str, str],
    scope: tuple[str, ...],
    *,
    now: float,
    floor: int | None = None,
    until: int | None = None,
) -> Chain:
    """A chain that has not asked anything yet."""
    return Chain(
        walk_id=new_walk_id(strategy, now=now),
        dataset=dataset,
        strategy=strategy,
        filter=dict(filters),
        scope=scope,
        started_at=now,
        floor=floor,
        until=until,
    )


def sides_of(dataset: str) -> str:
    """The `taker_only` of a dataset: never left to the service, which means true."""
    return "true" if dataset == "taker_trades" else "false"


def same_market(condition_id: str) -> str:
    """One spelling: lower case, and without the padding of 62-digit ids."""
    lower = condition_id.lower()
    return lower[:64] if len(lower) == 66 and lower.endswith("00") else lower


# What a page comes to


@dataclass(frozen=True)
class End:
    """How a chain ended, and the oldest second that it covers whole (0: all)."""

    outcome: Outcome
    complete_to: int | None = None
    detail: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def taken(
    before: Chain,
    after: Chain,
    answer: Answer,
    page: TradePage,
    *,
    storage: LocalStorage,
    end: End | None = None,
    values: Mapping[str, Json | None] | None = None,
    more: Iterable[Row] = (),
) -> Batch:
    """The batch of one page, with the end of its walk if this was the last one.

    Rows that fit nothing are set aside durably before it is returned. `values` go to
    the cursor file, `more` rows to `walks`, in the same step.
    """
    lineage = Lineage(before.walk_id, before.page_no, answer.fetched_at)
    if page.misfits:
        set_aside(
            storage,
            before.dataset,
            page.misfits,
            walk_id=before.walk_id,
            page_no=before.page_no,
            request=answer.request,
            fetched_at=answer.fetched_at,
        )
    table = page.table(DATASETS[before.dataset], lineage)
    said = [page_row(before, after, answer, page), *more]
    if end is not None:
        said += end_rows(after, end, answer.fetched_at.timestamp())
    return Batch(
        rows={before.dataset: table, "walks": walks_table(said)},
        progress=(progress(after, end),),
        cursor=CursorChange(
            walks={after.walk_id: None if end is not None else after.saved()},
            values=dict(values or {}),
        ),
    )


def ended(
    chain: Chain,
    end: End,
    *,
    now: float,
    values: Mapping[str, Json | None] | None = None,
    more: Iterable[Row] = (),
) -> Batch:
    """The batch that ends a walk without a page: a refusal, or a walk not resumed."""
    return Batch(
        rows={"walks": walks_table([*end_rows(chain, end, now), *more])},
        progress=(progress(chain, end),),
        cursor=CursorChange(walks={chain.walk_id: None}, values=dict(values or {})),
    )


def together(*batches: Batch) -> Batch:
    """Several batches as one, durable at once or not at all."""
    tables: dict[str, list[pa.Table]] = {}
    walks: dict[str, Json | None] = {}
    values: dict[str, Json | None] = {}
    for batch in batches:
        for name, table in batch.rows.items():
            tables.setdefault(name, []).append(table)
        walks |= batch.cursor.walks
        values |= batch.cursor.values
    return Batch(
        rows={name: pa.concat_tables(some) for name, some in tables.items()},
        progress=tuple(one for batch in batches for one in batch.progress),
        cursor=CursorChange(walks=walks, values=values),
    )


def progress(chain: Chain, end: End | None) -> Progress:
    """What the chain speaks for so far."""
    return Progress(
        dataset=chain.dataset,
        walk_id=chain.walk_id,
        scope=chain.scope,
        top=chain.top,
        reached=chain.reached,
        ended=end is not None,
        complete_to=end.complete_to if end is not None else None,
    )


def page_row(before: Chain, after: Chain, answer: Answer, page: TradePage) -> Row:
    """The `walks` row of one answer."""
    return {
        "kind": "page",
        "dataset": before.dataset,
        "walk_id": before.walk_id,
        "page_no": before.page_no,
        "strategy": before.strategy,
        "request": answer.request,
        "rows_served": page.served,
        "ts_oldest": page.oldest,
        "ts_newest": page.newest,
        "age_seconds": answer.age_seconds,
        "trace_id": answer.trace_id,
        "next_cursor": page.next_cursor,
        "started_at": moment(before.started_at),
        "fetched_at": answer.fetched_at,
    }


def end_rows(chain: Chain, end: End, now: float) -> list[Row]:
    """The `walks` rows of a walk that is over: itself, and each market it named."""
    shared = {
        "dataset": chain.dataset,
        "walk_id": chain.walk_id,
        "strategy": chain.strategy,
        "outcome": end.outcome,
        "started_at": moment(chain.started_at),
        "fetched_at": moment(now),
    }
    walk = shared | {
        "kind": "walk",
        "key": chain.filter.get("user"),
        "filter": filter_text(chain.filter),
        "detail": end.detail,
        "rows_served": chain.rows_served,
        "pages": chain.page_no,
        "ts_oldest": end.complete_to if end.complete_to is not None else chain.reached,
        "ts_newest": chain.top,
    }
    rows: list[Row] = [walk]
    for condition in chain.subjects:
        subject = {
            "kind": "subject",
            "key": condition,
            "detail": end.details.get(condition, end.detail),
            "rows_served": chain.served.get(condition, 0),
            "ts_oldest": end.complete_to,
            "ts_newest": chain.top,
        }
        rows.append(shared | subject)
    return rows


def is_unreadable(saved: Json) -> bool:
    """Whether what the cursor file holds of a walk is not a Chain of ours."""
    return not fits(Chain, saved, but_for=("walk_id",))
