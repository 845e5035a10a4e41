"""Which walk and page brought each row: what fetch would have noted of the rows.

Rows are given out newest first: a walk's counter says how many rows newer than these it
has brought, so a row's page and place on it follow without knowing what comes later.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

PAGE_ROWS = 1_000
PAGE_MICROS = 70_000  # from one page of a walk to the next

I8 = npt.NDArray[np.int64]


@dataclass
class Walks:
    """The walks over one dataset that were made in one way.

    `ids` are their names and `started` the microsecond at which each began; walk number
    n brought all rows that say n.
    """

    dataset: str
    strategy: str
    ids: list[str]
    filters: list[dict[str, str]]
    scopes: list[tuple[str, ...]]
    started: I8
    covers_from: int
    covers_to: int
    served: I8 = field(init=False)
    pages: list[pl.DataFrame] = field(default_factory=list)
    tallies: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.served = np.zeros(len(self.ids), dtype=np.int64)

    def take(self, walk: I8, market: I8, timestamp: I8) -> tuple[I8, I8, I8]:
        """Number rows, which are oldest first: page, place on it, and when it came."""
        back = len(walk) - 1 - np.arange(len(walk))
        order = np.argsort(walk[back], kind="stable")
        sorted_walk = walk[back][order]
        first = np.searchsorted(sorted_walk, sorted_walk)
        rank = np.empty(len(walk), dtype=np.int64)
        rank[back[order]] = np.arange(len(walk)) - first
        rank += self.served[walk]
        self.served += np.bincount(walk, minlength=len(self.ids))
        page, row = rank // PAGE_ROWS, rank % PAGE_ROWS
        self._note(walk, page, market, timestamp)
        return page, row, self.page_at(walk, page)

    def page_at(self, walk: I8, page: I8) -> I8:
        """The microsecond at which a page came."""
        result: I8 = self.started[walk] + (page + 1) * PAGE_MICROS
        return result

    def _note(self, walk: I8, page: I8, market: I8, timestamp: I8) -> None:
        rows = pl.DataFrame(
            {"walk": walk, "page_no": page, "market": market, "at": timestamp}
        )
        told = (
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("at").min().alias("ts_oldest"),
            pl.col("at").max().alias("ts_newest"),
        )
        self.pages.append(rows.group_by("walk", "page_no").agg(*told))
        self.tallies.append(rows.group_by("walk", "market").agg(*told))
        if len(self.tallies) > 50:
            self.pages = [merged(self.pages, "walk", "page_no")]
            self.tallies = [merged(self.tallies, "walk", "market")]


def merged(parts: list[pl.DataFrame], *keys: str) -> pl.DataFrame:
    """Partial sums as one, in the order of the keys."""
    if not parts:
        schema = dict.fromkeys((*keys, "rows", "ts_oldest", "ts_newest"), pl.Int64)
        return pl.DataFrame(schema=schema)
    return (
        pl.concat(parts)
        .group_by(*keys)
        .agg(
            pl.col("rows").sum(),
            pl.col("ts_oldest").min(),
            pl.col("ts_newest").max(),
        )
        .sort(*keys)
    )
