"""Data v1 beyond trades: the same facts in camelCase, bare and behind offsets."""

from __future__ import annotations

import json

import polars as pl

from sandbox.people import market_books, position_row, wallet_books
from sandbox.v1_trades import missing, paging, required, retired, whole
from sandbox.v2 import camel, event_markets
from sandbox.v2_activity import TYPES, deeds, encoded
from sandbox.v2_boards import board
from sandbox.v2_people import locked, locked_in_all
from sandbox.web import Ask, Json, Reply, Route, plain_problem, reply
from sandbox.world import World

RENAMED = {
    "token_id": "asset", "current_size": "size", "current_price": "curPrice",
    "negative_risk": "negativeRisk", "opposite_token_id": "oppositeAsset",
    "entry_cost_usdc": "initialValue", "unrealized_pnl": "cashPnl",
    "total_size": "totalBought",
}  # fmt: skip
OPEN = (
    "proxyWallet", "asset", "conditionId", "size", "avgPrice", "initialValue",
    "currentValue", "cashPnl", "percentPnl", "totalBought", "realizedPnl",
    "percentRealizedPnl", "curPrice", "redeemable", "mergeable", "title", "slug",
    "icon",
    "eventId", "eventSlug", "outcome", "outcomeIndex",
    "oppositeOutcome", "oppositeAsset", "endDate", "negativeRisk",
)  # fmt: skip
CLOSED = (
    "proxyWallet", "asset", "conditionId", "avgPrice", "totalBought", "realizedPnl",
    "curPrice", "timestamp", "title", "slug", "icon", "eventSlug", "outcome",
    "outcomeIndex", "oppositeOutcome", "oppositeAsset", "endDate",
)  # fmt: skip
SORTS = {
    "CURRENT": "value", "INITIAL": "bought_usdc", "TOKENS": "shares",
    "CASHPNL": "unrealized_pnl", "PERCENTPNL": "total_pnl", "PRICE": "price",
    "AVGPRICE": "average", "REALIZEDPNL": "realized_pnl", "TIMESTAMP": "last_at",
    "TITLE": "market", "RESOLVING": "market",
}  # fmt: skip


def camel_row(row: dict[str, Json]) -> dict[str, Json]:
    """A v2 row under its v1 names."""
    renamed = {RENAMED.get(key, camel(key)): value for key, value in row.items()}
    renamed["timestamp"] = row.get("last_event_at")
    return renamed


def mine(world: World, ask: Ask) -> pl.DataFrame:
    """The asker's positions, narrowed to `market` where given."""
    wallet = world.wallet_index.get(required(ask, "user").lower(), -1)
    frame = wallet_books(world, wallet)
    ids = ask.csv("market")
    if ids:
        chosen = [m.index for m in map(world.market, ids) if m is not None]
        frame = frame.filter(pl.col("market").is_in(chosen))
    return frame


def listing(
    world: World, ask: Ask, frame: pl.DataFrame, keys: tuple[str, ...], usual: str,
    default: int, most: int,
) -> Reply:  # fmt: skip
    """A page of positions under the given keys."""
    limit, offset = paging(world, ask, default, most, "historical positions")
    sort = (ask.one("sortBy") or usual).upper()
    if sort not in SORTS:
        raise plain_problem(f"sortBy must be one of {', '.join(SORTS)}")
    down = (ask.one("sortDirection") or "DESC").upper() == "DESC"
    order = [SORTS[sort], "wallet", "market", "outcome"]
    frame = frame.sort(order, descending=[down, False, False, False])
    rows = []
    for row in frame[offset : offset + limit].iter_rows(named=True):
        named = camel_row(position_row(world, row))
        rows.append({key: named[key] for key in keys})
    return reply(rows)


def positions(world: World, ask: Ask) -> Reply:
    """Open positions; small ones are left out unless `sizeThreshold` says otherwise."""
    retired(world)
    least = float(ask.one("sizeThreshold") or 1)
    frame = mine(world, ask).filter(pl.col("shares") >= max(least * 1e6, 1))
    return listing(world, ask, frame, OPEN, "TOKENS", 100, 500)


def closed_positions(world: World, ask: Ask) -> Reply:
    """Positions that are gone; at most 50 a page."""
    retired(world)
    frame = mine(world, ask).filter(pl.col("shares") <= 0)
    return listing(world, ask, frame, CLOSED, "REALIZEDPNL", 10, 50)


def activity(world: World, ask: Ask) -> Reply:
    """What a wallet did."""
    retired(world)
    wallet = world.wallet_index.get(required(ask, "user").lower(), -1)
    limit, offset = paging(world, ask, 100, 500, "historical activity")
    types = [name.upper() for name in ask.csv("type")]
    if not set(types) <= set(TYPES) - {"TIP"}:
        raise plain_problem(f"type must be one of {', '.join(TYPES[:-1])}")
    begin, end = whole(ask, "start", 0), whole(ask, "end", 0)
    found = [
        deed
        for deed in deeds(world, wallet)
        if (not types or deed.type in types)
        and begin <= deed.at
        and (not end or deed.at <= end)
    ]
    found.sort(key=lambda deed: (deed.at, deed.sequence), reverse=True)
    part = found[offset : offset + limit]
    rows = [json.loads(encoded(world, wallet, deed)) for deed in part]
    return reply([camel_row(row) | {"timestamp": row["timestamp"]} for row in rows])


def holders(world: World, ask: Ask) -> Reply:
    """The largest holders of each token; at most 20, and nobody below one share."""
    retired(world)
    ids = ask.csv("market")
    markets = [m for m in map(world.market, ids) if m is not None]
    if not ids or not all(text.startswith("0x") for text in ids):
        raise missing("market")
    limit = min(whole(ask, "limit", 20), 20)
    least = float(ask.one("minBalance") or 1) * 1e6
    rows = []
    for market in markets:
        frame = market_books(world, market).sort("shares", descending=True)
        for outcome, token in enumerate(market.tokens):
            top = frame.filter(
                (pl.col("outcome") == outcome) & (pl.col("shares") >= least)
            )[:limit]
            people = [
                {
                    "proxyWallet": world.universe.wallets.address(row["wallet"]),
                    "asset": token,
                    "amount": row["shares"] / 1e6,
                    "outcomeIndex": outcome,
                    "displayUsernamePublic": True,
                    **camel_row(world.universe.wallets.profile(row["wallet"])),
                }
                for row in top.iter_rows(named=True)
            ]
            rows.append({"token": token, "holders": people})
    return reply(rows)


def value(world: World, ask: Ask) -> Reply:
    """What a wallet's positions are worth."""
    retired(world)
    total = round(float(mine(world, ask)["value"].sum()), 4)
    return reply([{"user": required(ask, "user").lower(), "value": total}])


def interest(world: World, ask: Ask) -> Reply:
    """Dollars locked in markets."""
    retired(world)
    ids = ask.csv("market")
    if not ids:
        return reply([{"market": "GLOBAL", "value": locked_in_all(world)}])
    markets = [m for m in map(world.market, ids) if m is not None]
    return reply([{"market": m.condition, "value": locked(world, m)} for m in markets])


def live_volume(world: World, ask: Ask) -> Reply:
    """Shares traded in an event's markets."""
    retired(world)
    ids = [int(text) for text in required(ask, "id").split(",") if text.isdigit()]
    markets = [m for m in event_markets(world, ids) if m.kind != "amm"]
    rows = [{"market": m.condition, "value": world.shares(m)} for m in markets]
    return reply([{"total": sum(world.shares(m) for m in markets), "markets": rows}])


def traded(world: World, ask: Ask) -> Reply:
    """In how many markets a wallet traded."""
    retired(world)
    frame = mine(world, ask)
    return reply({"user": required(ask, "user"), "traded": frame["market"].n_unique()})


def leaderboard(world: World, ask: Ask) -> Reply:
    """At most 1,050 names; `rank` is a string."""
    retired(world)
    period = (ask.one("timePeriod") or "DAY").lower()
    sort = "dollars" if (ask.one("orderBy") or "PNL").upper() == "VOL" else "pnl"
    category = (ask.one("category") or "OVERALL").upper()
    limit = min(max(whole(ask, "limit", 25), 1), 50)
    offset = min(max(whole(ask, "offset", 0), 0), 1_000)
    rows = world.memo(
        f"v1 board {period} {sort} {category}",
        0,
        lambda: board(world, period, sort, category),
    )
    return reply(
        [
            {
                "rank": str(row["rank"]),
                "proxyWallet": row["user_id"],
                "userName": row["user_name"],
                "vol": row["dollars"],
                "pnl": row["pnl"],
                "profileImage": row["profile_image"],
                "xUsername": "",
                "verifiedBadge": False,
            }
            for row in rows[offset : offset + limit]
        ]
    )


POSITIONS = ("data_v1_positions",)
ROUTES = [
    Route("GET", "/data/positions", positions, 0, POSITIONS),
    Route("GET", "/data/closed-positions", closed_positions, 0,
          ("data_v1_closed_positions",)),
    Route("GET", "/data/activity", activity),
    Route("GET", "/data/holders", holders),
    Route("GET", "/data/value", value),
    Route("GET", "/data/oi", interest),
    Route("GET", "/data/live-volume", live_volume),
    Route("GET", "/data/traded", traded),
    Route("GET", "/data/v1/leaderboard", leaderboard),
]  # fmt: skip
