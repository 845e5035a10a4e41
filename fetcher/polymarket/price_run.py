"""The walks over prices of one run: begun, gone on with, counted."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from fetcher.errors import FetchError, Refused
from fetcher.polymarket.price_history import PriceHistories
from fetcher.polymarket.price_walk import (
    DATASET,
    END,
    Need,
    PriceSource,
    PriceWalk,
    dropped,
    new_walk,
    walk_prices,
)
from fetcher.run import Job, Run
from lake.batch import Batch, CursorChange

log = logging.getLogger(__name__)


class PriceWalks:
    """Walks of one run; the service's clock is `skew` seconds ahead of ours."""

    def __init__(self, run: Run, skew: float) -> None:
        self.skew = skew
        self._run = run
        self._refused: list[str] = []
        self._source = PriceSource(PriceHistories(run.clob), run.lake.storage, self.now)

    def now(self) -> float:
        """The time by the service's clock, in unix seconds."""
        return self._run.clock() + self.skew

    def job(self, needs: list[Need], goal: str) -> Job:
        """The walk over these needs, which begins when its turn comes."""

        def begin() -> None:
            fidelity = self._run.settings.prices.fidelity_minutes
            now, clock = self.now(), self._run.clock()
            self._walk(
                new_walk(needs, now=now, clock=clock, fidelity=fidelity, goal=goal)
            )

        more = f" and {len(needs) - 1} more" if len(needs) > 1 else ""
        return Job(f"prices of {needs[0].condition_id}{more}", begin)

    def _walk(self, walk: PriceWalk) -> None:
        run = self._run
        for batch in walk_prices(self._source, walk):
            run.writer.put(batch)
            self._count(batch)
            run.check()

    def _walk_on(self, walk: PriceWalk) -> None:
        """Bring a saved walk to its end; where that fails, its tokens start over."""
        try:
            self._walk(walk)
        except (FetchError, ValueError) as error:
            self._run.writer.put(dropped(walk, str(error), now=self.now()))
            raise

    def _count(self, batch: Batch) -> None:
        tally = self._run.tally
        if DATASET in batch.rows:
            rows = batch.rows[DATASET].num_rows
            [served] = batch.rows["walks"].slice(0, 1)["rows_served"].to_pylist()
            tally.add(DATASET, rows_seen=served, quarantined=served - rows)
        if "price_windows" in batch.rows:
            windows = batch.rows["price_windows"].select(["token_id", "refusal"])
            tally.add("price_windows", rows_seen=windows.num_rows)
            for row in windows.to_pylist():
                if row["refusal"] is not None:
                    self._refused.append(row["token_id"])
                    error = Refused(row["refusal"], status=400)
                    self._run.failed(DATASET, f"token {row['token_id']}", error)

    def resume(self, only: set[str] | None) -> None:
        """Go on with the walks of earlier runs; with `only`, of those markets."""
        jobs = []
        for walk_id, saved in self.open().items():
            walk = PriceWalk.load(walk_id, saved)
            if walk is None:
                log.warning("The saved walk %s is unreadable and starts over", walk_id)
                change = CursorChange(walks={walk_id: None})
                self._run.writer.put(Batch(rows={}, cursor=change))
                continue
            if only is not None and {n.condition_id for n in walk.needs} - only:
                continue
            if self._run.options.fresh or walk.goal != END:
                why = "--fresh" if self._run.options.fresh else "not gone on with"
                self._run.writer.put(dropped(walk, why, now=self.now()))
                continue
            jobs.append(Job(f"prices of walk {walk_id}", partial(self._walk_on, walk)))
        self._run.jobs(DATASET, jobs, total=len(jobs))

    def open(self) -> dict[str, Any]:
        """The walks that the cursor file has, as they were saved."""
        walks = dict(self._run.cursor.walks)
        return {
            walk_id: saved
            for walk_id, saved in walks.items()
            if isinstance(saved, dict) and saved.get("dataset") == DATASET
        }

    def failed(self) -> int:
        """Jobs that failed so far; a token that is refused is not one of them."""
        counts = self._run.tally.counts().get(DATASET)
        return (counts.jobs_failed if counts else 0) - len(self._refused)
