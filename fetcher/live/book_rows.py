"""Messages of the market channel as rows of bronze book_events.

Every schema the channel has had is read: `price_changes` (since 2025-09-15), the flat
one and the `changes` list before. A message of another kind, or one that does not say
what its kind must, is kept whole in `raw`: nothing that was heard is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fetcher.polymarket.typed_rows import compact_json

Message = dict[str, Any]
Row = tuple[Any, ...]

MOST_RAW = 64 * 1024  # characters kept of what could not be read
MALFORMED = "malformed"
UNKNOWN = "unknown"

# What each kind is known to say, in whole and in each change.
_CHANGE = {"asset_id", "price", "size", "side", "hash", "best_bid", "best_ask"}
_KNOWN = {
    "book": {
        *("event_type", "market", "asset_id", "bids", "asks", "timestamp", "hash"),
        *("min_order_size", "tick_size", "neg_risk", "last_trade_price"),
    },
    "price_change": {
        *("event_type", "market", "timestamp", "price_changes", "changes", *_CHANGE),
    },
    "last_trade_price": {
        *("event_type", "market", "asset_id", "price", "size", "side", "timestamp"),
        *("fee_rate_bps", "transaction_hash"),
    },
    "tick_size_change": {
        *("event_type", "market", "asset_id", "old_tick_size", "new_tick_size"),
        *("timestamp", "side"),
    },
    "best_bid_ask": {
        *("event_type", "market", "asset_id", "best_bid", "best_ask", "spread"),
        "timestamp",
    },
}


class Unread(ValueError):
    """A message that does not say what its kind must."""


def event_rows(message: Any, received_ns: int, number: int) -> list[Row]:
    """The rows of one message, without their lineage; at least one.

    In the order of the columns of bronze book_events up to `raw`, and `extra` last.
    """
    if not isinstance(message, dict):
        return [_whole(message, received_ns, number, MALFORMED)]
    kind = message.get("event_type")
    kind = kind if isinstance(kind, str) and kind else UNKNOWN
    reader, known = _READERS.get(kind), _KNOWN.get(kind)
    if reader is None or known is None:
        return [_whole(message, received_ns, number, kind)]
    try:
        extra = None
        if not message.keys() <= known:
            more = message.keys() - known
            extra = compact_json({key: message[key] for key in sorted(more)})
        market = _text(message.get("market"))
        at = _moment(message.get("timestamp"))
        rows = [
            (received_ns, number, kind, market, *row[:12], at, *row[12:], None, extra)
            for row in reader(message)
        ]
    except (Unread, KeyError, TypeError, AttributeError):
        return [_whole(message, received_ns, number, kind)]
    return rows


def malformed_row(payload: bytes, received_ns: int, number: int) -> Row:
    """The row of a frame that is no JSON."""
    text = payload[:MOST_RAW].decode(errors="replace")
    return _row_of_raw(received_ns, number, MALFORMED, None, None, None, text)


# The readers give: token_id, side, price, size, best_bid, best_ask, spread,
# old_tick_size, tick_size, min_order_size, last_trade_price, hash, (time goes here)
# fee_rate_bps, transaction_hash
Parts = tuple[Any, ...]


def _book(message: Message) -> Iterator[Parts]:
    token = _token(message)
    after = (
        *(None, None, None, None),
        _number(message.get("tick_size")),
        _number(message.get("min_order_size")),
        _number(message.get("last_trade_price")),
        _text(message.get("hash")),
        *(None, None),
    )
    levels: list[Parts] = [
        (token, side, _needed(level["price"]), _needed(level["size"]), *after)
        for side, key in (("BUY", "bids"), ("SELL", "asks"))
        for level in message.get(key) or ()
    ]
    yield from levels or [(token, None, None, None, *after)]


def _price_change(message: Message) -> Iterator[Parts]:
    changes, shared = message.get("price_changes"), None
    if changes is None and "changes" in message:
        changes = message["changes"]  # of one token, which the message names
        shared = {"asset_id": message.get("asset_id"), "hash": message.get("hash")}
    if changes is None:
        changes = (message,)
    if not changes:
        raise Unread("a price change without a change")
    for change in changes:
        one = change if shared is None else {**shared, **change}
        yield (
            _token(one),
            _side(one),
            _needed(one["price"]),
            _needed(one["size"]),
            _number(one.get("best_bid")),
            _number(one.get("best_ask")),
            *(None, None, None, None, None),
            _text(one.get("hash")),
            *(None, None),
        )


def _trade(message: Message) -> Iterator[Parts]:
    yield (
        _token(message),
        _side(message),
        _needed(message["price"]),
        _number(message.get("size")),
        *(None, None, None, None, None, None, None, None),
        _number(message.get("fee_rate_bps")),
        _text(message.get("transaction_hash")),
    )


def _tick(message: Message) -> Iterator[Parts]:
    yield (
        _token(message),
        *(None, None, None, None, None, None),
        _number(message.get("old_tick_size")),
        _needed(message["new_tick_size"]),
        *(None, None, None, None, None),
    )


def _best(message: Message) -> Iterator[Parts]:
    yield (
        _token(message),
        *(None, None, None),
        _number(message.get("best_bid")),
        _number(message.get("best_ask")),
        _number(message.get("spread")),
        *(None, None, None, None, None, None, None),
    )


_READERS: dict[str, Callable[[Message], Iterator[Parts]]] = {
    "book": _book,
    "price_change": _price_change,
    "last_trade_price": _trade,
    "tick_size_change": _tick,
    "best_bid_ask": _best,
}


def _whole(message: Any, received_ns: int, number: int, kind: str) -> Row:
    """A message kept as it came; market, token and time are read where they fit."""
    market = token = at = None
    if isinstance(message, dict):
        market, token = message.get("market"), message.get("asset_id")
        try:
            at = _moment(message.get("timestamp"))
        except Unread:
            at = None
    return _row_of_raw(
        received_ns,
        number,
        kind,
        market if isinstance(market, str) else None,
        token if isinstance(token, str) else None,
        at,
        compact_json(message)[:MOST_RAW],
    )


def _row_of_raw(
    received_ns: int,
    number: int,
    kind: str,
    market: str | None,
    token: str | None,
    at: int | None,
    raw: str,
) -> Row:
    return (
        *(received_ns, number, kind, market, token),
        *((None,) * 11),
        *(at, None, None, raw, None),
    )


def _token(message: Message) -> str:
    token = message.get("asset_id")
    if not isinstance(token, str) or not token:
        raise Unread("no asset_id")
    return token


def _side(message: Message) -> str:
    side = message.get("side")
    if side not in ("BUY", "SELL"):
        raise Unread(f"side {side!r}")
    return str(side)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise Unread(f"{value!r} is no text")


def _needed(value: Any) -> float:
    number = _number(value)
    if number is None:
        raise Unread("a number is missing")
    return number


def _number(value: Any) -> float | None:
    """A number as the channel writes it: a text like `0.48`, `.48`; or a number."""
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Unread(f"{value!r} is no number") from None
    if number - number != 0.0:  # an infinity, or no number
        raise Unread(f"{value!r} is no number")
    return number


def _moment(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        moment = int(value)
    except (TypeError, ValueError):
        raise Unread(f"{value!r} is no time") from None
    if not 0 <= moment < 1 << 62:
        raise Unread(f"{value!r} is no time")
    return moment
