"""Messages of the market channel: what happened to a market, as JSON text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sandbox.live.book_tape import Moment
from sandbox.live.chance import roll
from sandbox.live.script import EPOCH_MS, Change, Happening
from sandbox.live.wording import (
    BARE_PRICES,
    PRICES,
    SIDES,
    book_json,
    hash_of,
    size_text,
)
from sandbox.market import Market
from sandbox.web import Json, dumps

if TYPE_CHECKING:
    from sandbox.world import World

SCHEMAS = ("new", "flat", "changes")
BARE = 0.08  # share of messages whose prices lack the leading zero
DIGITS = 1_000


class Row(NamedTuple):
    """What a message says, level by level or change by change."""

    token_id: str
    side: str | None = None
    price: str | None = None
    size: str | None = None
    hash: str | None = None


@dataclass(slots=True)
class Message:
    """One message, for whoever listens to one of its tokens."""

    event_type: str
    condition: str
    tokens: tuple[str, ...]
    at_ms: int | None  # the time it names
    text: str
    rows: tuple[Row, ...]
    custom: bool = False  # only for those who asked for more
    number: int = 0  # counts the messages of a server


@dataclass
class Style:
    """How the channel words things; switched while it runs."""

    schema: str = "new"
    unknown_keys: bool = False
    unknown_types: float = 0.0  # share of changes followed by a type nobody knows
    resolved: float = 0.8  # share of markets whose `market_resolved` is sent
    arrays: float = 0.02  # share of later frames that are arrays
    most_tokens: int = 500  # above it no snapshot comes, and nothing says so
    deltas_above: bool = True  # and whether changes still do


def bare(market: Market, epoch: int, index: int) -> list[str]:
    """The spelling of a message's prices."""
    rare = roll(market.salt, 31, epoch, index) < BARE
    return BARE_PRICES if rare else PRICES


def book_message(
    world: World, market: Market, outcome: int, moment: Moment, prices: list[str]
) -> Message:
    """A `book`: the whole of one token's levels."""
    body = book_json(world, market, outcome, moment, prices)
    token = market.tokens[outcome]
    rows = tuple(
        Row(token, side, level["price"], level["size"], body["hash"])
        for side, key in (("BUY", "bids"), ("SELL", "asks"))
        for level in body[key]
    ) or (Row(token, hash=body["hash"]),)
    text = dumps({"event_type": "book", **body}).decode()
    return Message("book", market.condition, (token,), moment.named, text, rows)


def told(
    world: World, market: Market, happening: Happening, style: Style
) -> list[Message]:
    """The messages of something that happened, those for the curious included."""
    epoch = happening.at // EPOCH_MS
    prices = bare(market, epoch, happening.index)
    if happening.kind == "book":
        moment = world.books.moment(market, happening.at)
        return [book_message(world, market, o, moment, prices) for o in (0, 1)]
    if happening.kind == "trade":
        return [trade_message(market, happening)]
    if happening.kind == "tick":
        return [tick_message(market, happening, token) for token in market.tokens]
    made = [new_change, flat_changes, flat_changes][SCHEMAS.index(style.schema)]
    return made(market, happening, epoch, prices, style)


def mirrored(change: Change) -> Change:
    """The same change of the other token's book."""
    return Change(
        1 - change.side,
        1_000 - change.price,
        change.size,
        1_000 - change.best_ask,
        1_000 - change.best_bid,
    )


def new_change(
    market: Market, happening: Happening, epoch: int, prices: list[str], style: Style
) -> list[Message]:
    """A `price_change` as it is since September 2025: both tokens in one message."""
    parts, rows = [], []
    for outcome, token in enumerate(market.tokens):
        digest = hash_of(token, epoch, happening.index)
        for change in happening.changes:
            side, price, size, bid, ask = mirrored(change) if outcome else change
            amount, word = size_text(size), SIDES[side]
            rows.append(Row(token, word, prices[price], amount, digest))
            parts.append(
                f'{{"asset_id":"{token}","price":"{prices[price]}","size":"{amount}",'
                f'"side":"{word}","hash":"{digest}",'
                f'"best_bid":"{prices[bid]}","best_ask":"{prices[ask]}"}}'
            )
    more = ',"sequence_hint":null' if style.unknown_keys else ""
    text = (
        f'{{"market":"{market.condition}","price_changes":[{",".join(parts)}],'
        f'"timestamp":"{happening.named}","event_type":"price_change"{more}}}'
    )
    found = [message("price_change", market, happening.named, text, tuple(rows))]
    if roll(market.salt, 32, epoch, happening.index) < style.unknown_types:
        text = (
            f'{{"event_type":"liquidity_pulse","market":"{market.condition}",'
            f'"asset_id":"{market.tokens[0]}","timestamp":"{happening.named}",'
            '"pulse":{"depth":[1,2,3]}}'
        )
        rows = [Row(market.tokens[0])]
        found.append(
            message("liquidity_pulse", market, happening.named, text, tuple(rows))
        )
    return found


def message(
    kind: str, market: Market, at: int, text: str, rows: tuple[Row, ...]
) -> Message:
    """A message for the listeners of either token."""
    return Message(kind, market.condition, market.tokens, at, text, rows)


def flat_changes(
    market: Market, happening: Happening, epoch: int, prices: list[str], style: Style
) -> list[Message]:
    """`price_change` as it was: a message a token, in one of two old forms."""
    found = []
    for outcome, token in enumerate(market.tokens):
        digest = hash_of(token, epoch, happening.index)
        own = [mirrored(c) if outcome else c for c in happening.changes]
        rows = tuple(
            Row(token, SIDES[c.side], prices[c.price], size_text(c.size), digest)
            for c in own
        )
        head = {"asset_id": token, "market": market.condition, "hash": digest}
        tail = {"timestamp": str(happening.named), "event_type": "price_change"}
        levels = [{"price": r.price, "side": r.side, "size": r.size} for r in rows]
        bodies: list[tuple[dict[str, Json], tuple[Row, ...]]] = [
            ({**head, **level, **tail}, (row,))
            for level, row in zip(levels, rows, strict=True)
        ]
        if style.schema == "changes":
            bodies = [({**head, "changes": levels, **tail}, rows)]
        for body, said in bodies:
            text, at = dumps(body).decode(), happening.named
            found.append(
                Message("price_change", market.condition, (token,), at, text, said)
            )
    return found


def trade_message(market: Market, happening: Happening) -> Message:
    """A `last_trade_price`."""
    trade = happening.trade
    assert trade is not None
    token = market.tokens[trade.outcome]
    body = {
        "market": market.condition,
        "asset_id": token,
        "price": trade.price,
        "size": trade.size,
        "side": trade.side,
        "fee_rate_bps": "0",
        "timestamp": str(happening.named),
        "event_type": "last_trade_price",
    }
    if roll(market.salt, 33, happening.at) < 0.9:
        body["transaction_hash"] = trade.transaction_hash
    rows = (Row(token, trade.side, trade.price, trade.size, trade.transaction_hash),)
    text = dumps(body).decode()
    return Message("last_trade_price", market.condition, (token,), happening.named,
                   text, rows)  # fmt: skip


def tick_message(market: Market, happening: Happening, token: str) -> Message:
    """A `tick_size_change`."""
    old, new = (PRICES[tick] for tick in happening.ticks)
    body = {
        "event_type": "tick_size_change",
        "asset_id": token,
        "market": market.condition,
        "old_tick_size": old,
        "new_tick_size": new,
        "timestamp": str(happening.named),
    }
    text = dumps(body).decode()
    return Message("tick_size_change", market.condition, (token,), happening.named,
                   text, (Row(token),))  # fmt: skip


def best_messages(market: Market, at: int, bid: int, ask: int) -> list[Message]:
    """`best_bid_ask` of both tokens, for those who asked for more."""
    found = []
    for outcome, token in enumerate(market.tokens):
        low, high = (1_000 - ask, 1_000 - bid) if outcome else (bid, ask)
        body = {
            "event_type": "best_bid_ask",
            "market": market.condition,
            "asset_id": token,
            "best_bid": PRICES[low],
            "best_ask": PRICES[high],
            "spread": PRICES[high - low],
            "timestamp": str(at),
        }
        text = dumps(body).decode()
        found.append(
            Message("best_bid_ask", market.condition, (token,), at, text,
                    (Row(token),), True)
        )  # fmt: skip
    return found


def new_market(world: World, market: Market) -> Message:
    """A `new_market`, for everybody who asked for more."""
    event = world.event_of(market)
    tokens, at = list(market.tokens), market.created_at * 1_000 + market.salt % 900
    body: dict[str, Json] = {
        "id": str(market.id), "question": market.question, "market": market.condition,
        "slug": market.slug, "description": market.description, "assets_ids": tokens,
        "outcomes": list(market.outcomes), "event_message": story(event),
        "timestamp": str(at), "event_type": "new_market", "tags": [],
        "condition_id": market.condition, "active": True, "clob_token_ids": tokens,
        "sports_market_type": "", "line": "", "game_start_time": "",
        "order_price_min_tick_size": PRICES[market.tick], "group_item_title": "",
    }  # fmt: skip
    return Message("new_market", market.condition, (), at, dumps(body).decode(),
                   (Row(""),), True)  # fmt: skip


def resolved(world: World, market: Market) -> Message:
    """A `market_resolved`."""
    winner = max(range(len(market.payouts)), key=market.payouts.__getitem__)
    at = market.closed_at * 1_000
    body: dict[str, Json] = {
        "id": str(market.id), "market": market.condition,
        "assets_ids": list(market.tokens), "winning_asset_id": market.tokens[winner],
        "winning_outcome": market.outcomes[winner], "timestamp": str(at),
        "event_type": "market_resolved", "tags": [],
    }  # fmt: skip
    if market.salt % 2:
        body |= {"question": market.question, "slug": market.slug,
                 "outcomes": list(market.outcomes),
                 "event_message": story(world.event_of(market))}  # fmt: skip
    rows = (Row(market.tokens[winner]),)
    made = message("market_resolved", market, at, dumps(body).decode(), rows)
    made.custom = True
    return made


def story(event: object) -> dict[str, Json]:
    """The event of a market, in brief."""
    names = ("id", "slug", "title")
    found = {name: str(getattr(event, name, "")) for name in names}
    return {**found, "ticker": found["slug"], "description": ""}
