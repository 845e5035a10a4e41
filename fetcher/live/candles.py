"""`fetch --mode crypto`: minutes of Coinbase, to fill in what nobody heard.

A candle is one row of crypto_prices under the source `coinbase_candle`: its price is
the close, `window_seconds` its length. Minutes without
a match are absent at Coinbase, and absent here.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    now = int(run.clock()) // MINUTE * MINUTE
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
        reading = Reading(run, DATASET, {"product": product}, strategy="candles")
        answer, candles = run.apis["coinbase"].load(
            f"/products/{product}/candles",
            [
                ("granularity", str(MINUTE)),
                ("start", _iso(low)),
                ("end", _iso(high)),
            ],
            _candles,
            groups=GROUPS,
        )
        over = _minutes_over(answer, run)  # by the exchange's clock, not by ours
        upto = min(high, over)
        inside = [one for one in candles if _is_in(one, low, upto)]
        convert = partial(_row, product=product, answer=answer)
        reading.keep(one.row for one in reading.take(answer, inside, convert))
        reading.end()
        if not windowed and upto > low:
            kept = dict(saved) if isinstance(saved, dict) else {}
            saved = kept | {product: upto}
            change = CursorChange(values={DATASET: saved})
            run.writer.put(Batch({}, cursor=change))
        if over < high:
            return


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


def _is_in(candle: Any, low: int, high: int) -> bool:
    """Whether it is of the window; answers reach back before what was asked."""
    if not isinstance(candle, list) or not candle or not isinstance(candle[0], int):
        return True  # a misfit, to be set aside
    return low <= candle[0] < high


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
