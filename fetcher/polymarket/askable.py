"""Which markets to ask about: what changed since they were last asked about.

When a market was asked about, and whether its answer was final, stands in the walk
state: the cursor file only says up to when that was planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.planner import in_shard
from fetcher.run import Run
from lake.batch import Batch, CursorChange
from lake.walk_state import Walked, WalkState

DAY = 86_400
CONDITIONS_A_REQUEST = 20
_AT_ONCE = 5_000


class Askable:
    """What was asked about `dataset` before this run, of this run's shard."""

    def __init__(self, run: Run, dataset: str) -> None:
        self._run = run
        self._dataset = dataset
        self._state: WalkState = run.lake.walk_state()
        saved = run.cursor.values.get(dataset)
        self._saved: dict[str, Any] = saved if isinstance(saved, dict) else {}
        if run.options.fresh:
            self._saved = {}

    def saved(self, name: str) -> Any:
        """What an earlier run saved under this name; null if it did not."""
        return self._saved.get(name)

    def time_of(self, name: str) -> float | None:
        """A saved time; null where there is none."""
        value = self._saved.get(name)
        return float(value) if isinstance(value, int | float) else None

    def save(self, **values: Any) -> None:
        """Save values for the next run, after all that was put before."""
        kept = {**self._saved, **values}
        change = CursorChange(values={self._dataset: kept})
        self._run.writer.put(Batch({}, cursor=change))

    def with_state(
        self, markets: Iterable[CatalogueMarket]
    ) -> Iterator[tuple[CatalogueMarket, Walked | None]]:
        """Yield the markets of this shard with what is known of earlier questions.

        With `--fresh` nothing is.
        """
        shard, fresh = self._run.options.shard, self._run.options.fresh
        mine = (
            market
            for market in markets
            if market.condition_id and in_shard(market.condition_id, shard)
        )
        for some in chunks(mine, _AT_ONCE):
            ids = [market.condition_id for market in some]
            known: Mapping[str, Walked] = (
                {} if fresh else self._state.walked(self._dataset, ids)
            )
            yield from ((market, known.get(market.condition_id)) for market in some)

    def asked_of(self, keys: Iterable[str]) -> dict[str, float]:
        """When each key last had a whole answer, in unix seconds, if it ever had."""
        return {
            key: one.to_end_at.timestamp()
            for key, one in self._state.walked(self._dataset, keys).items()
            if one.to_end_at is not None
        }

    def due(self) -> list[str]:
        """The keys that are to be asked about again."""
        shard = self._run.options.shard
        return [key for key in self._state.due(self._dataset) if in_shard(key, shard)]


def asked_at(walked: Walked | None) -> float:
    """When it was last asked, in unix seconds; long ago if never."""
    if walked is None or walked.last_started_at is None:
        return 0.0
    return walked.last_started_at.timestamp()


def is_final(walked: Walked | None) -> bool:
    """Whether the last word has been heard."""
    return walked is not None and walked.to_end_at is not None


def changed_since_asked(market: CatalogueMarket, walked: Walked | None) -> bool:
    """Whether the catalogue has a newer row of it than the last question."""
    return asked_at(walked) <= market.stored_at


def packs(conditions: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the ids of each request; each id once, and ids of 62 digits apart."""
    open_packs: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for condition in conditions:
        pack = open_packs[len(condition) == 64]
        pack[condition] = None
        if len(pack) == CONDITIONS_A_REQUEST:
            yield tuple(pack)
            pack.clear()
    for pack in open_packs.values():
        if pack:
            yield tuple(pack)
