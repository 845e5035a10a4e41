"""The `warehouse` command: what asks the warehouse, and `retention`, which lets go.

Retention takes files out of the lake, which the warehouse's own package knows nothing
of; `ingest` then builds the warehouse without them.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

import settings
from settings.entry import CONFIG, JSON
from warehouse.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.keeping import Going, Meaning

__all__ = ["main"]


@main.command()
@click.option(
    "--apply",
    "is_applied",
    is_flag=True,
    help="Let it go. Without this, only say what would go.",
)
@JSON
@CONFIG
def retention(*, is_applied: bool, as_json: bool, config: Path | None) -> None:
    """Say what is older than [retention] keeps, and with --apply let it go for good.

    Nothing is ever let go unless the settings name days. The next `ingest` builds the
    warehouse without what went; completeness then says `expired` of its markets, and
    nothing of it is fetched again.
    """
    from bronze import DATASETS
    from ingestion.keeping import KEPT, going, let_go, meaning
    from lake.lake import Lake

    loaded = settings.load(config)
    paths = loaded.paths
    with Lake.open_to_read(paths.lake, DATASETS) as lake:
        plan = going(lake, loaded.retention, now=time.time())
        means = meaning(lake, plan, paths.warehouse)
    if not as_json:
        _print_plan(plan, means)
    gone = []
    if is_applied and any(one.files for one in plan):
        grace = loaded.lake.grace_minutes * 60
        with Lake.open(paths.lake, DATASETS, grace_seconds=grace) as lake:
            for one in let_go(lake, plan):
                gone.append(one)
                if not as_json:
                    click.echo(f"{one.dataset}: {one.rows:,} rows let go")
    if as_json:
        click.echo(
            json.dumps(
                {
                    "applied": is_applied,
                    "going": [asdict(one) for one in plan],
                    "meaning": None if means is None else asdict(means),
                    "gone": [asdict(one) for one in gone],
                    "always_kept": dict(KEPT),
                }
            )
        )
    elif gone:
        click.echo(
            f"Their files are removed after {loaded.lake.grace_minutes:g} minutes, by "
            "the next run of fetch. Now run `ingest`: it builds the warehouse anew."
        )
    elif any(one.files for one in plan):
        click.echo("Nothing was changed; `warehouse retention --apply` lets it go.")


def _print_plan(plan: Sequence[Going], means: Meaning | None) -> None:
    if not plan:
        click.echo("Everything is kept: [retention] of the settings names no days.")
        return
    for one in plan:
        if not one.files:
            click.echo(f"{one.dataset}: nothing is older than {one.keeps_days} days")
            continue
        click.echo(
            f"{one.dataset}: all before {one.before} ({one.keeps_days} days are kept): "
            f"{one.days:,} days, {one.files:,} files, {one.rows:,} rows, "
            f"{one.bytes / 1e6:,.1f} MB"
        )
    if means is not None:
        complete = (
            ""
            if means.complete_markets is None
            else f" ({means.complete_markets:,} of them complete now)"
        )
        click.echo(
            f"{means.markets:,} markets lose fills{complete}: they become partial, "
            "`expired`, and their volume is that of the fills left.\n"
            f"{means.wallets:,} wallets lose fills: P&L that rests on these is wrong "
            "from then on. gold.trader_pnl says so by is_market_complete and "
            "fills_expired_before, gold.trader_stats by markets_incomplete and "
            "fills_expired_before.\n"
            "What the exchange does not serve any more cannot be had again."
        )
