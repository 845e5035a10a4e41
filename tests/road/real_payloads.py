"""Captured answers of the real services, and folders from which a sandbox serves them.

The captures belong to third parties and are no part of this repository: they lie in a
folder beside it, and without that folder the tests that need them are skipped.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fetcher.polymarket.times import unix_seconds

Item = dict[str, Any]

REAL = Path(__file__).parents[2].parent / "shared" / "real"
BORAT = "borat14011-sudo__wom-polymarket-strategy"
NAUTILUS = "nautechsystems__nautilus_trader"
ACHENZY = "Achenzy-prog__Insider_Amy"

MARKETS = (
    f"{BORAT}/gamma_markets_active_200.json.gz",
    f"{BORAT}/gamma_markets_by_condition_20.json.gz",
    f"{BORAT}/gamma_markets_legacy_500.json.gz",
    f"{BORAT}/gamma_markets_pages_600.json.gz",
    "bobaoxu2001__prediction-market-value-lab/fixtures/polymarket_markets.json.gz",
    "guzus__dr-manhattan/polymarket_markets.json.gz",
    f"{NAUTILUS}/gamma_market.json.gz",
    f"{NAUTILUS}/gamma_market_closed_nonbinary_legacy.json",
    f"{NAUTILUS}/gamma_market_closed_zero_zero_legacy.json",
    f"{NAUTILUS}/gamma_market_sports_market_map_handicap.json.gz",
    "Ligengxin96__polymarket-data-samples/BTC-5m-markets-2026-07-24.jsonl.gz",
)
EVENTS = (f"{BORAT}/gamma_events_10.json.gz", "jm709__pscanner/event.json.gz")
TRADES = (
    f"{ACHENZY}/data_api_trades_user.json.gz",
    f"{BORAT}/data_api_trades_100.json.gz",
    f"{NAUTILUS}/trades.json",
)
ONE_TRADERS_FILLS = "Borisz42__PolymarketAnalyst/user_data_20251229.csv.gz"
CAPPED_PAGES = (
    "ibalgo__insider-trading-prediction/data_api_trades_nobel_with_page_overlap.csv.gz"
)
MILLION_ROWS = (
    "Nav1212__PolyMarketAnalytics/trades_20251211_153245_pagination_bug.parquet"
)


def path_of(name: str) -> Path:
    """Where a captured file lies; the test is skipped where it does not."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"captured payloads are not here: {path}")
    return path


def rows_of(*names: str) -> list[Item]:
    """The objects of captured files, as they were served."""
    rows: list[Item] = []
    for name in names:
        content = path_of(name).read_bytes()
        text = (gzip.decompress(content) if name.endswith("gz") else content).decode()
        if "jsonl" in name:
            rows += [json.loads(line)["raw"] for line in text.splitlines() if line]
            continue
        value = json.loads(text)
        if isinstance(value, dict):
            value = [value] if name in EVENTS else value.get("markets", [value])
        rows += [item.get("raw", item) for item in value]
    return rows


def text_of(name: str) -> str:
    """The text of a captured file."""
    content = path_of(name).read_bytes()
    return (gzip.decompress(content) if name.endswith("gz") else content).decode()


def clob_page(name: str) -> list[Item]:
    """The markets of a captured page of the order book's list."""
    rows: list[Item] = json.loads(text_of(name))["data"]
    return rows


def value_of(name: str) -> Any:
    """The JSON value of a captured file."""
    return json.loads(gzip.decompress(path_of(name).read_bytes()))


def table_of(name: str) -> list[dict[str, str]]:
    """The lines of a captured CSV file: text, as it is there."""
    text = gzip.decompress(path_of(name).read_bytes()).decode()
    return list(csv.DictReader(io.StringIO(text)))


def embedded_events(markets: Iterable[Item]) -> list[Item]:
    """The events inside of market objects, one object an id."""
    found = {e["id"]: e for item in markets for e in item.get("events") or ()}
    return list(found.values())


def one_traders_fills(wallet: str) -> list[Item]:
    """Fills of one trader in BTC 15-minute markets, as rows of v1.

    The capture names neither market, token, wallet nor hash. Each placeholder is made
    of the row's own content, so two equal rows are equal in everything.
    """
    rows = []
    for line in table_of(ONE_TRADERS_FILLS):
        window = (line["TargetTime"], line["ExpirationTime"])
        second = datetime.fromisoformat(line["timestamp"]).replace(tzinfo=UTC)
        rows.append(
            {
                "proxyWallet": wallet,
                "side": "BUY",
                "asset": placeholder_token(*window, line["trade_side"]),
                "conditionId": placeholder("condition", *window),
                "size": float(line["quantity"]),
                "price": float(line["price"]),
                "timestamp": int(second.timestamp()),
                "outcome": line["trade_side"],
                "outcomeIndex": ["Up", "Down"].index(line["trade_side"]),
                "transactionHash": placeholder("hash", *line.values()),
            }
        )
    return rows


def capped_rows() -> list[Item]:
    """The rows of ten pages of 500 of which the last eight are the same page."""
    numbers = {"size": float, "price": float, "timestamp": int, "outcomeIndex": int}
    return [
        {key: numbers.get(key, str)(value) for key, value in line.items()}
        for line in table_of(CAPPED_PAGES)
    ]


def million_rows() -> pl.DataFrame:
    """A million rows, 2,000 answers of 500, with v2's names and the `answer` of each.

    The capture has neither hash nor token: both are made of the row's own content, so
    equal rows stay equal. No two markets share an answer.
    """
    rows = pl.read_parquet(path_of(MILLION_ROWS)).rename(
        {
            "proxyWallet": "proxy_wallet",
            "conditionId": "condition_id",
        }
    )
    content = ["proxy_wallet", "side", "price", "size", "condition_id", "timestamp"]
    named = (
        rows.select(content)
        .unique()
        .with_columns(
            pl.struct(content)
            .map_elements(lambda row: placeholder("hash", *row.values()), pl.String)
            .alias("transaction_hash"),
            pl.col("condition_id")
            .map_elements(placeholder_token, pl.String)
            .alias("token_id"),
        )
    )
    numbered = rows.with_row_index("row_no").with_columns(
        (pl.col("row_no") // 500).alias("answer")
    )
    return numbered.join(named, on=content, maintain_order="left")


def newest_first(trades: Iterable[Item]) -> list[Item]:
    """Trades as one feed: captures of different days, put in the feed's order."""
    return sorted(trades, key=lambda row: -row["timestamp"])


def oldest_first(items: Iterable[Item]) -> list[Item]:
    """Markets or events by their start, as a pass over the listing asks for them."""
    return sorted(items, key=lambda item: unix_seconds(item.get("startDate")) or 0)


class Folder:
    """A folder of answers for `sandbox_server(payloads=...)`, with its routes.toml."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._routes: list[str] = []

    def route(
        self,
        path: str,
        body: Any,
        *,
        query: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Folder:
        """Answer a path with a body; of several routes that fit, the first one does."""
        file = f"answer{len(self._routes)}"  # no suffix: found by its route alone
        (self.path / file).write_text(json.dumps(body))
        lines = ["[[route]]", f"path = {json.dumps(path)}", f'file = "{file}"']
        lines += [
            f"{key} = {_toml(value)}"
            for key, value in {"query": query or {}, **more}.items()
        ]
        self._routes.append("\n".join(lines))
        (self.path / "routes.toml").write_text("\n\n".join(self._routes) + "\n")
        return self

    def catalogue(
        self, markets: Sequence[Item] = (), events: Sequence[Item] = ()
    ) -> Folder:
        """Gamma that lists these and nothing else, nothing new among them."""
        for name, items in (("markets", markets), ("events", events)):
            for order in ("id", "closedTime"):
                self.route(f"/gamma/{name}/keyset", {name: []}, query={"order": order})
            for closed in (False, True):
                self.route(
                    f"/gamma/{name}/keyset",
                    oldest_first(i for i in items if bool(i.get("closed")) == closed),
                    query={"closed": str(closed).lower()},
                    wrap=f"gamma-{name}",
                    match={"condition_ids": "conditionId", "id": "id", "slug": "slug"},
                )
            self.route(f"/gamma/{name}/.*", {"error": "not found"}, status=404)
        return self

    def trades(self, rows: Iterable[Item]) -> Folder:
        """Data API v2 that holds these trades and no others."""
        return self.route(
            "/data/v2/trades",
            newest_first(rows),
            wrap="v2",
            match={"condition": "condition_id", "user": "proxy_wallet"},
        )


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }"
    return json.dumps(value)


def placeholder(kind: str, *content: Any) -> str:
    """Hex for what a capture left out, made of what it has: equal rows stay equal."""
    digits = {"hash": 64, "condition": 64, "wallet": 40}[kind]
    text = "\x1f".join([kind, *map(str, content)])
    return "0x" + hashlib.sha256(text.encode()).hexdigest()[:digits]


def placeholder_token(*content: Any) -> str:
    """A token id for a capture that left it out."""
    return str(int(placeholder("hash", "token", *content), 16))
