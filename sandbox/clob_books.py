"""The CLOB's order books and prices: the books of the tape as they are now."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.live.wording import PRICES, book_json, last_price
from sandbox.market import Market
from sandbox.web import Ask, Json, Reply, Route, plain_problem, reply
from sandbox.world import World

MOST_TOKENS = 500
NO_BOOK = "No orderbook exists for the requested token id"
Found = tuple[Market, int]


def decimal(value: float) -> str:
    """A price or size as the book writes it."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def book(world: World, found: Found) -> dict[str, Json]:
    """The book of a token as it is on the tape now."""
    market, outcome = found
    moment = world.books.moment(market, world.now_ms)
    return book_json(world, market, outcome, moment, PRICES)


def open_token(world: World, token: str | None) -> Found | None:
    """The market of a token that has a book now."""
    found = world.token(token) if token else None
    return found if found is not None and world.has_book(found[0]) else None


def wanted(world: World, ask: Ask) -> Found:
    """The token of a single-token route: 400 malformed, 404 without a book."""
    token = ask.match.get("token_id") or ask.one("token_id")
    if token is None or not token.isdigit():
        raise plain_problem("Invalid token id")
    found = open_token(world, token)
    if found is None:
        raise plain_problem(NO_BOOK, 404)
    return found


def many(ask: Ask) -> list[dict[str, str]]:
    """The tokens, and sides, of a batch: a JSON array, or csv parameters."""
    if ask.method == "POST":
        try:
            items = ask.json()
            rows = [{**item, "token_id": str(item["token_id"])} for item in items]
        except (ValueError, KeyError, TypeError):
            raise plain_problem("Invalid payload") from None
    else:
        sides = ask.csv("sides") or [""] * len(ask.csv("token_ids"))
        pairs = zip(ask.csv("token_ids"), sides, strict=False)
        rows = [{"token_id": token, "side": side} for token, side in pairs]
    if len(rows) > MOST_TOKENS:
        raise plain_problem("Payload exceeds the limit")
    return rows


def best(world: World, found: Found, side: str) -> str:
    """The best bid for BUY, the best ask for SELL."""
    market, outcome = found
    low, high = world.books.moment(market, world.now_ms).book.best()
    if outcome:
        low, high = 1_000 - high, 1_000 - low
    return PRICES[low if side.upper() == "BUY" else high]


def one_book(world: World, ask: Ask) -> Reply:
    """`/book`."""
    return reply(book(world, wanted(world, ask)))


def books(world: World, ask: Ask) -> Reply:
    """`/books`: tokens without a book are left out."""
    found = (open_token(world, item["token_id"]) for item in many(ask))
    return reply([book(world, pair) for pair in found if pair is not None])


def price(world: World, ask: Ask) -> Reply:
    """`/price`."""
    side = (ask.one("side") or "").upper()
    if side not in ("BUY", "SELL"):
        raise plain_problem("Invalid side")
    return reply({"price": best(world, wanted(world, ask), side)})


def prices(world: World, ask: Ask) -> Reply:
    """`/prices`: numbers, by token and side."""
    rows: dict[str, dict[str, float]] = {}
    for item in many(ask):
        found = open_token(world, item["token_id"])
        if found is not None:
            sides = [item["side"]] if item.get("side") else ["BUY", "SELL"]
            entry = rows.setdefault(item["token_id"], {})
            entry |= {side: float(best(world, found, side)) for side in sides}
    return reply(rows)


def mid_of(world: World, found: Found) -> str:
    """The midpoint of the best bid and ask."""
    low, high = best(world, found, "BUY"), best(world, found, "SELL")
    return decimal((float(low) + float(high)) / 2)


def spread_of(world: World, found: Found) -> str:
    """Best ask less best bid."""
    low, high = best(world, found, "BUY"), best(world, found, "SELL")
    return decimal(float(high) - float(low))


Measure = Callable[[World, Found], str]


def single(name: str, measure: Measure) -> Callable[[World, Ask], Reply]:
    """A route that gives one measure of one token."""

    def respond(world: World, ask: Ask) -> Reply:
        return reply({name: measure(world, wanted(world, ask))})

    return respond


def batch(measure: Measure) -> Callable[[World, Ask], Reply]:
    """A route that gives one measure by token."""

    def respond(world: World, ask: Ask) -> Reply:
        pairs = ((i["token_id"], open_token(world, i["token_id"])) for i in many(ask))
        return reply({token: measure(world, pair) for token, pair in pairs if pair})

    return respond


def last_trade(world: World, ask: Ask) -> Reply:
    """`/last-trade-price`."""
    value, side = last_price(world, *wanted(world, ask))
    return reply({"price": value, "side": side})


def last_trades(world: World, ask: Ask) -> Reply:
    """`/last-trades-prices`."""
    rows = []
    for item in many(ask):
        found = open_token(world, item["token_id"])
        if found is not None:
            value, side = last_price(world, *found)
            rows.append({"token_id": item["token_id"], "price": value, "side": side})
    return reply(rows)


def tick_size(world: World, ask: Ask) -> Reply:
    """`/tick-size`: a number."""
    market = wanted(world, ask)[0]
    tick = world.books.moment(market, world.now_ms).book.tick
    return reply({"minimum_tick_size": tick / 1_000})


def neg_risk(world: World, ask: Ask) -> Reply:
    """`/neg-risk`."""
    return reply({"neg_risk": wanted(world, ask)[0].neg_risk})


def fee_rate(world: World, ask: Ask) -> Reply:
    """`/fee-rate`: 0 on fee markets too."""
    wanted(world, ask)
    return reply({"base_fee": 0})


def server_time(world: World, ask: Ask) -> Reply:
    """`/time`: a bare integer."""
    return reply(world.now)


def frozen_history(world: World, ask: Ask) -> Reply:
    """`/orderbook-history`: nothing since February 2026, and it does not say so."""
    return reply({"count": 0, "data": []})


ROUTES = [
    Route("GET", "/clob/book", one_book, 0, ("clob_book",)),
    Route("GET", "/clob/books", books, 0, ("clob_books",)),
    Route("POST", "/clob/books", books, 0, ("clob_books",)),
    Route("GET", "/clob/price", price, 0, ("clob_price",)),
    Route("GET", "/clob/prices", prices, 0, ("clob_prices",)),
    Route("POST", "/clob/prices", prices, 0, ("clob_prices",)),
    Route("GET", "/clob/midpoint", single("mid", mid_of), 0, ("clob_midpoint",)),
    Route("GET", "/clob/midpoints", batch(mid_of), 0, ("clob_midpoints",)),
    Route("POST", "/clob/midpoints", batch(mid_of), 0, ("clob_midpoints",)),
    Route("GET", "/clob/spread", single("spread", spread_of)),
    Route("POST", "/clob/spreads", batch(spread_of)),
    Route("GET", "/clob/last-trade-price", last_trade),
    Route("GET", "/clob/last-trades-prices", last_trades),
    Route("POST", "/clob/last-trades-prices", last_trades),
    Route("GET", "/clob/tick-size", tick_size, 0, ("clob_tick_size",)),
    Route("GET", "/clob/tick-size/{token_id}", tick_size, 0, ("clob_tick_size",)),
    Route("GET", "/clob/neg-risk", neg_risk),
    Route("GET", "/clob/fee-rate", fee_rate),
    Route("GET", "/clob/time", server_time),
    Route("GET", "/clob/orderbook-history", frozen_history),
]
