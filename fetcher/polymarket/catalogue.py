"""What the lake knows of markets and events, by every key, at the cost of the question.

`of(run)` gives the run's one catalogue. It answers from the lake as the last commits
left it and from what this run has handed to the writer since.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from weakref import finalize

from fetcher.polymarket.catalogue_file import (
    Bronze,
    catch_up,
    open_caught_up,
    transaction,
)
from fetcher.polymarket.catalogue_tables import (
    CLOB_MARKETS,
    EVENTS,
    MARKETS,
    RESOLUTIONS,
    Table,
    clob_key,
    microseconds,
    resolution_key,
)
from fetcher.polymarket.chunks import chunks
from fetcher.polymarket.typed_rows import Row
from fetcher.run import Run

_AT_ONCE = 500  # keys in one question
_A_TIME = 10_000  # markets in memory while all are gone through
_DAY = 86_400
_BY_DATASET = {
    table.dataset: table for table in (MARKETS, EVENTS, CLOB_MARKETS, RESOLUTIONS)
}


@dataclass(frozen=True, slots=True)
class CatalogueMarket:
    """What the last stored row said of a market; times are unix seconds.

    `condition_id` is in lower case and empty on a market that is not hydrated.
    `token_ids` are in the order of the outcomes, `stored_at` is when that row came.
    """

    id: str
    condition_id: str
    slug: str
    event_id: str
    event_slug: str
    closed: bool
    volume_num: float | None
    created_at: int | None
    start_at: int | None
    end_at: int | None
    closed_at: int | None
    token_ids: tuple[str, ...]
    version: str
    stored_at: float = 0.0


class Held(NamedTuple):
    """What tells whether a row says something new: its digest, its updated_at."""

    content_hash: str
    updated_us: int | None


_SELECTED = (
    "id, condition_id, slug, event_id, event_slug, closed, volume_num, created_at, "
    "start_at, end_at, closed_at, token_ids, version, fetched_us"
)


class Catalogue:
    """Markets, events and CLOB markets of one lake; thread safe."""

    def __init__(self, lake: Bronze) -> None:
        self._lake = lake
        self._lock = threading.RLock()
        self.walked_in_full: set[str] = set()  # listings, by this run
        self._db = open_caught_up(Path(lake.root) / "_state" / "catalogue.sqlite", lake)
        finalize(self, self._db.close)

    def catch_up(self) -> None:
        """Take in what the lake's commits have brought since."""
        with self._lock:
            catch_up(self._db, self._lake)

    def changed(
        self, dataset: str, rows: Sequence[Row], *, embedded: bool = False
    ) -> list[Row]:
        """Return the rows whose content the lake does not hold, each only once.

        From then on it counts as held, so the caller must hand them to the writer.
        Rows need `fetched_at`. A row older than the stored one, out of a cache, is no
        change. `embedded` rows come with an event; where they say something else than
        the listing said of the same moment, the listing stands.
        """
        table = _BY_DATASET[dataset]
        with self._lock:
            known = self._held(table, [_key(table, row) for row in rows])
            fresh: list[Row] = []
            for row in rows:
                key = _key(table, row)
                updated = microseconds(row.get("updated_at"))
                if key in known:
                    digest, held = known[key]
                    if digest == row["content_hash"]:
                        continue
                    if (
                        updated is not None
                        and held is not None
                        and (updated < held or (embedded and updated == held))
                    ):
                        continue
                known[key] = Held(row["content_hash"], updated)
                fresh.append(row)
            records = chain.from_iterable(map(table.records, fresh))
            with transaction(self._db):
                self._db.executemany(table.put("run"), records)
        return fresh

    def reads(self, dataset: str) -> tuple[str, ...]:
        """Return the columns of rows of which `changed` takes note."""
        return _BY_DATASET[dataset].reads

    def held(self, dataset: str, keys: Iterable[Any]) -> dict[Any, Held]:
        """Return what is held of rows, by id (or key of a CLOB market)."""
        with self._lock:
            return self._held(
                _BY_DATASET[dataset], [key for key in keys if key is not None]
            )

    def market(self, condition_id: str) -> CatalogueMarket | None:
        """Return the market with this condition id."""
        return self.by_condition([condition_id]).get(condition_id.lower())

    def by_condition(self, condition_ids: Iterable[str]) -> dict[str, CatalogueMarket]:
        """Return the markets that are known, by the condition id in lower case.

        Gamma may list two markets under one condition: the one with more volume is
        given. A Protocol V2 id of 62 digits is also found as padded to 64.
        """
        wanted: dict[str, str] = {}
        for condition_id in condition_ids:
            lower = condition_id.lower()
            if lower:
                wanted[lower] = lower
                if len(lower) == 64:
                    wanted.setdefault(lower + "00", lower)
        found: dict[str, CatalogueMarket] = {}
        for market in self._where_in("condition_id", list(wanted)):
            key = wanted[market.condition_id]
            if key not in found or _volume(market) > _volume(found[key]):
                found[key] = market
        return found

    def never_listed(self, condition_ids: Iterable[str]) -> list[str]:
        """Return those of the condition ids that the catalogue does not hold."""
        asked = list(dict.fromkeys(c.lower() for c in condition_ids if c))
        found = self.by_condition(asked)
        return [condition_id for condition_id in asked if condition_id not in found]

    def by_slug(self, slugs: Iterable[str]) -> dict[str, CatalogueMarket]:
        """Return the markets that are known, by slug."""
        return {m.slug: m for m in self._where_in("slug", [s for s in slugs if s])}

    def by_id(self, ids: Iterable[str]) -> dict[str, CatalogueMarket]:
        """Return the markets that are known, by Gamma's id."""
        return {m.id: m for m in self._where_in("id", [int(i) for i in ids])}

    def each(self, *, changed_since: float = 0) -> Iterator[CatalogueMarket]:
        """Yield every market, by id; or those stored at this unix time or later."""
        if changed_since:
            changed = in_both(
                "markets", "id", f"fetched_us >= {int(changed_since * 1e6)}"
            )
            yield from self._where_in("id", sorted(self.rows(changed, one=True)))
            return
        last = -1
        while True:
            markets = self._markets(f"id > ? order by id limit {_A_TIME}", (last,))
            markets = sorted(markets, key=lambda m: int(m.id))[:_A_TIME]
            yield from markets
            if len(markets) < _A_TIME:
                return
            last = int(markets[-1].id)

    def counts(self) -> dict[str, int]:
        """Return how many markets and events there are."""
        return {
            table.name: sum(
                self.rows(in_both(table.name, "count(*)", "true"), one=True)
            )
            for table in (MARKETS, EVENTS)
        }

    def service_time(self, clock: float) -> float:
        """Return a time that the service had reached when last asked, at most `clock`.

        It is told by the newest market: the service need not share our clock.
        """
        newest = self.rows(
            "select max(created_at) from main.markets union all "
            "select max(created_at) from run.markets",
            one=True,
        )
        known = [time for time in newest if time is not None]
        return min(clock, max(known)) if known else clock

    def open_markets(self) -> list[CatalogueMarket]:
        """Return the markets that are not settled."""
        return self._markets("closed = 0", ())

    def overdue(self, now: float) -> list[CatalogueMarket]:
        """Return the open markets whose end date has passed."""
        return self._markets("closed = 0 and end_at < ?", (int(now),))

    def watched(self, now: float, *, days: int = 7) -> list[CatalogueMarket]:
        """Return young markets that Gamma has not completed: no condition id, no
        tokens, or closed without being settled."""
        return self._markets(
            "watched = 1 and created_at > ?", (int(now) - days * _DAY,)
        )

    def note(self, table: Table, records: Iterable[tuple[Any, ...]]) -> None:
        """Take records as if the lake held them, for this run."""
        with self._lock, transaction(self._db):
            self._db.executemany(table.put("run"), records)

    def _held(self, table: Table, keys: Sequence[Any]) -> dict[Any, Held]:
        held: dict[Any, Held] = {}
        name = table.columns[0].partition(" ")[0]
        for some in chunks(dict.fromkeys(keys), _AT_ONCE):
            marks = ", ".join("?" * len(some))
            for schema in ("main", "run"):
                for key, *what in self.rows(  # this run's rows come last
                    f"select {name}, content_hash, updated_us "
                    f"from {schema}.{table.name} where {name} in ({marks})",
                    some,
                ):
                    held[key] = Held(*what)
        return held

    def _where_in(self, column: str, keys: Sequence[Any]) -> Iterator[CatalogueMarket]:
        for some in chunks(dict.fromkeys(keys), _AT_ONCE):
            marks = ", ".join("?" * len(some))
            yield from self._markets(f"{column} in ({marks})", some)

    def _markets(self, clause: str, values: Sequence[Any]) -> list[CatalogueMarket]:
        condition, _, rest = clause.partition(" order by ")
        rest = f" order by {rest}" if rest else ""
        sql = " union all ".join(
            f"select * from ({_select(schema, _SELECTED, condition)}{rest})"
            for schema in ("run", "main")
        )
        return [_market(row) for row in self.rows(sql, (*values, *values))]

    def rows(
        self, sql: str, values: Sequence[Any] = (), *, one: bool = False
    ) -> list[Any]:
        """Return the rows of a query; `one`: of its one column, bare."""
        with self._lock:
            rows = self._db.execute(sql, tuple(values)).fetchall()
        return [row[0] for row in rows] if one else rows


def of(run: Run) -> Catalogue:
    """Return the catalogue of this run, opened when it is first asked for."""
    return run.once("catalogue", lambda: Catalogue(run.lake))


def _select(schema: str, columns: str, condition: str, table: str = "markets") -> str:
    sql = f"select {columns} from {schema}.{table} as held where {condition}"
    if schema == "main":
        sql += (
            f" and not exists (select 1 from run.{table} as new where new.id = held.id)"
        )
    return sql


def in_both(table: str, columns: str, condition: str) -> str:
    """The query for what the lake holds, where this run has nothing newer of it."""
    return " union all ".join(
        _select(schema, columns, condition, table) for schema in ("run", "main")
    )


def _key(table: Table, row: Row) -> Any:
    if table is CLOB_MARKETS:
        return clob_key(row)
    return resolution_key(row) if table is RESOLUTIONS else int(row["id"])


def _volume(market: CatalogueMarket) -> float:
    return market.volume_num or 0.0


def _market(row: tuple[Any, ...]) -> CatalogueMarket:
    number, condition_id, slug, event_id, event_slug, closed, volume, *rest = row
    created, start, end, ended, tokens, version, stored = rest
    return CatalogueMarket(
        id=str(number),
        condition_id=condition_id,
        slug=slug,
        event_id=event_id,
        event_slug=event_slug,
        closed=bool(closed),
        volume_num=volume,
        created_at=created,
        start_at=start,
        end_at=end,
        closed_at=ended,
        token_ids=tuple(json.loads(tokens)),
        version=version,
        stored_at=stored / 1e6,
    )
