"""The command `fetch`: read the settings, run, say what came of it."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from fetcher import options as asked
from fetcher.modes import MODES
from settings.errors import PolylakeError

if TYPE_CHECKING:
    from settings.model import Settings

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="TOML file with the settings that differ; else ./config.toml.",
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
)


class Entry(click.Group):
    """A command whose errors are one sentence on stderr and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and leave the process with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.UsageError as error:
            where = error.ctx.command_path if error.ctx else "fetch"
            click.echo(
                f"Error: {error.format_message()} See `{where} --help`.", err=True
            )
            code = error.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except PolylakeError as error:
            click.echo(f"Error: {error}", err=True)
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = 130
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=Entry, invoke_without_command=True)
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
    help="Only this wallet's fills; may be given several times.",
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
    usage or configuration, 75 another run holds the cursor, 130 or 143 stopped by a
    signal with progress saved.
    """
    options = _options(mode or "all", given)
    ctx.obj = (config, as_json, options)
    if ctx.invoked_subcommand is not None:
        return 0
    if mode is None:
        raise click.UsageError("Name what to fetch with --mode, or a command.", ctx)
    settings = _start(config)

    from fetcher.ending import Ending, limited, listening
    from fetcher.fetching import fetch as run
    from fetcher.summary import as_json as json_of
    from fetcher.summary import as_text

    ending = Ending()
    with listening(ending), limited(ending, options.timeout):
        summary = run(settings, options, ending, is_terminal=sys.stderr.isatty())
    click.echo(json.dumps(json_of(summary)) if as_json else as_text(summary))
    return summary.exit_code


def _options(mode: str, given: dict[str, Any]) -> asked.Options:
    def seconds(name: str) -> int | None:
        option = "--" + name.replace("_", "-")
        text = given[name]
        return None if text is None else asked.seconds_of(text, option=option)

    return asked.Options(
        mode=mode,
        fresh=given["fresh"],
        limit=given["limit"],
        timeout=asked.amount_of(given["timeout"], option="--timeout"),
        markets=tuple(asked.market_of(text) for text in given["markets"]),
        since=seconds("since"),
        until=seconds("until"),
        deep_history=given["deep_history"],
        events=tuple(asked.name_of(t, option="--event") for t in given["events"]),
        tags=tuple(asked.name_of(text, option="--tag") for text in given["tags"]),
        ends_after=seconds("ends_after"),
        ends_before=seconds("ends_before"),
        min_volume=asked.amount_of(given["min_volume"], option="--min-volume"),
        wallets=tuple(asked.wallet_of(text) for text in given["wallets"]),
        full=given["full"],
        shard=None if given["shard"] is None else asked.shard_of(given["shard"]),
    )


def _start(config: Path | None) -> Settings:
    """Read the settings and set up the log."""
    from settings import load

    settings = load(config)
    _log_to_stderr(sys.stderr)
    return settings


def _log_to_stderr(stream: TextIO) -> None:
    handler: logging.Handler = logging.StreamHandler(stream)
    if stream.isatty():
        from fetcher.progress import LogAboveBars

        handler = LogAboveBars()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def main() -> None:
    """The console script."""
    fetch.main()
