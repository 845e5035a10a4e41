"""Bronze of live capture written by hand: rows that are committed, and a quarter of an
hour of an up/down market with bitcoin's price beside it."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bronze import DATASETS
from lake.delta_log import DeltaLog, new_file
from lake.storage import LocalStorage

Row = dict[str, Any]

SECOND = 1_000_000_000
BEGIN = 1_793_534_400  # 2026-11-01 12:00:00 UTC
STRIKE = 118_000.0
MARKET = f"0x{0xBEEF:064x}"
UP, DOWN = f"{10**76 + 1}", f"{10**76 + 2}"
GAP = (520, 545)  # seconds in which nobody listened


def commit(lake: Path, dataset: str, rows: Iterable[Row]) -> None:
    """Make rows live in a lake, a file a day."""
    schema = DATASETS[dataset]
    days = defaultdict(list)
    for row in rows:
        moment = row.get("received_at_ns") or row.get("at_ns")
        at = row.get("fetched_at") or datetime.fromtimestamp(moment // SECOND, UTC)
        days[f"dt={at:%Y-%m-%d}"].append(row | {"fetched_at": at})
    files = []
    for day, of_day in days.items():
        path = lake / dataset / day / "0001.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(of_day, schema=schema.schema), path)
        size, footer = path.stat().st_size, pq.read_metadata(path)
        columns = [schema.sort_by[0]]
        files.append(
            new_file(f"{day}/0001.parquet", footer, size=size, columns=columns)
        )
    DeltaLog(LocalStorage(lake), schema).commit(files)


def listen_in(lake: Path) -> None:
    """Put a quarter of an hour of an up/down market into the lake."""
    draw = random.Random(7)
    prices = [STRIKE]
    for _ in range(900):
        prices.append(prices[-1] + draw.gauss(0, 9) + (STRIKE - prices[-1]) / 200)
    walk = {"walk_id": "heard", "page_no": 0}
    ticks = [
        {
            "received_at_ns": (BEGIN + n) * SECOND + 400_000_000,
            "exchange_at_us": (BEGIN + n) * 1_000_000,
            "source": "chainlink",
            "symbol": "btc/usd",
            "price": round(price, 2),
            "price_text": f"{price:.2f}",
            "message_type": "update",
            "row_no": n,
        }
        | walk
        for n, price in enumerate(prices)
    ]
    commit(lake, "crypto_prices", ticks)
    commit(lake, "book_events", _events(prices, draw))
    commit(lake, "book_coverage", _coverage())
    won = "Up" if prices[-1] >= STRIKE else "Down"
    window = {
        "fetched_at": datetime.fromtimestamp(BEGIN + 960, UTC),
        "series": "btc-15m",
        "slug": f"btc-updown-15m-{BEGIN}",
        "condition_id": MARKET,
        "up_token_id": UP,
        "down_token_id": DOWN,
        "window_start": BEGIN,
        "window_end": BEGIN + 900,
        "state": "resolved",
        "strike": f"{STRIKE}",
        "outcome": won,
        "rule": '{"resolutionSource": "https://data.chain.link/streams/btc-usd"}',
        "row_no": 0,
    }
    commit(lake, "updown_windows", [window | walk])


def _coverage() -> Iterator[Row]:
    about = {"condition_id": MARKET, "page_no": 0, "row_no": 0}
    for stretch, (begin, end) in enumerate(((0, GAP[0]), (GAP[1], 900))):
        walk = {"walk_id": f"stretch {stretch}"} | about
        for token in (UP, DOWN):
            at = (BEGIN + begin) * SECOND
            yield {"at_ns": at, "state": "subscribed", "token_id": token} | walk
        at = (BEGIN + end) * SECOND
        yield {"at_ns": at, "state": "broken", "reason": "disconnected"} | walk


def _events(prices: list[float], draw: random.Random) -> Iterator[Row]:
    number = 0
    for second, price in enumerate(prices[:900]):
        if GAP[0] <= second < GAP[1]:
            continue
        left = max(900 - second, 4)
        chance = 0.5 + 0.5 * math.erf((price - STRIKE) / (9 * math.sqrt(2 * left)))
        cents = min(max(round(100 * chance), 5), 95)
        wide = draw.choice([1, 1, 1, 2, 2, 3])
        fresh = second in (0, GAP[1])
        for turn in range(1 if fresh else 6):
            number += 1
            kind = "book" if fresh or draw.random() < 0.03 else "price_change"
            if kind == "price_change" and draw.random() < 0.06:
                kind = "last_trade_price"
            at = (BEGIN + second) * SECOND + turn * 150_000_000 + number
            for row_no, level in enumerate(_levels(kind, cents, wide, draw)):
                yield {
                    "received_at_ns": at,
                    "event_no": at,
                    "event_type": kind,
                    "condition_id": MARKET,
                    "token_id": UP,
                    "exchange_at_ms": at // 1_000_000 - 30,
                    "walk_id": f"stretch {int(second >= GAP[1])}",
                    "page_no": number,
                    "row_no": row_no,
                } | level


def _levels(kind: str, cents: int, wide: int, draw: random.Random) -> Iterator[Row]:
    best = {"best_bid": (cents - 1) / 100, "best_ask": (cents + wide) / 100}
    if kind == "book":
        for away in range(1, 30):
            asked = cents + away + wide - 1
            for side, at in (("BUY", cents - away), ("SELL", asked)):
                if 0 < at < 100:
                    size = round(draw.lognormvariate(4 + away / 12, 0.7), 2)
                    yield {"side": side, "price": at / 100, "size": size}
        return
    side = draw.choice(["BUY", "SELL"])
    at = cents + draw.randint(1, 12) * (1 if side == "SELL" else -1)
    if kind == "last_trade_price":
        at = cents + (1 if side == "BUY" else -1)
    if kind == "price_change" and draw.random() < 0.25:  # what crosses is gone
        at = cents + draw.randint(0, 4) * (-1 if side == "SELL" else 1)
        yield {"side": side, "price": at / 100, "size": 0.0} | best
        return
    size = round(draw.lognormvariate(4.5, 1), 2)
    told = {} if kind == "last_trade_price" else best
    yield {"side": side, "price": min(max(at, 1), 99) / 100, "size": size} | told
