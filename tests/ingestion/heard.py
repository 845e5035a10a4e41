"""Bronze rows of live capture, for the tests of what silver makes of them."""

from __future__ import annotations

from typing import Any

from bronze_lake import NOON, Row, at

SECOND = 1_000_000_000
MARKET = "0x" + "c1".rjust(64, "0")


def moment(second: float) -> int:
    """Nanoseconds of so many seconds after noon."""
    return NOON * SECOND + round(second * SECOND)


def event(
    second: float,
    kind: str = "price_change",
    *,
    token: str | None = "101",
    market: str | None = MARKET,
    walk: str = "s1",
    row: int = 0,
    number: int | None = None,
    **more: Any,
) -> Row:
    """An event heard so many seconds after noon; `number` is its event_no."""
    return {
        "received_at_ns": moment(second),
        "event_no": moment(second) if number is None else number,
        "event_type": kind,
        "condition_id": market,
        "token_id": token,
        "exchange_at_ms": (NOON + int(second)) * 1000,
        "fetched_at": at(second),
        "walk_id": walk,
        "page_no": 0,
        "row_no": row,
        **more,
    }


def book(
    second: float,
    bids: list[tuple[float, float]],
    asks: list[tuple[float, float]],
    **more: Any,
) -> list[Row]:
    """A `book` message: a row a level."""
    levels = [("BUY", *level) for level in bids] + [("SELL", *level) for level in asks]
    return [
        event(second, "book", side=side, price=price, size=size, row=row, **more)
        for row, (side, price, size) in enumerate(levels)
    ] or [event(second, "book", **more)]


def covered(second: float, state: str, token: str | None = None, **more: Any) -> Row:
    """A row of coverage."""
    return {
        "at_ns": moment(second),
        "state": state,
        "token_id": token,
        "condition_id": None if token is None else MARKET,
        "fetched_at": at(second),
        "walk_id": "s1",
        "page_no": 0,
        "row_no": 0,
        **more,
    }


def tick(second: float, price: str, **more: Any) -> Row:
    """A tick of Chainlink, heard two seconds after it was observed."""
    return {
        "received_at_ns": moment(second + 2),
        "exchange_at_us": (NOON + int(second)) * 1_000_000,
        "source": "chainlink",
        "symbol": "btc/usd",
        "price": float(price),
        "price_text": price,
        "message_type": "update",
        "fetched_at": at(second + 2),
        "walk_id": "r1",
        "page_no": 0,
        "row_no": 0,
        **more,
    }


def window(fetched: float, state: str, **more: Any) -> Row:
    """What is known of the window that begins at noon."""
    return {
        "series": "btc-15m",
        "slug": f"btc-updown-15m-{NOON}",
        "window_start": NOON,
        "window_end": NOON + 900,
        "state": state,
        "fetched_at": at(fetched),
        "walk_id": "u1",
        "page_no": 0,
        "row_no": 0,
        **more,
    }


def fault(ident: str, started: float, ended: float | None = None, **more: Any) -> Row:
    """One end of an error."""
    return {
        "error_id": ident,
        "service": "books",
        "error_type": "disconnected",
        "started_at_ns": moment(started),
        "ended_at_ns": None if ended is None else moment(ended),
        "fetched_at": at(started if ended is None else ended),
        "walk_id": "e1",
        "page_no": 0,
        "row_no": 0,
        **more,
    }


def poll(second: float, state: str = "whole", **more: Any) -> Row:
    """That the largest wallets of the market were asked for."""
    return {
        "condition_id": MARKET,
        "source": "positions",
        "state": state,
        "asked_at_ns": moment(second),
        "fetched_at": at(second),
        "walk_id": f"p{second}",
        "page_no": 0,
        "row_no": 0,
        **more,
    }


def held(second: float, wallet: str, size: float, **more: Any) -> Row:
    """What a wallet holds of the token."""
    return {
        "condition_id": MARKET,
        "token_id": "101",
        "proxy_wallet": "0x" + wallet.rjust(40, "0"),
        "source": "positions",
        "asked_at_ns": moment(second),
        "rank": 1,
        "size": size,
        "avg_price": 0.5,
        "current_value": size / 2,
        "fetched_at": at(second),
        "walk_id": f"p{second}",
        "page_no": 0,
        "row_no": 0,
        **more,
    }
