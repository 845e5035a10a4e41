"""Trades by Data API v1, where v2 is gone: offset pages, aligned; best effort.

Every new trade shifts all rows by one, so each page is asked to overlap with what was
seen, and joined where the rows agree. What cannot be aligned is not counted, for a row
counted twice would stay a fill for ever. The offset has a cap, which shows as an error
or as the same page again: such a market is partial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bronze import DATASETS
from bronze.trades import IDENTITY
from fetcher.answer import Answer
from fetcher.errors import Gone, Refused
from fetcher.http import Api
from fetcher.polymarket.chain import (
    Chain,
    End,
    Outcome,
    end_rows,
    new_chain,
    page_row,
    progress,
    same_market,
    sides_of,
    together,
)
from fetcher.polymarket.trade_layout import LATEST
from fetcher.polymarket.trade_rows import Lineage, TradePage, read_page
from fetcher.polymarket.version import V1_GROUPS, V1_PATH, DataService
from fetcher.polymarket.walk_rows import walks_table
from lake.batch import Batch, CursorChange
from lake.quarantine import set_aside
from lake.storage import LocalStorage

PAGE_ROWS = 500
OVERLAP_ROWS = 50
CAP = "offset_cap"
UNALIGNED = "pages do not overlap"

Key = tuple[Any, ...]


@dataclass(frozen=True)
class LegacySource:
    """What a v1 walk is given."""

    api: Api
    service: DataService
    storage: LocalStorage


def legacy_chain(
    dataset: str,
    conditions: tuple[str, ...],
    *,
    now: float,
    since: int | None = None,
    until: int | None = None,
) -> Chain:
    """A walk of some markets by v1, the whole of them or a window."""
    windowed = since is not None or until is not None
    return new_chain(
        dataset,
        "legacy",
        {"market": ",".join(conditions), "takerOnly": sides_of(dataset)},
        conditions,
        now=now,
        floor=since,
        until=(LATEST + 1 if until is None else until) if windowed else None,
    )


def walk_legacy(source: LegacySource, chain: Chain) -> Iterator[Batch]:
    """Yield one batch a walk: it is short, and begun again rather than resumed.

    Where a pack of markets runs into the cap, each is walked by itself.
    """
    walk = _Walk(source, chain)
    end = walk.to_its_end()
    if end.outcome == "cap" and len(chain.scope) > 1:
        for condition in chain.scope:
            filters = {**chain.filter, "market": condition}
            alone = replace(chain, filter=filters, scope=(condition,))
            yield from walk_legacy(source, alone.again(now=source.service.now()))
        return
    yield walk.batch(end)


class _Walk:
    """The pages of one walk, and every row seen so far, newest first."""

    def __init__(self, source: LegacySource, chain: Chain) -> None:
        self._source = source
        self._chain = chain
        self._seen: list[Key] = []
        self._pages: list[Batch] = []

    def to_its_end(self) -> End:
        """Ask for page after page; return how it ended."""
        previous: list[Key] = []
        while True:
            overlap = min(OVERLAP_ROWS, len(previous) // 2)
            offset = len(self._seen) - overlap
            try:
                answer, page = self._ask(offset)
            except Gone:
                raise
            except Refused:
                if offset == 0:
                    raise
                return End("cap", detail=CAP)
            keys = row_keys(page)
            if not keys:
                return self._ended()
            new_from = aligned(self._seen, keys)
            if new_from is None:
                return End("cap", detail=UNALIGNED)
            if previous and keys == previous:
                return End("cap", detail=CAP)
            self._take(answer, page, keys, new_from)
            if self._chain.passes_floor(page):
                return End("window", self._chain.floor)
            if new_from == len(keys) and len(keys) < len(previous):
                return self._ended()
            previous = keys

    def _ended(self) -> End:
        bounded = self._chain.until is not None and self._chain.until <= LATEST
        outcome: Outcome = "window" if bounded else "end"
        return End(outcome, self._chain.floor or 0)

    def _ask(self, offset: int) -> tuple[Answer, TradePage]:
        params = [
            *self._chain.filter.items(),
            ("limit", str(PAGE_ROWS)),
            ("offset", str(offset)),
        ]
        return self._source.api.load(
            V1_PATH, params, lambda body: read_page(body, "v1"), groups=V1_GROUPS
        )

    def _take(
        self, answer: Answer, page: TradePage, keys: Sequence[Key], new_from: int
    ) -> None:
        self._seen += keys[new_from:]
        new = replace(
            page,
            rows=page.rows.slice(new_from),
            row_nos=page.row_nos[new_from:],
            extra=None if page.extra is None else page.extra[new_from:],
        )
        before, kept = self._chain, self._chain.kept(new)
        after = before.after(answer, page, kept, top=int(before.started_at))
        lineage = Lineage(before.walk_id, before.page_no, answer.fetched_at)
        if page.misfits:
            set_aside(
                self._source.storage,
                before.dataset,
                page.misfits,
                walk_id=before.walk_id,
                page_no=before.page_no,
                request=answer.request,
                fetched_at=answer.fetched_at,
            )
        said = {**page_row(before, after, answer, page), "rows_served": kept.served}
        self._pages.append(
            Batch(
                rows={
                    before.dataset: kept.table(DATASETS[before.dataset], lineage),
                    "walks": walks_table([said]),
                }
            )
        )
        self._chain = after

    def batch(self, end: End) -> Batch:
        """All pages and the end, durable together."""
        chain = self._chain
        # v1 pages overlap and shift: what they lack proves nothing, so no scope
        spoken = replace(progress(chain, end), scope=())
        now = self._source.service.now()
        last = Batch(
            rows={"walks": walks_table(end_rows(chain, end, now))},
            progress=(spoken,),
            cursor=CursorChange(),
        )
        return together(*self._pages, last)


def row_keys(page: TradePage) -> list[Key]:
    """What tells the rows apart, in order."""
    columns = [page.rows[column.name].to_pylist() for column in IDENTITY]
    place = [column.name for column in IDENTITY].index("condition_id")
    columns[place] = [same_market(condition) for condition in columns[place]]
    return list(zip(*columns, strict=True))


def aligned(seen: Sequence[Key], page: Sequence[Key]) -> int | None:
    """The first row of `page` that continues what was seen, or null if none does.

    The page must agree with what was seen to the end of either. Of several places the
    earliest is taken, which counts the fewest rows as new: too few rows are a lower
    bound, too many are a lie. Rows above all that was seen came after the walk began.
    """
    if not seen:
        return 0
    for at, key in enumerate(seen):
        if key == page[0]:
            shared = min(len(seen) - at, len(page))
            if list(seen[at : at + shared]) == list(page[:shared]):
                return shared
    for above, key in enumerate(page):
        if key == seen[0]:
            shared = min(len(seen), len(page) - above)
            if list(seen[:shared]) == list(page[above : above + shared]):
                return above + shared
    return None
