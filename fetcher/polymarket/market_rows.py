"""Bronze rows of Gamma's markets and events, and of the CLOB's markets."""

from __future__ import annotations

import json
from typing import Any

from bronze import clob_markets, events, markets
from fetcher.polymarket.typed_rows import Converter, Item, Misfit, Row, content_hash

_MARKET = Converter(markets.FIELDS)
_EVENT = Converter(events.FIELDS)
_CLOB_MARKET = Converter(clob_markets.FIELDS)

# Another route's answer to the same market lacks the tags, and Gamma touches
# updated_at without changing anything: neither makes a new row.
_NOT_CONTENT = frozenset({"updated_at", "tags"})
_NOT_EVENT_CONTENT = frozenset({"updated_at"})


def market_row(item: Any, *, event: Item | None = None) -> Row:
    """Return the market as a bronze row, lineage left to the caller.

    The event is the one the answer was embedded in, else the first that the market
    names. Raises Misfit.
    """
    if not isinstance(item, dict):
        raise Misfit("a market is not a JSON object")
    named = item.get("events")
    embeds = named is None or isinstance(named, list)
    row = _MARKET.row(item, without=frozenset({"events"} if embeds else ()))
    _require_number(row)
    for column in ("clob_token_ids", "position_ids"):
        if column in row:
            row[column] = _ids_as_text(row[column])
    if event is None and isinstance(named, list) and named:
        event = named[0] if isinstance(named[0], dict) else None
    if event is not None:
        for column, key in (("event_id", "id"), ("event_slug", "slug")):
            if event.get(key) is not None:
                row[column] = str(event[key])
    row["content_hash"] = content_hash(row, without=_NOT_CONTENT)
    return row


def event_row(item: Any) -> Row:
    """Return the event as a bronze row without its markets. Raises Misfit."""
    row = _EVENT.row(item, without=frozenset({"markets"}))
    _require_number(row)
    row["content_hash"] = content_hash(row, without=_NOT_EVENT_CONTENT)
    return row


def clob_market_row(item: Any) -> Row:
    """Return the CLOB's market as a bronze row. Raises Misfit.

    While it is open its tokens' prices move all the time: they are stored, but they
    alone are no change.
    """
    row = _CLOB_MARKET.row(item)
    content = row
    if not row.get("closed") and "tokens" in row:
        content = row | {"tokens": _without_prices(json.loads(row["tokens"]))}
    row["content_hash"] = content_hash(content, without=frozenset())
    return row


def _require_number(row: Row) -> None:
    identity = row.get("id")
    if not isinstance(identity, str) or not identity.isascii():
        raise Misfit("it has no id")
    if not identity.isdigit() or len(identity) > 18:
        raise Misfit(f"its id {identity[:80]!r} is not a number")


def _ids_as_text(text: str | None) -> str | None:
    """Token ids that came as bare numbers become text: no number type holds them."""
    ids = None if text is None else json.loads(text)
    if not isinstance(ids, list) or all(isinstance(i, str) for i in ids):
        return text
    return json.dumps([i if isinstance(i, str) else str(i) for i in ids])


def _without_prices(tokens: Any) -> Any:
    if not isinstance(tokens, list):
        return tokens
    return [
        {key: value for key, value in token.items() if key != "price"}
        if isinstance(token, dict)
        else token
        for token in tokens
    ]
