"""`fetch --mode crypto`: minutes of Coinbase, to fill in what nobody heard.

A candle is one row of crypto_prices under the source `coinbase_candle`: its price is
the close, `window_seconds` its length. Minutes without
a match are absent at Coinbase, and absent here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fetcher.answer import Answer, parse_json
from fetcher.errors import UnexpectedPayload
from fetcher.live.feeds import plain
from fetcher.polymarket.reading import Reading
from fetcher.polymarket.typed_rows import Misfit, Row
from fetcher.run import Job, Run
from lake.batch import Batch, CursorChange

DATASET = "crypto_prices"
SOURCE = "coinbase_candle"
GROUPS = ("coinbase_all",)
MINUTE = 60
MOST_STEPS = 299  # more is refused; both ends count
FIRST_DAYS = 1  # of a lake that has none yet, unless --since says otherwise


def fetch_crypto(run: Run) -> None:
    """Bring the candles of the recorded assets up to date, or those of a window."""
    names = [one.strip().upper() for one in run.settings.capture.assets.split(",")]
    jobs = [
        Job(f"minutes of {name}-USD", partial(_catch_up, run, f"{name}-USD"))
        for name in dict.fromkeys(names)
        if name
    ]
    run.jobs(DATASET, jobs, total=len(jobs))


def _catch_up(run: Run, product: str) -> None:
    newest = _ask(run, product)
    # by the exchange's clock: ours may be wrong, and a replica has a time of its own
    now = _minutes_over(newest.answer, run)
    options = run.options
    windowed = options.since is not None or options.until is not None
    saved = {} if options.fresh else run.cursor.values.get(DATASET)
    known = saved.get(product) if isinstance(saved, dict) else None
    start = options.since
    if start is None:
        start = known if isinstance(known, int) else now - FIRST_DAYS * 86_400
    end = min(now, options.until or now)
    for low, high in windows(start // MINUTE * MINUTE, end):
        run.check()
        page = newest if newest.reaches_back_to(low) else _ask(run, product, low, high)
        reading = Reading(run, DATASET, {"product": product}, strategy="candles")
        inside = [one for one in page.candles if _is_in(one, low, high)]
        convert = partial(_row, product=product, answer=page.answer)
        reading.keep(one.row for one in reading.take(page.answer, inside, convert))
        reading.end()
        if not windowed:
            kept = dict(saved) if isinstance(saved, dict) else {}
            saved = kept | {product: high}
            change = CursorChange(values={DATASET: saved})
            run.writer.put(Batch({}, cursor=change))


@dataclass(frozen=True)
class Page:
    """An answer and its candles: every minute with a match from its oldest on."""

    answer: Answer
    candles: list[Any]

    def reaches_back_to(self, second: int) -> bool:
        """Whether the minute of `second` lies at or after the oldest candle."""
        starts = [start for one in self.candles if (start := _start(one)) is not None]
        return min(starts, default=second + 1) <= second


def _ask(
    run: Run, product: str, low: int | None = None, high: int | None = None
) -> Page:
    """Load the candles of [low, high]; without bounds, the newest 300 or so."""
    params = [("granularity", str(MINUTE))]
    if low is not None and high is not None:
        params += [("start", _iso(low)), ("end", _iso(high))]
    path = f"/products/{product}/candles"
    return Page(*run.apis["coinbase"].load(path, params, _candles, groups=GROUPS))


def _minutes_over(answer: Answer, run: Run) -> int:
    """The end of the last minute that was over when the answer was made."""
    at = answer.served_at
    seconds = run.clock() if at is None else at.timestamp()
    return int(seconds) // MINUTE * MINUTE


def windows(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut [start, end) into pieces that one answer may hold, the oldest first."""
    while start < end:
        high = min(start + MOST_STEPS * MINUTE, end)
        yield start, high
        start = high


def _candles(body: bytes) -> list[Any]:
    value = parse_json(body)
    if not isinstance(value, list):
        raise UnexpectedPayload("it is no list of candles")
    return value


def _start(candle: Any) -> int | None:
    """Unix second at which it begins; None for a misfit."""
    if not isinstance(candle, list) or not candle or not isinstance(candle[0], int):
        return None
    return candle[0]


def _is_in(candle: Any, low: int, high: int) -> bool:
    """Whether it is of the window; answers reach back before what was asked."""
    start = _start(candle)
    return start is None or low <= start < high  # a misfit is to be set aside


def _row(candle: Any, *, product: str, answer: Answer) -> Row:
    try:
        at, low, high, opened, close, volume = candle
        price, digits = plain(close)
        size = float(volume)
        more = {"low": float(low), "high": float(high), "open": float(opened)}
        exchange_at_us = int(at) * 1_000_000
    except (TypeError, ValueError) as error:
        raise Misfit(f"it is no candle: {error}") from None
    return {
        "received_at_ns": int(answer.fetched_at.timestamp() * 1e9),
        "exchange_at_us": exchange_at_us,
        "source": SOURCE,
        "symbol": product,
        "price": price,
        "price_text": digits,
        "size": size,
        "window_seconds": MINUTE,
        "message_type": "snapshot",
        **more,
    }


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
