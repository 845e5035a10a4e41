"""Books and their changes in the words of the exchange: prices and sizes as text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sandbox.live.book_tape import Moment
from sandbox.live.levels import ASK, BID
from sandbox.market import Market
from sandbox.web import Json

if TYPE_CHECKING:
    from sandbox.world import World

SIDES = ("BUY", "SELL")
PRICES = [f"{price / 1_000:g}" for price in range(1_001)]
BARE_PRICES = [text[1:] if text.startswith("0.") else text for text in PRICES]


def size_text(size: int) -> str:
    """Hundredths of a share as shares."""
    if size % 100 == 0:
        return str(size // 100)
    return f"{size / 100:.2f}".rstrip("0")


def hash_of(token: str, epoch: int, index: int) -> str:
    """The hash that the book of a token has after a message."""
    return hashlib.sha1(f"{token}{epoch}.{index}".encode()).hexdigest()


def book_json(
    world: World, market: Market, outcome: int, moment: Moment, prices: list[str]
) -> dict[str, Json]:
    """The book of a token: bids ascending, asks descending, the best ones last."""
    book, token = moment.book, market.tokens[outcome]
    sides = [sorted(book.bids.items()), sorted(book.asks.items(), reverse=True)]
    if outcome:
        mirrored = [[(1_000 - p, size) for p, size in side] for side in sides]
        sides = [mirrored[ASK], mirrored[BID]]
    bids, asks = (
        [{"price": prices[price], "size": size_text(size)} for price, size in side]
        for side in sides
    )
    return {
        "market": market.condition,
        "asset_id": token,
        "timestamp": str(moment.named),
        "hash": moment.hashes[outcome]
        if moment.hashes
        else hash_of(token, moment.epoch, moment.place),
        "bids": bids,
        "asks": asks,
        "min_order_size": "5",
        "tick_size": PRICES[book.tick],
        "neg_risk": market.neg_risk,
        "last_trade_price": last_price(world, market, outcome)[0],
    }


def last_price(world: World, market: Market, outcome: int) -> tuple[str, str]:
    """Price and side of the token's last trade; 0.5 and nothing before the first."""
    row = world.last_row(market)
    if row is None:
        return "0.5", ""
    fills = world.tape.fills
    price = float(fills.prices(slice(row, row + 1))[0])
    same = int(fills.outcome[row]) == outcome
    value = round(price if same else 1 - price, 3)
    return f"{value:.6f}".rstrip("0").rstrip("."), SIDES[int(fills.side[row])]
