"""`fetch --mode crypto`: minutes of Coinbase, to fill in what nobody heard.

A candle is one row of crypto_prices under the source `coinbase_candle`: its price is
the close, `window_seconds` its length. Minutes without a match are absent at Coinbase,
and absent here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fetcher.answer import Answer, parse_json
from fetcher.errors import UnexpectedPayload
from fetcher.live.feeds import plain
from fetcher.options import Options
from fetcher.polymarket.planner import in_shard
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
MOST_AHEAD = 3_600  # seconds that clocks may differ by
SETTLING = 30  # seconds after its end in which a minute may still change


def fetch_crypto(run: Run) -> None:
    """Bring the candles of the recorded assets up to date, or those of a window."""
    names = [one.strip().upper() for one in run.settings.capture.assets.split(",")]
    reached = _Reached(run)
    jobs = [
        Job(f"minutes of {name}-USD", partial(_catch_up, run, f"{name}-USD", reached))
        for name in dict.fromkeys(names)
        if name and in_shard(name, run.options.shard)
    ]
    run.jobs(DATASET, jobs, total=len(jobs))


class _Reached:
    """Until which second each product's minutes are stored, in Unix seconds.

    The cursor has it as one value, which the products' jobs change side by side: what
    one of them saves must have what the others did.
    """

    def __init__(self, run: Run) -> None:
        saved = run.cursor.values.get(DATASET)
        self._run = run
        self._seconds = dict(saved) if isinstance(saved, dict) else {}
        self._lock = threading.Lock()

    def of(self, product: str, *, now: int) -> int | None:
        """The second that was saved; None where it is none, or cannot be true."""
        known = self._seconds.get(product)
        is_sound = type(known) is int and known > 0 and not _is_ahead(known, now)
        return known if is_sound else None

    def move(self, product: str, second: int) -> None:
        """Save it, once what was put before is durable."""
        with self._lock:
            self._seconds[product] = second
            change = CursorChange(values={DATASET: dict(self._seconds)})
            self._run.writer.put(Batch({}, cursor=change))


def _catch_up(run: Run, product: str, reached: _Reached) -> None:
    newest = _ask(run, product)
    # by the exchange's clock: ours may be wrong, and a replica has a time of its own
    now = _minutes_over(newest.answer, run)
    options = run.options
    windowed = options.since is not None or options.until is not None
    start, end = _stretch(options, reached.of(product, now=now), now)
    for low, high in windows(start // MINUTE * MINUTE, end):
        run.check()
        is_there = newest.reaches_back_to(low, now=now)
        page = newest if is_there else _ask(run, product, low, high)
        reading = Reading(run, DATASET, {"product": product}, strategy="candles")
        inside = [one for one in page.candles if _is_in(one, low, high, now=now)]
        convert = partial(_row, product=product, answer=page.answer, now=now)
        reading.keep(one.row for one in reading.take(page.answer, inside, convert))
        reading.end()
        if not windowed:
            reached.move(product, high)


def _stretch(options: Options, known: int | None, now: int) -> tuple[int, int]:
    """From which second to which candles are wanted.

    `--fresh` asks again for the last day, or for all that is missing if that is more.
    """
    end = now if options.until is None else min(now, options.until)
    if options.since is not None:
        return options.since, end
    first = now - FIRST_DAYS * 86_400
    if known is None:
        return first, end
    return min(first, known) if options.fresh else known, end


@dataclass(frozen=True)
class Page:
    """An answer and its candles: every minute with a match from its oldest on."""

    answer: Answer
    candles: list[Any]

    def reaches_back_to(self, second: int, *, now: int) -> bool:
        """Whether the minute of `second` lies at or after the oldest candle.

        One that is older than an answer reaches is a stray: it says nothing of what
        lies between.
        """
        since = now - MOST_STEPS * MINUTE
        starts = [_start(one) for one in self.candles]
        return any(start is not None and since <= start <= second for start in starts)


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
    """The end of the last minute that was over, and settled, in the answer.

    A cache may date an answer as of handing it out, so its age is taken off.
    """
    at = answer.served_at
    seconds = run.clock() if at is None else at.timestamp()
    return int(seconds - (answer.age_seconds or 0) - SETTLING) // MINUTE * MINUTE


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
    try:
        return int(candle[0]) if isinstance(candle, list) and candle else None
    except (TypeError, ValueError, OverflowError):
        return None


def _is_in(candle: Any, low: int, high: int, *, now: int) -> bool:
    """Whether it is of the window, or is none that can be.

    Answers reach back before what was asked, and have the minute under way.
    """
    start = _start(candle)
    return start is None or low <= start < high or _is_ahead(start, now)


def _is_ahead(second: int, now: int) -> bool:
    """Whether it is so far ahead that a clock, or a unit, must be wrong."""
    return second > now + MOST_AHEAD


def _row(candle: Any, *, product: str, answer: Answer, now: int) -> Row:
    try:
        at, low, high, opened, close, volume = candle
        price, digits = plain(close)
        size = float(volume)
        more = {"low": float(low), "high": float(high), "open": float(opened)}
        start = int(at)
    except (TypeError, ValueError, OverflowError) as error:
        raise Misfit(f"it is no candle: {error}") from None
    if _is_ahead(start, now):
        raise Misfit(f"it begins at {at}, after the answer was made")
    return {
        "received_at_ns": int(answer.fetched_at.timestamp() * 1e9),
        "exchange_at_us": start * 1_000_000,
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
