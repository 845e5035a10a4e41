"""Data v2 `/v2/resolutions`: how markets were settled, as far as that has come."""

from __future__ import annotations

import numpy as np

from sandbox.fills import block_of
from sandbox.market import NEVER, Market
from sandbox.v2 import conditions, event_markets, events, one, single
from sandbox.web import Ask, Json, Reply, Route, v2_problem
from sandbox.world import World, iso

UNSET = "69"  # what a price says that nobody has proposed
WHOLE = 10**12  # a payout of a millionth in the oracle's numbers: 1e18 is a dollar
TYPES = {True: "INCREMENTAL_NEGRISK", False: "BINARY"}


def resolutions(world: World, ask: Ask) -> Reply:
    """How markets were settled: by question, by condition or by event."""
    given = [
        name for name in ("question_id", "condition", "event_id") if one(ask, name)
    ]
    if len(given) != 1:
        raise v2_problem(
            "provide exactly one of 'question_id', 'condition', or 'event_id'",
            "condition",
        )
    if given == ["question_id"]:
        wanted = (one(ask, "question_id") or "").lower()
        if "," in wanted:
            raise v2_problem("invalid question id", "question_id")
        markets = [m for m in world.listed if has_oracle(m) and m.question_id == wanted]
        return single([by_question(m, world.now) for m in markets])
    if given == ["condition"]:
        ids = conditions(ask)
        if any(len(text) == 64 for text in ids):
            raise v2_problem("invalid condition id", "condition")
        markets = [m for m in map(world.market, ids) if m is not None]
    else:
        markets = event_markets(world, events(ask, 20))
    rows = [by_condition(m, world.now) for m in markets]
    return single([row for row in rows if row is not None])


def has_oracle(market: Market) -> bool:
    """Whether people propose how it ends, instead of a feed of prices."""
    return market.kind in ("binary", "sports", "old", "v2")


def state(market: Market, now: int) -> tuple[int, str]:
    """Since when it is in which state."""
    steps = (
        (market.closed_at, "resolved"),
        (market.disputed_at, "disputed"),
        (market.proposed_at, "proposed"),
        (market.created_at, "posed" if has_oracle(market) else "active"),
    )
    return next((at, name) for at, name in steps if at <= now)


def by_condition(market: Market, now: int) -> Json | None:
    """The row of a condition; the oldest markets have none."""
    if market.kind == "amm" and market.salt % 2:
        return None
    at, status = state(market, now)
    row: dict[str, Json] = {
        "condition_id": padded(market.condition),
        "status": status,
        "extended_review": False,
        "was_disputed": market.disputed_at <= now,
        "new_version_q": False,
        "transaction_hash": "",
        "log_index": "",
        "last_update_timestamp": iso(at),
        "market_type": TYPES[market.neg_risk],
    }
    if has_oracle(market):
        row["question_id"] = market.question_id
    if status in ("proposed", "disputed"):
        expected = at + (7_200 if status == "proposed" else 172_800)
        basis = "liveness" if status == "proposed" else "dvm_round_estimate"
        row["expected_settlement_time"] = iso(expected)
        row["settlement_time_basis"] = basis
    if status == "resolved":
        block = int(block_of(np.array([market.closed_at]))[0])
        row |= {
            "payouts": list(market.payouts),
            "resolution_source": "reported",
            "reporter": "UMA_OO" if has_oracle(market) else "CHAINLINK",
            "was_arbitrated": False,
            "resolved_block": block,
            "resolved_at": iso(market.closed_at),
        }
    return row


def by_question(market: Market, now: int) -> Json:
    """The row of a question: what was proposed, with 69 for what was not."""
    at, status = state(market, now)
    first = market.payouts[0] * WHOLE
    disputed = market.disputed_at < NEVER
    if disputed:  # the first proposal was the other way round
        first = 10**18 - first
    final = str(market.payouts[0] * WHOLE) if status == "resolved" else UNSET
    return {
        "question_id": market.question_id,
        "status": status,
        "extended_review": False,
        "was_disputed": market.disputed_at <= now,
        "new_version_q": False,
        "proposed_price": str(first) if market.proposed_at <= now else UNSET,
        "reproposed_price": final if disputed else UNSET,
        "price": final,
        "transaction_hash": f"0x{market.salt:064x}",
        "log_index": str(market.salt % 300),
        "last_update_timestamp": str(at),
    }


def padded(condition: str) -> str:
    """The 64 digits by which this route knows every condition."""
    return condition.ljust(66, "0")


ROUTES = [Route("GET", "/data/v2/resolutions", resolutions)]
