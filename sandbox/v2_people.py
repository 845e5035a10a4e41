"""Data v2: positions, holders, open interest, boards and P&L of wallets."""

from __future__ import annotations

import polars as pl

from sandbox.market import Market
from sandbox.people import (
    DUST_SHARES,
    all_books,
    market_books,
    position_row,
    wallet_books,
)
from sandbox.v2 import (
    amount,
    conditions,
    no_offset,
    number,
    one,
    page,
    read_cursor,
    single,
    user,
)
from sandbox.web import Ask, Json, Reply, Route, dumps, v2_problem
from sandbox.world import World

SORTS = {
    "CURRENT_VALUE": "value", "PRICE": "price", "TOKENS": "shares",
    "UNREALIZED_PNL": "unrealized_pnl", "REALIZED_PNL": "realized_pnl",
    "TOTAL_PNL": "total_pnl", "TIMESTAMP": "last_at",
}  # fmt: skip
STATUSES = ("OPEN", "REDEEMABLE", "REDEEMABLE_LOST", "MERGEABLE", "CLOSED")
FALLS_BACK = ("TOKENS", "CURRENT_VALUE", "PRICE", "UNREALIZED_PNL")


def positions(world: World, ask: Ask) -> Reply:
    """A page of positions of a wallet or of a market, by the sort key asked for."""
    no_offset(ask)
    who, ids = user(ask), conditions(ask)
    if who is None and len(ids) != 1:
        raise v2_problem("provide 'user' or exactly one 'condition'", "user")
    status = (one(ask, "status") or "OPEN").upper()
    sort = (one(ask, "sort_by") or "CURRENT_VALUE").upper()
    if status not in STATUSES:
        raise v2_problem(f"status must be one of {', '.join(STATUSES)}", "status")
    if sort not in SORTS:
        raise v2_problem(f"sort_by must be one of {', '.join(SORTS)}", "sort_by")
    down = (one(ask, "sort_direction") or "DESC").upper() == "DESC"
    anchor = who if who is not None else ids[0]
    inside = read_cursor(world, "positions", ask)
    if inside and (inside["av"], inside["s"]) != (anchor, sort):
        raise v2_problem("invalid cursor", "cursor")
    limit = inside["l"] if inside else number(ask, "limit", 100, 1, 1_000)
    served = sort
    if who is not None and status == "CLOSED" and sort in FALLS_BACK:
        served = "REALIZED_PNL"
    frame = held(world, who, ids, status, amount(ask, "filter_amount", DUST_SHARES))
    frame = frame.sort([SORTS[served], *KEYS], descending=[down, False, False, False])
    start = inside["o"] if inside else 0
    part = frame[start : start + limit]
    cursor = None
    if start + limit < frame.height:
        place = {"l": limit, "o": start + limit, "a": "user" if who else "condition"}
        place |= {
            "av": anchor,
            "st": status,
            "s": sort,
            "dir": "DESC" if down else "ASC",
        }
        cursor = world.signer.sign("positions", place)
    rows = [position_row(world, row) for row in part.iter_rows(named=True)]
    return page([dumps(row).decode() for row in rows], limit, cursor)


KEYS = ["wallet", "market", "outcome"]


def held(
    world: World, who: str | None, ids: list[str], status: str, least: float
) -> pl.DataFrame:
    """The positions of a question, before its order."""
    markets = [m for m in map(world.market, ids) if m is not None]
    if who is not None:
        wallet = world.wallet_index.get(who, -1)
        frame = wallet_books(world, wallet)
        if ids:
            frame = frame.filter(pl.col("market").is_in([m.index for m in markets]))
    elif markets:
        frame = market_books(world, markets[0])
    else:
        frame = wallet_books(world, -1)
    closed = [m.index for m in world.listed if m.closed(world.now)]
    settled = pl.col("market").is_in(closed)
    size = pl.col("shares") / 1e6
    paid = pl.col("price") > 0
    masks = {
        "OPEN": size >= max(least, DUST_SHARES),
        "REDEEMABLE": settled & paid & (size > 0),
        "REDEEMABLE_LOST": settled & ~paid & (size > 0),
        "MERGEABLE": (size > 0) & (pl.len().over("wallet", "market") > 1),
        "CLOSED": size <= 0,
    }
    return frame.filter(masks[status])


def holders(world: World, ask: Ask) -> Reply:
    """Who holds each token of some markets; an offset walk behind a token."""
    no_offset(ask)
    ids = conditions(ask)
    if not ids:
        raise v2_problem("required query param 'condition' not provided", "condition")
    if any(len(text) == 64 for text in ids):
        raise v2_problem("invalid condition id", "condition")
    inside = read_cursor(world, "holders", ask)
    limit = inside["l"] if inside else number(ask, "limit", 100, 1, 1_000)
    start = inside["o"] if inside else 0
    least = amount(ask, "min_balance", 0.0)
    rows, more = [], False
    for market in (m for m in map(world.market, ids) if m is not None):
        frame = market_books(world, market)
        for outcome, token in enumerate(market.tokens):
            mine = frame.filter(
                (pl.col("outcome") == outcome)
                & (pl.col("shares") > 0)
                & (pl.col("shares") >= least * 1e6)
            ).sort(["shares", "wallet"], descending=[True, False])
            part = mine[start : start + limit]
            more |= start + limit < mine.height
            people = [holder(world, market, row) for row in part.iter_rows(named=True)]
            if people:
                rows.append({"token_id": token, "holders": people})
    place = {"l": limit, "o": start + limit}
    cursor = world.signer.sign("holders", place) if more else None
    return page([dumps(row).decode() for row in rows], limit, cursor)


def holder(world: World, market: Market, row: dict[str, Json]) -> dict[str, Json]:
    """One holder of a token."""
    outcome = int(row["outcome"])
    return {
        "proxy_wallet": world.universe.wallets.address(row["wallet"]),
        "token_id": market.tokens[outcome],
        "amount": row["shares"] / 1e6,
        "display_username_public": True,
        "outcome_index": outcome,
        "verified": False,
        **world.universe.wallets.profile(row["wallet"]),
    }


def interest(world: World, ask: Ask) -> Reply:
    """Dollars locked in markets; `GLOBAL` without a filter."""
    ids = conditions(ask)
    if not ids:
        return single([{"condition_id": "GLOBAL", "value": locked_in_all(world)}])
    markets = [m for m in map(world.market, ids) if m is not None]
    return single(
        [{"condition_id": m.condition, "value": locked(world, m)} for m in markets]
    )


def locked(world: World, market: Market) -> float:
    """What all wallets together have paid into a market and not got back."""
    frame = market_books(world, market)
    kept = float(frame["cash"].sum()) + float(frame["fees_usdc"].sum())
    return round(-kept / 1e6, 6)


def locked_in_all(world: World) -> float:
    """The same of all markets together."""
    frame = all_books(world)
    kept = float(frame["cash"].sum()) + float(frame["fees_usdc"].sum())
    return round(-kept / 1e6, 6)


def value(world: World, ask: Ask) -> Reply:
    """What a wallet's positions are worth."""
    who = user(ask, required=True)
    frame = wallet_books(world, world.wallet_index.get(who or "", -1))
    ids = conditions(ask)
    if ids:
        chosen = [m.index for m in map(world.market, ids) if m is not None]
        frame = frame.filter(pl.col("market").is_in(chosen))
    return single({"proxy_wallet": who, "value": round(float(frame["value"].sum()), 4)})


ROUTES = [
    Route("GET", "/data/v2/positions", positions, 5, ("data_v2_positions",)),
    Route("GET", "/data/v2/holders", holders, 120),
    Route("GET", "/data/v2/oi", interest, 300),
    Route("GET", "/data/v2/value", value),
]
