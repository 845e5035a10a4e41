"""A lake of a benchmark's own, in a temporary folder, and `fetch` run on it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import BIN, Spent, spent

UNLIMITED = "[limits]\n" + "".join(
    f"{group} = 1000000\n"
    for group in (
        "gamma_all", "gamma_markets", "gamma_events", "gamma_listings", "data_v2_all",
        "data_v2_trades", "data_v2_positions", "clob_all", "clob_prices_history",
    )
)  # fmt: skip


class Home:
    """A folder with settings that name a server; limits are the defaults but as said.

    The folder for what processes share is its own, too: nothing else on the host waits
    for a benchmark, or it for others.
    """

    def __init__(self, folder: Path, toml: str, *more: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        paths = (
            '[paths]\nlake = "data"\nwarehouse = "data/warehouse.duckdb"\n'
            'cursors = "cursor.json"\nruntime = "runtime"\n'
        )
        (folder / "config.toml").write_text("\n".join((toml, paths, *more)))

    def fetch(self, *options: str, may_fail: bool = False) -> Spent:
        """Run `fetch` as a user would, and say what it cost."""
        return spent(
            [BIN / "fetch", *options, "--config", "config.toml", "--json"],
            folder=self.folder,
            may_fail=may_fail,
        )

    def ingest(self, *options: str) -> Spent:
        """Run `ingest` as a user would, and say what it cost."""
        return spent(
            [BIN / "ingest", *options, "--config", "config.toml", "--json"],
            folder=self.folder,
        )


def named(markets: list[str]) -> list[str]:
    """The options that name markets."""
    return [word for market in markets for word in ("--market", market)]
