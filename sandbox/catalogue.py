"""The catalogue of a universe: events and markets in order, with ids and tokens."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sandbox.market import NEVER, Event, Market
from sandbox.options import DAY, Options
from sandbox.topics import NO, SPLIT, YES, topics
from sandbox.words import PEOPLE, THINGS, UPLOADS

OLDEST_IDS = (12, 17, 18, 19, 20, 36)


@dataclass
class Catalogue:
    """All events and markets; `markets[m.index] is m`, and ids ascend with it.

    Markets at `listed` and after are combos: they trade, and no catalogue knows them.
    """

    events: list[Event]
    markets: list[Market]
    listed: int
    by_id: dict[int, Market] = field(default_factory=dict)
    by_slug: dict[str, Market] = field(default_factory=dict)
    by_condition: dict[str, Market] = field(default_factory=dict)
    by_token: dict[str, tuple[Market, int]] = field(default_factory=dict)
    events_by_id: dict[int, Event] = field(default_factory=dict)
    events_by_slug: dict[str, Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for market in self.markets:
            self.by_condition[market.condition] = market
            for outcome, token in enumerate(market.tokens):
                self.by_token[token] = (market, outcome)
            if market.index < self.listed:
                self.by_id[market.id] = market
                self.by_slug[market.slug] = market
        for event in self.events:
            self.events_by_id[event.id] = event
            self.events_by_slug[event.slug] = event


def build_catalogue(options: Options) -> Catalogue:
    """The catalogue of these options, the same on every call."""
    rng = random.Random(f"catalogue {options.seed} {options.size}")
    events = topics(options)
    events.sort(key=lambda event: (event.created_at, event.slug))
    slugs: set[str] = set()
    event_id = 2_890
    for index, event in enumerate(events):
        event.index = index
        event.id = event_id
        event_id += rng.randint(1, 3)
        event.slug = unused(event.slug, slugs)
        if event.neg_risk:
            event.neg_risk_market_id = "0x" + rng.randbytes(31).hex() + "00"
    pairs = [(event, market) for event in events for market in event.markets]
    pairs.sort(key=lambda pair: (pair[1].created_at, pair[0].index))
    markets: list[Market] = []
    slugs = set()
    market_id = 240_000
    for index, (event, market) in enumerate(pairs):
        market.index = index
        market.event = event.index
        market.slug = unused(market.slug, slugs)
        if market.kind == "amm":
            number = OLDEST_IDS[index] if index < len(OLDEST_IDS) else 31 + index * 2
            market.id = number
        else:
            market_id += rng.choice((1, 1, 1, 2, 7))
            market.id = market_id
        identify(rng, event, market)
        markets.append(market)
    hide(rng, options, markets)
    ensure_splits(rng, options, markets)
    listed = len(markets)
    for number in range(max(2, listed // 100)):
        markets.append(combo(rng, options, listed + number))
    return Catalogue(events, markets, listed)


def identify(rng: random.Random, event: Event, market: Market) -> None:
    """Give the market its hex and decimal ids, of the kinds that its era used."""
    market.salt = rng.getrandbits(32)
    market.icon = f"{UPLOADS}{market.slug[:40]} +{market.salt:x}.png"
    market.neg_risk = event.neg_risk
    market.question_id = "0x" + rng.randbytes(32).hex()
    if event.neg_risk:
        leg = event.markets.index(market)
        market.question_id = event.neg_risk_market_id[:-2] + f"{leg + 1:02x}"
    if market.kind == "v2":
        condition = rng.randbytes(31)
        market.condition = "0x" + condition.hex()
        market.tokens = tuple(
            str(int.from_bytes(condition) << 8 | outcome) for outcome in range(2)
        )
        return
    market.condition = "0x" + rng.randbytes(32).hex()
    market.tokens = tuple(
        str(int.from_bytes(rng.randbytes(32))) for _ in market.outcomes
    )
    if market.kind == "amm":
        market.fpmm = checksum(rng)


def combo(rng: random.Random, options: Options, index: int) -> Market:
    """A market of two legs: 62 hex digits, no slug, no Gamma entry."""
    legs = [f"{rng.choice(PEOPLE)} {rng.choice(THINGS)}" for _ in range(2)]
    start = options.now - rng.randint(3, 18) * DAY
    market = Market(
        "combo", " AND ".join(legs), "", ("", ""), start, start, start + 60 * DAY,
        start, options.end, NEVER, NO, tick=1,
    )  # fmt: skip
    market.index = index
    market.salt = rng.getrandbits(32)
    condition = rng.randbytes(31)
    market.condition = "0x" + condition.hex()
    market.tokens = tuple(str(int.from_bytes(condition) << 8 | o) for o in range(2))
    return market


def hide(rng: random.Random, options: Options, markets: list[Market]) -> None:
    """Take about one market in seventy from every listing, open and closed ones."""
    modern = [m for m in markets if m.kind in ("updown", "binary", "sports")]
    past = [m for m in modern if m.created_at < options.now - DAY]
    done = [m for m in past if m.closed(options.now)]
    alive = [m for m in past if not m.closed(options.now)]
    for pool in (done, alive):
        for market in rng.sample(pool, min(len(pool), max(1, len(pool) // 70))):
            market.hidden = True


def ensure_splits(rng: random.Random, options: Options, markets: list[Market]) -> None:
    """See to it that even a small universe has a split, a Yes and a dispute."""
    done = [
        m for m in markets
        if m.kind in ("binary", "sports") and m.closed(options.now) and not m.neg_risk
    ]  # fmt: skip
    if len(done) >= 3:
        done[0].payouts, done[1].payouts = SPLIT, YES
        done[2].disputed_at = done[2].proposed_at + 600
    late = [m for m in markets if m.kind == "binary" and not m.closed(options.now)]
    waiting = [m for m in late if m.created_at < options.now - DAY][:2]
    for step, market in enumerate(waiting):  # one proposed, one disputed right now
        market.trade_end = market.proposed_at = options.now - 3_600
        market.disputed_at = options.now - 1_800 if step else NEVER
        market.closed_at = options.now + (step + 1) * DAY


def unused(slug: str, taken: set[str]) -> str:
    """The slug, numbered if an earlier one has it."""
    name, number = slug, 2
    while name in taken:
        name, number = f"{slug}-{number}", number + 1
    taken.add(name)
    return name


def checksum(rng: random.Random) -> str:
    """An address in the mixed case that Gamma writes."""
    digits = rng.randbytes(20).hex()
    return "0x" + "".join(c.upper() if rng.random() < 0.5 else c for c in digits)
