"""One question, or a few that belong together, and what becomes of the answers.

Nothing of a reading is stored before its end, and then all of it together: its rows,
the requests that brought them, and what is known now of each subject asked about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bronze import DATASETS
from fetcher.answer import Answer
from fetcher.polymarket.typed_rows import Misfit, Row, arrow_table, compact_json
from fetcher.polymarket.walk_rows import moment, walks_table
from fetcher.run import Run
from lake import quarantine
from lake.batch import Batch
from lake.walk_id import new_walk_id


@dataclass(frozen=True)
class Taken:
    """An object of an answer as a row, and its place in the answer."""

    row: Row
    place: int


class Reading:
    """A reading of `dataset`; `what` says in `walks` what it is of."""

    def __init__(
        self, run: Run, dataset: str, what: Any, *, strategy: str = "reading"
    ) -> None:
        self.started_at = run.clock()
        self.walk_id = new_walk_id("reading", now=self.started_at)
        self._run = run
        self._dataset = dataset
        self._shared = {
            "dataset": dataset,
            "walk_id": self.walk_id,
            "strategy": strategy,
            "filter": compact_json(what),
            "started_at": moment(self.started_at),
        }
        self._rows: list[Row] = []
        self._walks: list[Row] = []
        self._pages = 0
        self._served = 0

    def take(
        self,
        answer: Answer,
        objects: Sequence[Any],
        convert: Callable[[Any], Row],
        *,
        next_cursor: str | None = None,
    ) -> list[Taken]:
        """Make rows of an answer's objects; what fits no schema is set aside.

        The rows are not kept yet: see `keep`.
        """
        lineage = {
            "fetched_at": answer.fetched_at,
            "walk_id": self.walk_id,
            "page_no": self._pages,
        }
        taken: list[Taken] = []
        misfits: list[quarantine.Misfit] = []
        for place, item in enumerate(objects):
            try:
                row = convert(item)
                _, rejected = arrow_table(DATASETS[self._dataset], [row])
                if rejected:
                    raise Misfit(rejected[0].reason)
            except Misfit as misfit:
                raw = json.dumps(item)
                misfits.append(quarantine.Misfit(str(misfit), raw, place))
            else:
                taken.append(Taken(row | lineage | {"row_no": place}, place))
        if misfits:
            quarantine.set_aside(
                self._run.lake.storage,
                self._dataset,
                misfits,
                walk_id=self.walk_id,
                page_no=self._pages,
                request=answer.request,
                fetched_at=answer.fetched_at,
            )
        self._run.tally.add(
            self._dataset, rows_seen=len(objects), quarantined=len(misfits)
        )
        self._note(
            kind="page",
            page_no=self._pages,
            request=answer.request,
            rows_served=len(objects),
            age_seconds=answer.age_seconds,
            trace_id=answer.trace_id,
            next_cursor=next_cursor,
            fetched_at=answer.fetched_at,
        )
        self._pages += 1
        self._served += len(objects)
        return taken

    def keep(self, rows: Iterable[Row]) -> None:
        """Store these rows at the end."""
        self._rows.extend(rows)

    def subject(
        self, key: str, outcome: str, *, due: str | None = None, detail: str = ""
    ) -> None:
        """Say how the question about `key` ended; `due`: why it is to be asked again.

        The outcome `end` settles what was due.
        """
        now = moment(self._run.clock())
        self._note(
            kind="subject",
            key=key,
            outcome=outcome,
            detail=detail or None,
            fetched_at=now,
        )
        if due is not None:
            self._note(kind="due", key=key, detail=due, fetched_at=now)

    def end(self, outcome: str = "end", *, detail: str | None = None) -> None:
        """Hand all of it to the writer."""
        self._note(
            kind="walk",
            outcome=outcome,
            detail=detail,
            rows_served=self._served,
            pages=self._pages,
            fetched_at=moment(self._run.clock()),
        )
        rows = {"walks": walks_table(self._walks)}
        if self._rows:
            rows[self._dataset], _ = arrow_table(DATASETS[self._dataset], self._rows)
        self._run.writer.put(Batch(rows))

    def _note(self, **row: Any) -> None:
        self._walks.append(self._shared | row)
