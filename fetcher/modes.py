"""The datasets that `fetch` can fetch, in the order of a whole run.

A new dataset is a module with `fetch_<name>(run)` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from fetcher.run import Run

ALL = "all"
TRADES = "trades"


@dataclass(frozen=True)
class Phase:
    """The part of a run that fetches one dataset; its module is loaded when needed.

    Its mode is the dataset's name as people type it, with hyphens, or `called`. `group`
    is the limit group that bounds how fast it can go. What is not of every run is
    fetched by its own mode only.
    """

    dataset: str
    module: str
    function: str
    group: str
    called: str = ""
    is_of_all: bool = True

    @property
    def mode(self) -> str:
        return self.called or self.dataset.replace("_", "-")

    def __call__(self, run: Run) -> None:
        module = import_module(self.module)
        fetch = cast("Callable[[Run], None]", getattr(module, self.function))
        fetch(run)


PHASES = (
    Phase(
        "markets", "fetcher.polymarket.markets", "fetch_markets", group="gamma_markets"
    ),
    Phase("events", "fetcher.polymarket.events", "fetch_events", group="gamma_events"),
    Phase(
        "trades", "fetcher.polymarket.trades", "fetch_trades", group="data_v2_trades"
    ),
    Phase(
        "prices",
        "fetcher.polymarket.prices",
        "fetch_prices",
        group="clob_prices_history",
    ),
    Phase(
        "resolutions",
        "fetcher.polymarket.resolutions",
        "fetch_resolutions",
        group="data_v2_all",
    ),
    Phase(
        "open_interest",
        "fetcher.polymarket.open_interest",
        "fetch_open_interest",
        group="data_v2_all",
    ),
    Phase(
        "leaderboard",
        "fetcher.polymarket.leaderboard",
        "fetch_leaderboard",
        group="data_v2_all",
    ),
    Phase(
        "activity", "fetcher.polymarket.activity", "fetch_activity", group="data_v2_all"
    ),
    Phase(
        "book_snapshots",
        "fetcher.live.book_snapshots",
        "fetch_books",
        group="clob_books",
        called="books",
        is_of_all=False,
    ),
    Phase(
        "position_snapshots",
        "fetcher.live.position_snapshots",
        "fetch_positions",
        group="data_v2_positions",
        called="positions",
        is_of_all=False,
    ),
    Phase(
        "crypto_prices",
        "fetcher.live.candles",
        "fetch_crypto",
        group="coinbase_all",
        called="crypto",
        is_of_all=False,
    ),
)

MODES = (ALL, *(phase.mode for phase in PHASES))


def phases(mode: str) -> tuple[Phase, ...]:
    """Return what a run of `mode` does, in order."""
    return tuple(
        phase
        for phase in PHASES
        if mode == phase.mode or (mode == ALL and phase.is_of_all)
    )
