"""The markets that the feed has named: some of them nobody has listed yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from fetcher.polymarket.trade_rows import TradePage


class NamedMarkets:
    """Condition ids (lower case) and slugs of the rows that went by; thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slugs: dict[str, str] = {}
        self._taken: set[str] = set()

    def see(self, page: TradePage) -> None:
        """Remember the markets of a page."""
        conditions = page.rows["condition_id"].to_pylist()
        slugs = page.rows["slug"].to_pylist()
        self.add(dict(zip(conditions, slugs, strict=True)))

    def add(self, slugs: Mapping[str, str | None]) -> None:
        """Remember markets, each with its slug where that is known."""
        with self._lock:
            for condition, slug in slugs.items():
                known = self._slugs.setdefault(condition.lower(), slug or "")
                if slug and not known:
                    self._slugs[condition.lower()] = slug

    def known(self) -> list[str]:
        """Return all markets seen so far."""
        with self._lock:
            return list(self._slugs)

    def take(self) -> dict[str, str]:
        """Return the markets that were not taken before, with their slugs."""
        with self._lock:
            new = {c: s for c, s in self._slugs.items() if c not in self._taken}
            self._taken |= new.keys()
            return new


def named_in_bronze(
    files: Sequence[Path], *, since: float, letters: str = "f"
) -> dict[str, str | None]:
    """Markets of rows fetched since a time, by walks whose ids begin with `letters`.

    For a run that died before it could ask about what its feed walks named.
    """
    if not files:
        return {}
    rows = pl.scan_parquet(list(files), hive_partitioning=False).filter(
        pl.col("walk_id").str.starts_with(letters)
        & (pl.col("fetched_at") >= datetime.fromtimestamp(since, UTC))
    )
    if "slug" not in rows.collect_schema().names():
        rows = rows.with_columns(slug=pl.lit(None, dtype=pl.String))
    found = rows.group_by("condition_id").agg(pl.col("slug").max())
    table = found.collect(engine="streaming")
    return dict(zip(table["condition_id"], table["slug"], strict=True))
