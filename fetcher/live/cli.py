"""The command `capture`: read the settings, listen, say what came of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fetcher.entry import keep_memory_warm, log_to_stderr
from fetcher.live import RECORDERS
from fetcher.live.health import in_words
from fetcher.options import amount_of, market_of
from settings.entry import CONFIG, JSON, Entry
from settings.errors import UsageError

if TYPE_CHECKING:
    from fetcher.live.capture import Result
    from fetcher.live.recorders import Wanted


@click.command(cls=Entry)
@click.option(
    "--only",
    metavar="NAMES",
    help=f"Only these recorders, like books,crypto; of {', '.join(RECORDERS)}.",
)
@click.option(
    "--market",
    "markets",
    multiple=True,
    metavar="CONDITION_ID|SLUG|URL",
    help="The books of this market; may be given several times.",
)
@click.option(
    "--token",
    "tokens",
    multiple=True,
    metavar="ID",
    help="The book of this outcome's token; may be given several times.",
)
@click.option(
    "--list",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The markets and tokens that a file names, one a line.",
)
@click.option(
    "--series",
    metavar="NAMES",
    help="Up/down markets as their windows come: btc-15m,btc-5m.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    help="The books of the N open markets with most volume in 24 hours.",
)
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    help="Stop as planned after this long; else it goes on until stopped.",
)
@CONFIG
@JSON
def capture(
    only: str | None,
    markets: tuple[str, ...],
    tokens: tuple[str, ...],
    lists: tuple[Path, ...],
    series: str | None,
    top: int | None,
    timeout: float | None,
    config: Path | None,
    as_json: bool,
) -> int:
    """Record live: order books, crypto prices, up/down markets, positions.

    What was heard more than a second ago survives whatever happens. Ctrl-C or SIGTERM
    stops it gracefully. While it runs, http://127.0.0.1:8788/health says how it is.

    Exit codes: 0 stopped as planned, 1 it could not go on, 2 wrong usage or
    configuration, 75 another capture does this already, 129, 130 or 143 stopped by a
    signal with all that was heard stored.
    """
    from settings import load

    settings = load(config)
    log_to_stderr(sys.stderr)
    wanted = _wanted(only, markets, tokens, lists, series, top, timeout)

    from fetcher.ending import Ending, limited, listening

    ending = Ending()
    with listening(ending), limited(ending, wanted.timeout):
        from fetcher.live.capture import capture as record

        result = record(settings, wanted, ending)
    click.echo(json.dumps(_json(result)) if as_json else _text(result))
    return result.exit_code


def _wanted(
    only: str | None,
    markets: tuple[str, ...],
    tokens: tuple[str, ...],
    lists: tuple[Path, ...],
    series: str | None,
    top: int | None,
    timeout: float | None,
) -> Wanted:
    try:
        from fetcher.live.choosing import is_token, names_in, series_of, token_of
        from fetcher.live.recorders import Wanted
    except ModuleNotFoundError as error:
        if error.name not in ("websockets", "orjson"):
            raise
        raise UsageError(
            f"capture needs {error.name}: install polylake with its extra `stream`, "
            "pip install 'polylake[stream]'."
        ) from None

    recorders = _parts(only) or RECORDERS
    for name in recorders:
        if name not in RECORDERS:
            raise UsageError(
                f"--only {name}: there is no such recorder; there are "
                f"{', '.join(RECORDERS)}."
            )
    listed = [name for path in lists for name in names_in(path)]
    wanted = Wanted(
        only=tuple(name for name in RECORDERS if name in recorders),
        markets=tuple(
            market_of(name)
            for name in dict.fromkeys((*markets, *listed))
            if not is_token(name)
        ),
        tokens=tuple(
            dict.fromkeys(map(token_of, (*tokens, *filter(is_token, listed))))
        ),
        series=tuple(dict.fromkeys(series_of(name) for name in _parts(series))),
        top=top,
        timeout=amount_of(timeout, option="--timeout"),
    )
    is_prices_alone = set(wanted.only) == {"crypto"}
    named = wanted.markets or wanted.tokens or wanted.series or wanted.top
    if not named and not is_prices_alone:
        raise UsageError(
            "Name what to capture: --market, --token, --list, --series or --top; "
            "or only prices, with --only crypto."
        )
    if is_prices_alone and (wanted.markets or wanted.tokens or wanted.top):
        raise UsageError(
            "--only crypto records no order books: leave out --market, --token, --list "
            "and --top, or write --only books,crypto."
        )
    if wanted.series and "updown" not in wanted.only and not is_prices_alone:
        raise UsageError(
            "The windows of --series are found by the recorder updown: write --only "
            f"{','.join((*wanted.only, 'updown'))}."
        )
    if "updown" in _parts(only) and not wanted.series:
        raise UsageError("--only updown needs --series, like btc-15m.")
    return wanted


def _parts(text: str | None) -> tuple[str, ...]:
    names = (name.strip().lower() for name in (text or "").split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _json(result: Result) -> dict[str, object]:
    return {
        "run_id": result.run_id,
        "started_at": result.started_at.isoformat(),
        "finished_at": result.finished_at.isoformat(),
        "stopped": result.stopped,
        "exit_code": result.exit_code,
        **result.health.as_json(),
        "limits": {
            group: {
                "requests": use.requests,
                "throttled": use.throttled,
                "waited_seconds": round(use.waited_seconds, 3),
            }
            for group, use in result.limits.items()
            if use.requests
        },
        "problem": result.problem,
    }


def _text(result: Result) -> str:
    health = result.health
    rows = ", ".join(
        f"{count:,} {'row' if count == 1 else 'rows'} of {name}"
        for name, count in health.rows.items()
    )
    lines = [
        f"captured {health.messages:,} messages of order books in "
        f"{health.seconds:,.0f} s: {rows or 'no rows'}; {in_words(health.errors)}",
        *(f"Not over yet: {what}: {why}" for what, why in health.wrong),
    ]
    if result.problem is not None:
        lines.append(f"It ended: {result.problem}")
    return "\n".join(lines)


def main() -> None:
    """The console script."""
    keep_memory_warm()
    capture.main()
