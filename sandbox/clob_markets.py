"""The CLOB's catalogue: four listings of 1,000 rows a page, and single markets."""

from __future__ import annotations

import base64
import binascii

from sandbox.market import Market
from sandbox.web import Ask, Json, Reply, Route, plain_problem, reply
from sandbox.words import TAGS
from sandbox.world import BOOK_DELAY, TOKEN_DELAY, World, iso

END = "LTE="
USDC = "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174"


def catalogue(world: World) -> list[Market | None]:
    """The CLOB's markets in order; hidden ones too; None for the blank old rows."""
    now = world.now
    rows: list[Market | None] = []
    for market in world.listed:
        if market.kind == "amm" or market.created_at + BOOK_DELAY > now:
            continue
        if market.kind == "old" and market.salt % 4 == 0:
            rows.append(None)
        rows.append(market)
    return rows


def full(world: World, market: Market | None) -> dict[str, Json]:
    """A market with all keys; a blank one has empty ids."""
    if market is None:
        return blank()
    now = world.now
    closed = market.closed(now)
    event = world.event_of(market)
    tags = [label for number, label, _ in TAGS if event and number in event.tags]
    sports = market.kind == "sports"
    return {
        "enable_order_book": not closed,
        "active": True,
        "closed": closed,
        "archived": False,
        "accepting_orders": not closed or market.salt % 17 == 0,
        "accepting_order_timestamp": iso(market.start_at),
        "minimum_order_size": 15 if market.kind == "old" else 5,
        "minimum_tick_size": market.tick / 1000,
        "condition_id": market.condition,
        "question_id": market.question_id,
        "question": market.question,
        "description": market.description,
        "market_slug": market.slug,
        "end_date_iso": iso(market.end_at) if market.salt % 40 else None,
        "game_start_time": iso(market.end_at) if sports else None,
        "seconds_delay": 3 if sports else 0,
        "fpmm": "",
        "maker_base_fee": 1000 if market.fee_rate else 0,
        "taker_base_fee": 1000 if market.fee_rate else 0,
        "notifications_enabled": True,
        "neg_risk": market.neg_risk,
        "neg_risk_market_id": event.neg_risk_market_id if event else "",
        "neg_risk_request_id": "",
        "icon": market.icon,
        "image": market.icon,
        "rewards": rewards(market, closed),
        "is_50_50_outcome": closed and market.payouts[0] == 500_000,
        "tokens": tokens(world, market),
        "tags": tags if market.salt % 23 else None,
    }


def blank() -> dict[str, Json]:
    """One of the oldest rows, which have no ids at all."""
    token = {"token_id": "", "outcome": "", "price": 0, "winner": False}
    flags = (
        "enable_order_book", "active", "archived", "accepting_orders", "neg_risk",
        "is_50_50_outcome", "notifications_enabled",
    )  # fmt: skip
    texts = (
        "condition_id", "question_id", "question", "description", "market_slug", "fpmm",
        "neg_risk_market_id", "neg_risk_request_id", "icon", "image",
    )  # fmt: skip
    numbers = ("minimum_tick_size", "maker_base_fee", "taker_base_fee", "seconds_delay")
    return {
        **dict.fromkeys(flags, False),
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(numbers, 0),
        "minimum_order_size": 14.96,
        "closed": True,
        "accepting_order_timestamp": None,
        "end_date_iso": None,
        "game_start_time": None,
        "rewards": {"rates": None, "min_size": 0, "max_spread": 0},
        "tokens": [token, dict(token)],
        "tags": None,
    }


def rewards(market: Market, closed: bool) -> dict[str, Json]:
    """The liquidity rewards; rates are null where there are none."""
    if closed or market.salt % 3:
        return {"rates": None, "min_size": 0, "max_spread": 0}
    rate = {"asset_address": USDC, "rewards_daily_rate": market.salt % 90 + 1}
    return {"rates": [rate], "min_size": 200, "max_spread": 3.5}


def tokens(world: World, market: Market) -> list[dict[str, Json]]:
    """Tokens with price and winner; no ids in the first minutes of a market."""
    now = world.now
    closed = market.closed(now)
    hydrated = market.created_at + TOKEN_DELAY <= now
    return [
        {
            "token_id": token if hydrated else "",
            "outcome": market.outcomes[outcome],
            "price": world.mid(market, outcome, now),
            "winner": closed and market.payouts[outcome] == 1_000_000,
        }
        for outcome, token in enumerate(market.tokens)
    ]


SHORT = (
    "condition_id", "rewards", "tokens", "active", "closed", "archived",
    "accepting_orders",
)  # fmt: skip


def page(world: World, ask: Ask, rows: list[Market | None], *, short: bool) -> Reply:
    """One page of a listing; the cursor is an offset in base64."""
    size = world.options.clob_page
    start = offset_of(ask)
    part = [full(world, market) for market in rows[start : start + size]]
    if short:
        part = [{key: row[key] for key in SHORT} for row in part]
    done = start + size >= len(rows)
    cursor = END if done else base64.b64encode(str(start + size).encode()).decode()
    return reply(
        {"limit": size, "count": len(part), "next_cursor": cursor, "data": part}
    )


def offset_of(ask: Ask) -> int:
    """Where the page begins; 400 for the end marker and for nonsense."""
    text = ask.one("next_cursor")
    if text is None:
        return 0
    try:
        offset = int(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise plain_problem("Invalid next_cursor") from None
    if offset < 0:
        raise plain_problem("Next item should be greater than or equal to 0")
    return offset


def markets(world: World, ask: Ask) -> Reply:
    """`/markets`."""
    return page(world, ask, catalogue(world), short=False)


def simplified(world: World, ask: Ask) -> Reply:
    """`/simplified-markets`."""
    return page(world, ask, catalogue(world), short=True)


def rewarded(world: World) -> list[Market | None]:
    """The markets with rewards now."""
    now = world.now
    rows = (m for m in catalogue(world) if m is not None)
    return [m for m in rows if not m.closed(now) and m.salt % 3 == 0]


def sampling(world: World, ask: Ask) -> Reply:
    """`/sampling-markets`."""
    return page(world, ask, rewarded(world), short=False)


def sampling_simplified(world: World, ask: Ask) -> Reply:
    """`/sampling-simplified-markets`."""
    return page(world, ask, rewarded(world), short=True)


def known(world: World, ask: Ask) -> Market:
    """The market of the path; 404 when the CLOB does not know it (yet)."""
    market = world.market(ask.match["condition_id"])
    late = market is not None and market.created_at + BOOK_DELAY > world.now
    if market is None or late or market.kind in ("amm", "combo"):
        raise plain_problem("market not found", 404)
    return market


def one(world: World, ask: Ask) -> Reply:
    """`/markets/{condition_id}`."""
    return reply(full(world, known(world, ask)))


def short_keys(world: World, ask: Ask) -> Reply:
    """`/clob-markets/{condition_id}`."""
    market = known(world, ask)
    row = full(world, market)
    return reply(
        {
            "gst": row["game_start_time"],
            "r": row["rewards"],
            "t": [{"t": t["token_id"], "o": t["outcome"]} for t in row["tokens"]],
            "mos": row["minimum_order_size"],
            "mts": row["minimum_tick_size"],
            "mbf": row["maker_base_fee"],
            "tbf": row["taker_base_fee"],
            "rfqe": False,
            "itode": False,
            "ibce": False,
            "fd": {"r": market.fee_rate, "e": 1, "to": True},
            "oas": 0,
            "nr": market.neg_risk,
        }
    )


def by_token(world: World, ask: Ask) -> Reply:
    """`/markets-by-token/{token_id}`."""
    pair = world.token(ask.match["token_id"])
    if pair is None or pair[0].kind in ("amm", "combo"):
        raise plain_problem("market not found", 404)
    first, second = pair[0].tokens
    return reply(
        {
            "condition_id": pair[0].condition,
            "primary_token_id": first,
            "secondary_token_id": second,
        }
    )


ROUTES = [
    Route("GET", "/clob/markets", markets),
    Route("GET", "/clob/simplified-markets", simplified),
    Route("GET", "/clob/sampling-markets", sampling),
    Route("GET", "/clob/sampling-simplified-markets", sampling_simplified),
    Route("GET", "/clob/markets/{condition_id}", one),
    Route("GET", "/clob/clob-markets/{condition_id}", short_keys),
    Route("GET", "/clob/markets-by-token/{token_id}", by_token),
]
