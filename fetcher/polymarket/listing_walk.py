"""One chain of requests for markets or events, written to bronze page by page.

Of each page the rows whose content changed are stored, what fits no schema is set
aside, and `walks` gets the request and the ids that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from bronze import DATASETS
from fetcher.answer import Answer
from fetcher.polymarket import catalogue
from fetcher.polymarket.catalogue_tables import ABSENT, microseconds
from fetcher.polymarket.holes import note_absent
from fetcher.polymarket.page_rows import Part, parts_of
from fetcher.polymarket.typed_rows import arrow_table, compact_json
from fetcher.run import Run
from lake import quarantine
from lake.batch import Batch, CursorChange, Json
from lake.walk_id import new_walk_id

NO_CHANGE = CursorChange()


class ListingWalk:
    """A chain of requests that fills `dataset`, from its first page or a later one.

    `what` says in `walks` what was asked for, `key` which pass it is part of.
    """

    def __init__(
        self,
        run: Run,
        dataset: str,
        what: Json,
        *,
        key: str = "",
        strategy: str = "listing",
        walk_id: str | None = None,
        page_no: int = 0,
        rows_served: int = 0,
        started_at: float | None = None,
    ) -> None:
        self.started_at = run.clock() if started_at is None else started_at
        self.walk_id = walk_id or new_walk_id("listing", now=self.started_at)
        self.page_no = page_no
        self.rows_served = rows_served
        self._run = run
        self._dataset = dataset
        self._what = compact_json(what)
        self._key = key
        self._strategy = strategy
        self._catalogue = catalogue.of(run)

    def take(
        self,
        answer: Answer,
        items: Sequence[Any],
        *,
        next_cursor: str | None = None,
        cursor: CursorChange = NO_CHANGE,
    ) -> dict[str, list[int]]:
        """Hand the page to the writer, with `cursor`; return the ids it named."""
        parts = parts_of(self._dataset, items)
        ids = {part.dataset: part.ids for part in parts}
        tables: dict[str, Any] = {}
        for part in parts:
            table = self._fresh(part, answer)
            if table.num_rows:
                tables[part.dataset] = table
        self.rows_served += len(items)
        tables["walks"] = self._walk_rows(
            kind="page",
            page_no=self.page_no,
            request=answer.request,
            rows_served=len(items),
            age_seconds=answer.age_seconds,
            trace_id=answer.trace_id,
            next_cursor=next_cursor,
            detail=compact_json(ids),
            fetched_at=answer.fetched_at,
        )
        self.page_no += 1
        self._run.writer.put(Batch(tables, cursor=cursor))
        return ids

    def end(
        self,
        outcome: str = "end",
        *,
        detail: str | None = None,
        cursor: CursorChange = NO_CHANGE,
    ) -> None:
        """Say how the walk ended, and forget it in the cursor."""
        row = self._walk_rows(
            kind="walk",
            outcome=outcome,
            detail=detail,
            rows_served=self.rows_served,
            pages=self.page_no,
            fetched_at=self._now(),
        )
        walks = {**cursor.walks, self.walk_id: None}
        self._run.writer.put(
            Batch({"walks": row}, cursor=CursorChange(walks, cursor.values))
        )

    def absent(self, keys: Iterable[str]) -> None:
        """Record that the service has none of these (`id:5`, `slug:x`, ...)."""
        keys = list(keys)
        if not keys:
            return
        now = self._now()
        note_absent(self._catalogue, keys, asked_us=microseconds(now) or 0)
        row = self._walk_rows(
            kind="walk",
            strategy=ABSENT,
            outcome="end",
            detail=compact_json(keys),
            fetched_at=now,
        )
        self._run.writer.put(Batch({"walks": row}))

    def _fresh(self, part: Part, answer: Answer) -> Any:
        table, refused = part.fresh(
            self._catalogue,
            fetched_at=answer.fetched_at,
            walk_id=self.walk_id,
            page_no=self.page_no,
        )
        if refused:
            quarantine.set_aside(
                self._run.lake.storage,
                part.dataset,
                refused,
                walk_id=self.walk_id,
                page_no=self.page_no,
                request=answer.request,
                fetched_at=answer.fetched_at,
            )
        self._run.tally.add(
            part.dataset, rows_seen=len(part.items), quarantined=len(refused)
        )
        return table

    def _walk_rows(self, **values: Any) -> Any:
        row = {
            "dataset": self._dataset,
            "walk_id": self.walk_id,
            "key": self._key or None,
            "strategy": self._strategy,
            "filter": self._what,
            "started_at": datetime.fromtimestamp(self.started_at, UTC),
            **values,
        }
        return arrow_table(DATASETS["walks"], [row])[0]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._run.clock(), UTC)
