"""Bronze rows of Gamma's markets and events, and of the CLOB's markets."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from bronze import clob_markets, events, markets
from fetcher.polymarket.page_columns import Columns, columns_of
from fetcher.polymarket.typed_rows import Converter, Item, Misfit, Row, digest

_MARKET = Converter(markets.FIELDS)
_EVENT = Converter(events.FIELDS)
_CLOB_MARKET = Converter(clob_markets.FIELDS)
_TEXT_IDS = re.compile(r'\["\d+"(?:,"\d+")*\]', re.ASCII)

# Another route's answer to the same market lacks the tags, and Gamma touches
# updatedAt without changing anything: neither makes a new row.
_NOT_CONTENT = frozenset({"updatedAt", "tags", "events"})
_NOT_EVENT_CONTENT = frozenset({"updatedAt", "markets"})


def market_digest(item: Item, *, event: Item | None = None) -> str:
    """Return what tells whether the market says something new; cheap."""
    event = _event_of(item, event) or {}
    named = {"event_id": event.get("id"), "event_slug": event.get("slug")}
    return digest(item, without=_NOT_CONTENT, more=named)


def event_digest(item: Item) -> str:
    """Return what tells whether the event, markets aside, says something new."""
    return digest(item, without=_NOT_EVENT_CONTENT)


def clob_market_digest(item: Item) -> str:
    """Return what tells whether the CLOB's market says something new.

    While it is open its tokens' prices move all the time: they are stored, but they
    alone are no change.
    """
    if item.get("closed") or "tokens" not in item:
        return digest(item)
    tokens = _without_prices(item["tokens"])
    return digest(item, without=frozenset({"tokens"}), more={"tokens": tokens})


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
    row["content_hash"] = market_digest(item, event=event)
    event = _event_of(item, event) or {}
    for column, key in (("event_id", "id"), ("event_slug", "slug")):
        if event.get(key) is not None:
            row[column] = str(event[key])
    return row


def event_row(item: Any) -> Row:
    """Return the event as a bronze row without its markets. Raises Misfit."""
    row = _EVENT.row(item, without=frozenset({"markets"}))
    _require_number(row)
    row["content_hash"] = event_digest(item)
    return row


def clob_market_row(item: Any) -> Row:
    """Return the CLOB's market as a bronze row. Raises Misfit."""
    row = _CLOB_MARKET.row(item)
    row["content_hash"] = clob_market_digest(item)
    return row


def market_columns(
    items: Sequence[Any],
    digests: Sequence[str],
    *,
    events: Sequence[Item | None] | None = None,
) -> Columns | None:
    """Return what `market_row` makes of each of the objects, by column.

    `digests` are what `market_digest` says of them. Null where one may be a Misfit.
    """
    if not all(isinstance(item, dict) for item in items):
        return None
    if not all(isinstance(item.get("events"), list | None) for item in items):
        return None
    columns = columns_of(_MARKET, items, without=frozenset({"events"}))
    if columns is None or not _are_numbers(columns):
        return None
    for column in ("clob_token_ids", "position_ids"):
        if column in columns:
            columns[column] = [_ids_as_text(text) for text in columns[column]]
    columns["content_hash"] = digests
    named = [
        _event_of(item, None if events is None else events[place]) or {}
        for place, item in enumerate(items)
    ]
    for column, key in (("event_id", "id"), ("event_slug", "slug")):
        values = [event.get(key) for event in named]
        columns[column] = [None if one is None else str(one) for one in values]
    return columns


def event_columns(items: Sequence[Any], digests: Sequence[str]) -> Columns | None:
    """Return what `event_row` makes of each of the objects, by column, or null."""
    if not all(isinstance(item, dict) for item in items):
        return None
    columns = columns_of(_EVENT, items, without=frozenset({"markets"}))
    if columns is None or not _are_numbers(columns):
        return None
    columns["content_hash"] = digests
    return columns


def clob_market_columns(items: Sequence[Any], digests: Sequence[str]) -> Columns | None:
    """Return what `clob_market_row` makes of the objects, by column, or null."""
    if not all(isinstance(item, dict) for item in items):
        return None
    columns = columns_of(_CLOB_MARKET, items, without=frozenset())
    if columns is not None:
        columns["content_hash"] = digests
    return columns


def _event_of(item: Item, event: Item | None) -> Item | None:
    named = item.get("events")
    if event is None and isinstance(named, list) and named:
        event = named[0] if isinstance(named[0], dict) else None
    return event


def _require_number(row: Row) -> None:
    identity = row.get("id")
    if not isinstance(identity, str) or not identity.isascii():
        raise Misfit("it has no id")
    if not _is_number(identity):
        raise Misfit(f"its id {identity[:80]!r} is not a number")


def _are_numbers(columns: Columns) -> bool:
    ids = columns.get("id", (None,))
    return all(isinstance(one, str) and _is_number(one) for one in ids)


def _is_number(identity: str) -> bool:
    return identity.isascii() and identity.isdigit() and len(identity) <= 18


def _ids_as_text(text: str | None) -> str | None:
    """Token ids that came as bare numbers become text: no number type holds them."""
    if text is None or _TEXT_IDS.fullmatch(text):
        return text
    ids = json.loads(text)
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
