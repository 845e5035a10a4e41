"""The `sandbox` command: a replica of the services, and the truth behind it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sandbox.faults import NAMES
from sandbox.options import NOW, SIZES, Options
from sandbox.server import start
from sandbox.service import Service
from sandbox.settings_toml import toml_for
from sandbox.truth import write_truth
from sandbox.universe import build_universe
from sandbox.world import World


def time_of(_: click.Context, __: click.Parameter, text: str) -> int:
    """`--now`: ISO, unix seconds, or `wall` for the real time."""
    if text == "wall":
        return int(datetime.now(UTC).timestamp())
    if text.isdigit():
        return int(text)
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def faults_of(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, float], ...]:
    """`--fault NAME=P`."""
    rules = []
    for value in values:
        name, _sep, chance = value.partition("=")
        try:
            p = float(chance or 1)
        except ValueError:
            p = -1.0
        if name not in NAMES or not 0 <= p <= 1:
            raise click.BadParameter(f"{value!r}; faults are {', '.join(NAMES)}")
        rules.append((name, p))
    return tuple(rules)


UNIVERSE = (
    click.option("--size", type=click.Choice(list(SIZES)), default="small",
                 show_default=True, help="How big the universe is."),
    click.option("--seed", type=int, default=1, show_default=True,
                 help="Another seed, another universe."),
    click.option("--markets", type=click.IntRange(min=20),
                 help="About so many markets, whatever the size says."),
    click.option("--fills", type=click.IntRange(min=100),
                 help="At least so many fill rows up to now."),
    click.option("--burst-rows", type=click.IntRange(min=0),
                 help="Rows in the busiest second; 1,200 unless the universe is tiny."),
    click.option("--rush-markets", type=click.IntRange(min=0), default=0,
                 show_default=True, metavar="N",
                 help="In N of the open markets seven fills each in the first five "
                      "minutes."),
    click.option("--ahead-days", type=float, default=7.0, show_default=True,
                 help="How many days of future are made."),
    click.option("--now", callback=time_of, default=str(NOW),
                 help="The simulated time at the start: ISO, unix seconds, or wall."),
    click.option("--lag-seconds", type=click.IntRange(min=0), default=4,
                 show_default=True, help="Rows may be served so long after the fill."),
    click.option("--late-rows", type=click.FloatRange(0, 1), default=0.0,
                 show_default=True, help="Share of matches indexed much later."),
    click.option("--withdrawn-rows", type=click.FloatRange(0, 1), default=0.0,
                 show_default=True, help="Share of matches that vanish again."),
    click.option("--live-series", type=click.FloatRange(0, 168), default=0.0,
                 show_default=True, metavar="HOURS",
                 help="Every up/down window of the next HOURS: BTC and ETH, 5 and 15 "
                      "minutes."),
    click.option("--live-crowd", type=click.IntRange(0, 5_000), default=0,
                 show_default=True, metavar="N",
                 help="About N wallets trade in each of those windows from now on."),
    click.option("--late-resolutions", type=click.FloatRange(0, 1), default=0.0,
                 show_default=True,
                 help="Share of those windows that settle minutes to hours late."),
    click.option("--live-rate", type=click.FloatRange(min=0), default=1.0,
                 show_default=True, help="How lively order books are."),
)  # fmt: skip
SERVER = (
    click.option("--speed", type=click.FloatRange(min=0), default=0.0,
                 show_default=True,
                 help="Simulated seconds a second; 0: the clock stands still."),
    click.option("--label-seconds", type=click.IntRange(min=0), default=600,
                 show_default=True, help="Rows younger than this may lack labels."),
    click.option("--cdn/--no-cdn", default=True, show_default=True,
                 help="Cache answers as the CDNs do."),
    click.option("--gzip/--no-gzip", default=False, show_default=True,
                 help="Compress answers when the client allows it."),
    click.option("--latency-ms", type=click.FloatRange(min=0), default=0.0,
                 show_default=True, help="Wait so long before each answer."),
    click.option("--limits", type=click.Choice(["off", "delay", "reject"]),
                 default="off", show_default=True,
                 help="What happens above the published limits."),
    click.option("--retry-after", type=click.IntRange(min=0),
                 help="Seconds to name on a refusal; without it no such header."),
    click.option("--pace", type=click.FloatRange(min=0.001), default=1.0,
                 show_default=True, help="Multiply all limits, the client's too."),
    click.option("--v1", type=click.Choice(["serve", "404", "410"]), default="serve",
                 show_default=True, help="What Data v1 does after its retirement."),
    click.option("--v1-offset-cap", type=int, default=3_000, show_default=True,
                 help="The deepest offset of v1 listings."),
    click.option("--v1-past-cap", type=click.Choice(["400", "repeat"]), default="400",
                 show_default=True, help="Beyond it: refuse, or repeat the last page."),
    click.option("--gamma-offset-cap", type=int, default=2_000, show_default=True,
                 help="The deepest offset of the old Gamma listings."),
    click.option("--clob-page", type=click.IntRange(min=1), default=1_000,
                 show_default=True, help="Rows a page of the CLOB's catalogue."),
    click.option("--hostile", is_flag=True, help="Titles and slugs that mean harm."),
    click.option("--board-moves", type=click.IntRange(min=0), default=0,
                 show_default=True,
                 help="So many later pages of boards come from a newer board."),
    click.option("--fault", "faults", multiple=True, callback=faults_of,
                 metavar="NAME=P",
                 help=f"What goes wrong, and how often: {', '.join(NAMES)}."),
    click.option("--fault-seed", type=int, default=1, show_default=True,
                 help="Another seed, other requests go wrong."),
    click.option("--live-load", type=click.FloatRange(min=0), default=0.0,
                 show_default=True, metavar="N",
                 help="Send N messages a real second over all subscriptions of the "
                      "market channel, whatever the tape says."),
    click.option("--payloads",
                 type=click.Path(exists=True, file_okay=False, path_type=Path),
                 help="A folder of captured answers to serve first."),
)  # fmt: skip


def with_options(*groups: tuple[Any, ...]) -> Callable[[Any], Any]:
    """Attach the options of some groups to a command."""

    def attach(command: Any) -> Any:
        for group in reversed(groups):
            for option in reversed(group):
                command = option(command)
        return command

    return attach


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="polylake", message="polylake %(version)s")
def main() -> None:
    """An offline replica of Polymarket's Gamma, CLOB and Data services."""


@main.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default=True,
              help="Port on 127.0.0.1; 0 takes a free one.")  # fmt: skip
@with_options(UNIVERSE, SERVER)
def serve(port: int, **given: Any) -> None:
    """Serve until SIGTERM; prints the TOML to use on stdout, then `ready` on stderr."""
    options = Options.of(**given)
    try:
        service = Service(World(build_universe(options)))
    except ValueError as error:  # a folder of payloads that cannot be read
        raise click.UsageError(str(error)) from error
    try:
        asyncio.run(serve_until_signal(service, port))
    except OSError as error:
        raise click.ClickException(f"port {port}: {error}") from error


async def serve_until_signal(service: Service, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner, bound = await start(service, port)
    click.echo(toml_for(service.options, bound))
    sys.stdout.flush()
    click.echo("ready", err=True)
    await stop.wait()
    await runner.cleanup()


@main.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Folder for the Parquet files.")  # fmt: skip
@click.option("--at", "at", type=float, default=0.0, show_default=True,
              help="So many simulated seconds after the start.")  # fmt: skip
@with_options(UNIVERSE)
def truth(out: Path, at: float, **given: Any) -> None:
    """Write what a sandbox of these options holds, servable or not, as Parquet."""
    world = World(build_universe(Options.of(**given)))
    world.clock.advance(at)
    for name, rows in write_truth(world, out).items():
        click.echo(f"{name}: {rows:,} rows")
