"""The command `fetch`: read the settings, run, say what came of it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fetcher import options as asked_for
from fetcher.entry import is_terminal, keep_memory_warm, log_to_stderr
from fetcher.modes import ALL, MODES, TRADES
from settings.entry import CONFIG, JSON, Entries

if TYPE_CHECKING:
    from fetcher.commands import Told
    from fetcher.ending import Ending
    from fetcher.modes import Phase
    from settings.model import Settings

log = logging.getLogger("fetch")


@click.group(cls=Entries, invoke_without_command=True)
@click.option("--mode", type=click.Choice(MODES), help="What to fetch.")
@click.option(
    "--fresh",
    is_flag=True,
    help="Ignore saved cursors and what was walked before; deletes nothing.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the N markets with most volume; leaves the feed alone.",
)
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    help="Stop as planned after this long, progress saved.",
)
@click.option(
    "--market",
    "markets",
    multiple=True,
    metavar="CONDITION_ID|SLUG|URL",
    help="Only this market; may be given several times.",
)
@click.option("--since", metavar="DATE", help="From this UTC day or ISO time on.")
@click.option("--until", metavar="DATE", help="Before this UTC day or ISO time.")
@click.option(
    "--deep-history",
    is_flag=True,
    help="Also fills older than three years, by walking their traders.",
)
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="SLUG|URL",
    help="Only the markets of this event.",
)
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME", help="Only markets with this tag."
)
@click.option("--ends-after", metavar="DATE", help="Only markets that end from then.")
@click.option("--ends-before", metavar="DATE", help="Only markets that end before.")
@click.option(
    "--min-volume",
    type=float,
    metavar="USD",
    help="Only markets with at least this volume, in dollars.",
)
@click.option(
    "--wallet",
    "wallets",
    multiple=True,
    metavar="ADDRESS",
    help="This wallet's fills, or all it did with --mode activity; may be repeated.",
)
@click.option("--full", is_flag=True, help="Ask for the full pass over all markets.")
@click.option("--shard", metavar="I/N", help="Part I of N, one part a host.")
@CONFIG
@JSON
@click.pass_context
def fetch(
    ctx: click.Context,
    /,
    mode: str | None,
    config: Path | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Fetch Polymarket into the bronze lake, resuming where the last run stopped.

    With options and no command it is the run itself: fetch --mode all

    Exit codes: 0 all done, 1 some jobs failed (the next run tries them again), 2 wrong
    usage or configuration, 75 another run holds the cursor, 129, 130 or 143 stopped by
    a signal with progress saved.
    """
    options = _options(mode or ALL, given)
    ctx.obj = Asked(config, as_json, options)
    if ctx.invoked_subcommand is not None:
        return 0
    if mode is None:
        raise click.UsageError("Name what to fetch with --mode, or a command.", ctx)
    return _run(ctx.obj)


@fetch.command("plan")
@CONFIG
@JSON
@click.pass_obj
def plan(asked: Asked, config: Path | None, as_json: bool) -> int:
    """Say what a run would cost: requests, hours, gigabytes. Stores nothing.

    Options of the run go before the command: fetch --mode trades --tag politics plan
    """
    asked = asked.over(config, as_json)
    settings = _start(asked)

    from fetcher.ending import Ending, limited, listening

    ending = Ending()
    with listening(ending), limited(ending, asked.options.timeout):
        from fetcher import commands

        told = commands.plan(settings, asked.options, ending)
    return _tell(asked, told)


@fetch.command("status")
@CONFIG
@JSON
@click.pass_obj
def status(asked: Asked, config: Path | None, as_json: bool) -> int:
    """Say what the lake holds, how far it was fetched, and what is due."""
    asked = asked.over(config, as_json)
    settings = _start(asked)

    from fetcher import commands

    return _tell(asked, commands.status(settings))


@fetch.command("verify")
@click.option("--deep", is_flag=True, help="Also read every page of every file.")
@CONFIG
@JSON
@click.pass_obj
def verify(asked: Asked, config: Path | None, as_json: bool, deep: bool) -> int:
    """Check that every file is whole and that no walk lacks rows.

    What is damaged is set aside, and the next fetch walks its markets again. Exit code
    1 when something is not as it should be.
    """
    asked = asked.over(config, as_json)
    settings = _start(asked)

    from fetcher.ending import Ending, listening

    ending = Ending()
    with listening(ending):
        from fetcher import commands

        told = commands.verified(settings, deep=deep, stop=ending.stop)
    return _tell(asked, told, ending)


@fetch.command("repair")
@CONFIG
@JSON
@click.pass_obj
def repair(asked: Asked, config: Path | None, as_json: bool) -> int:
    """Fetch again what is missing: lost rows, damaged files, what is short.

    Sets aside damaged files, and walks again the markets of walks that lack rows, those
    that `warehouse completeness` knows to be short, and all that is due. Holes of the
    exchange's own are left once two whole walks agree.
    """
    asked = asked.over(config, as_json)

    def phases(settings: Settings, ending: Ending) -> Iterable[Phase]:
        from fetcher.commands import checked_for_repair
        from fetcher.repair import repairing

        checked_for_repair(settings, stop=ending.stop)
        return repairing()

    return _run(replace(asked, options=replace(asked.options, mode=TRADES)), phases)


@fetch.command("quarantine")
@click.option("--retry", is_flag=True, help="Take in the rows that fit by now.")
@CONFIG
@JSON
@click.pass_obj
def quarantine(asked: Asked, config: Path | None, as_json: bool, retry: bool) -> int:
    """Show the rows that fitted no schema, why, and what they say.

    With --retry, rows of trades and activity that this version can read are taken in
    under the walk that brought them; numbers that came as text count as numbers.
    """
    asked = asked.over(config, as_json)
    settings = _start(asked)

    from fetcher import commands

    work = commands.taken_in if retry else commands.quarantined
    return _tell(asked, work(settings))


@fetch.command("compact")
@CONFIG
@JSON
@click.pass_obj
def compact(asked: Asked, config: Path | None, as_json: bool) -> int:
    """Replace the many small files of a day by few sorted ones with the same rows."""
    asked = asked.over(config, as_json)
    settings = _start(asked)

    from fetcher.ending import Ending, listening

    ending = Ending()
    with listening(ending):
        from fetcher import commands

        told = commands.compacted(settings, stop=ending.stop)
    return _tell(asked, told, ending)


@dataclass(frozen=True)
class Asked:
    """What the command line says; a command's own --config and --json come first."""

    config: Path | None
    as_json: bool
    options: asked_for.Options

    def over(self, config: Path | None, as_json: bool) -> Asked:
        """The same with what was said after the command."""
        return replace(
            self, config=config or self.config, as_json=as_json or self.as_json
        )


def _run(
    asked: Asked, work: Callable[[Settings, Ending], Iterable[Phase]] | None = None
) -> int:
    from fetcher.ending import Ending, limited, listening

    ending = Ending()
    # Before all that takes time: a signal that comes early is one that stops the run.
    with listening(ending), limited(ending, asked.options.timeout):
        settings = _start(asked)
        for option in asked_for.not_heeded(asked.options):
            log.warning("%s changes nothing in --mode %s", option, asked.options.mode)

        from fetcher.fetching import fetch as run
        from fetcher.summary import as_json, as_text

        summary = run(
            settings,
            asked.options,
            ending,
            work=work(settings, ending) if work else None,
            is_terminal=is_terminal(sys.stderr),
        )
        shown = json.dumps(as_json(summary)) if asked.as_json else as_text(summary)
        click.echo(shown)
    return summary.exit_code


def _start(asked: Asked) -> Settings:
    """Read the settings and set up the log."""
    from settings import load

    settings = load(asked.config)
    log_to_stderr(sys.stderr)
    return settings


def _tell(asked: Asked, told: Told, ending: Ending | None = None) -> int:
    click.echo(json.dumps(told.json) if asked.as_json else told.text)
    if ending is not None and ending.signal is not None:
        return 128 + ending.signal
    return told.exit_code


def _options(mode: str, given: dict[str, Any]) -> asked_for.Options:
    def seconds(name: str) -> int | None:
        option = "--" + name.replace("_", "-")
        text = given[name]
        return None if text is None else asked_for.seconds_of(text, option=option)

    return asked_for.Options(
        mode=mode,
        fresh=given["fresh"],
        limit=given["limit"],
        timeout=asked_for.amount_of(given["timeout"], option="--timeout"),
        markets=tuple(asked_for.market_of(text) for text in given["markets"]),
        since=seconds("since"),
        until=seconds("until"),
        deep_history=given["deep_history"],
        events=tuple(asked_for.name_of(t, option="--event") for t in given["events"]),
        tags=tuple(asked_for.name_of(text, option="--tag") for text in given["tags"]),
        ends_after=seconds("ends_after"),
        ends_before=seconds("ends_before"),
        min_volume=asked_for.amount_of(given["min_volume"], option="--min-volume"),
        wallets=tuple(asked_for.wallet_of(text) for text in given["wallets"]),
        full=given["full"],
        shard=None if given["shard"] is None else asked_for.shard_of(given["shard"]),
    )


def main() -> None:
    """The console script."""
    keep_memory_warm()
    fetch.main()
