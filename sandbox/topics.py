"""The events of a universe before they get their ids, kind by kind."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from sandbox.hostile import curse
from sandbox.live.prices import settled
from sandbox.market import NEVER, Event, Market
from sandbox.options import DAY, Options
from sandbox.words import (
    CITIES,
    COINS,
    DESCRIPTION,
    PEOPLE,
    TEAMS,
    THINGS,
    UPDOWN_DESCRIPTION,
    slug_of,
)

HOUR = 3_600
YEAR = 365 * DAY
LIVE_PAST = 2 * HOUR  # live series reach back so far
YES, NO, SPLIT = (1_000_000, 0), (0, 1_000_000), (500_000, 500_000)


def topics(options: Options) -> list[Event]:
    """Every event of the universe, in no order; market counts are approximate."""
    rng = random.Random(f"topics {options.seed} {options.size}")
    count = options.market_count
    events = legacy_events(rng, options, max(4, count // 20))
    events += old_events(rng, options, max(3, count // 25))
    windows = {300: max(4, count // 8), 900: max(2, count // 16)}
    if not options.live_series:
        for window, number in windows.items():
            events += updown_events(rng, options, window, number)
    events += v2_events(rng, options, max(2, count // 33))
    taken = sum(windows.values()) if options.live_series else 0
    left = count - taken - sum(len(event.markets) for event in events)
    events += ordinary_events(rng, options, max(left, 8))
    if options.live_series:
        events += live_events(options)
    if options.hostile:
        curse(events)
    return events


def legacy_events(rng: random.Random, options: Options, count: int) -> list[Event]:
    """AMM-era events of 2020 to 2022: one market each, some of many outcomes."""
    events = []
    begin = int(datetime(2020, 10, 2, tzinfo=UTC).timestamp())
    for i in range(count):
        if i % 7 == 1:
            outcomes: tuple[str, ...] = tuple(rng.sample(PEOPLE, rng.randint(3, 7)))
            payouts = tuple(1_000_000 * (o == 0) for o in range(len(outcomes)))
        elif i % 7 == 2:
            outcomes, payouts = ("Long", "Short"), (584_331, 415_669)
        else:
            outcomes, payouts = ("Yes", "No"), rng.choice((YES, NO))
        start = begin + rng.randrange(500) * DAY + rng.randrange(DAY)
        end = start + rng.randint(10, 90) * DAY
        question = f"Will {rng.choice(PEOPLE)} {rng.choice(THINGS)} before {2021 + i}?"
        market = Market(
            "amm", question, f"{slug_of(question)}-{i}", outcomes, start, start, end,
            start, end, end + rng.randrange(DAY), payouts, description=DESCRIPTION,
        )  # fmt: skip
        tags = (rng.choice((2, 1, 21)),)
        events.append(Event(question, market.slug, start, tags, markets=[market]))
    return events


def old_events(rng: random.Random, options: Options, count: int) -> list[Event]:
    """CLOB events before the three-year window; the first one straddles its edge."""
    events = []
    for i in range(count):
        start = options.now - int(rng.uniform(3.15, 3.9) * YEAR)
        days = rng.randint(20, 50)
        if i == 0:
            start, days = options.now - 3 * YEAR - 40 * DAY, 80
        question = f"Will {rng.choice(PEOPLE)} {rng.choice(THINGS)} in round {i}?"
        event = Event(question, f"{slug_of(question)}", start, (2, 100265))
        event.markets = [binary(rng, options, "old", question, start, days * DAY)]
        events.append(event)
    return events


def updown_events(
    rng: random.Random, options: Options, window: int, count: int
) -> list[Event]:
    """Up/down windows around now and a day later, each listed a day before it opens."""
    events = []
    present = options.now // window
    soon = count * 3 // 4
    numbers = [present - count * 3 // 5 + i for i in range(soon)]
    numbers += [present + DAY // window + i for i in range(count - soon)]
    for number in numbers:
        created = number * window - DAY + rng.randrange(120)
        payouts, tick = rng.choice((YES, NO)), rng.choice((1, 10))
        event = window_event(COINS[0], window, number * window, created, payouts)
        event.markets[0].tick = tick
        events.append(event)
    return events


def live_events(options: Options) -> list[Event]:
    """Every window of the live series: of bitcoin and ether, 5 and 15 minutes each."""
    events = []
    rng = random.Random(f"live {options.seed}")
    end = options.now + int(options.live_series * HOUR)
    for coin in COINS:
        for window in (300, 900):
            first = (options.now - LIVE_PAST) // window * window
            for opens in range(first, end, window):
                strike, final, up = settled(coin[1], opens, opens + window)
                created = opens - DAY + rng.randrange(120)
                event = window_event(coin, window, opens, created, YES if up else NO)
                market = event.markets[0]
                market.asset, market.strike, market.final = coin[1], strike, final
                if rng.random() < options.late_resolutions:
                    market.closed_at += rng.randrange(300, 7_200)
                events.append(event)
    return events


def window_event(
    coin: tuple[str, str, int, int], window: int, opens: int, created: int,
    payouts: tuple[int, ...],
) -> Event:  # fmt: skip
    """One window of a series: it opens, it closes, and 16 seconds later it settles."""
    name, short, five, fifteen = coin
    begin = datetime.fromtimestamp(opens - 4 * HOUR, UTC)  # titles are in ET
    end = datetime.fromtimestamp(opens + window - 4 * HOUR, UTC)
    hours = f"{begin:%I:%M%p}-{end:%I:%M%p} ET"
    title = f"{name} Up or Down - {begin:%B} {begin.day}, {hours}"
    slug = f"{short}-updown-{window // 60}m-{opens}"
    market = Market(
        "updown", title, slug, ("Up", "Down"), created, created + 9_900,
        opens + window, created + 10_000, opens + window, opens + window + 16,
        payouts, fee_rate=0.07, fee_type="crypto_fees_v2", window=window,
        description=UPDOWN_DESCRIPTION,
    )  # fmt: skip
    series = five if window == 300 else fifteen
    return Event(title, slug, created, (21, 102127), series=series, markets=[market])


def v2_events(rng: random.Random, options: Options, count: int) -> list[Event]:
    """Events of Protocol V2, whose markets have positionIds; a few weeks old."""
    events = []
    for i in range(count):
        start = options.now - int(rng.uniform(0.5, 18) * DAY)
        question = f"Will {rng.choice(PEOPLE)} {rng.choice(THINGS)} by week {40 + i}?"
        days = rng.choice((0.3, 5, 90))
        event = Event(question, slug_of(question), start, (2,))
        event.markets = [binary(rng, options, "v2", question, start, int(days * DAY))]
        events.append(event)
    return events


def ordinary_events(rng: random.Random, options: Options, count: int) -> list[Event]:
    """Events of the last three years: single, grouped, negRisk in part, sports."""
    events: list[Event] = []
    left = count
    serial = 0
    while left > 0:
        size = min(left, rng.choice((1, 1, 1, 1, 2, 3, 5, 8, 15, 21, 26, 50, 85)))
        if count < 300:
            size = min(size, 8 if count > 60 else 3)
        if serial == 0:
            size = 3  # even the smallest universe has an open negRisk event
        age = rng.expovariate(1 / options.age_days)
        start = options.now - int(min(age, 2.9 * 365) * DAY)
        if serial % 12 == 4:
            ahead = rng.random() ** 2 * options.ahead_days * 0.9
            start = options.now + int(ahead * DAY)
        life = int(min(max(rng.lognormvariate(3.2, 1.2), 0.1), 400) * DAY)
        if serial % 3 == 0:
            life = max(life, options.now - start + rng.randrange(1, 200) * DAY)
        events.append(group(rng, options, serial, size, start, life))
        left -= size
        serial += 1
    return events


def group(
    rng: random.Random, options: Options, serial: int, size: int, start: int, life: int
) -> Event:
    """One event of `size` markets that begin together."""
    if size > 1 and serial > 0 and rng.random() < 0.4:
        return game(rng, options, serial, size, start)
    city, person = rng.choice(CITIES), rng.choice(PEOPLE)
    title = rng.choice(
        (
            f"Highest temperature in {city} on day {serial}?",
            f"Who will {rng.choice(THINGS)} #{serial}?",
            f"Will {person} {rng.choice(THINGS)} #{serial}?",
        )
    )
    event = Event(title, slug_of(title), start, (rng.choice((2, 84, 596, 120, 1401)),))
    event.neg_risk = size >= 3 and (serial == 0 or rng.random() < 0.8)
    winner = rng.randrange(size)
    for i in range(size):
        if size == 1:
            question, label = title, ""
        elif "temperature" in title:
            label = f"{60 + 2 * i}-{61 + 2 * i}°F"
            question = f"Will the highest temperature in {city} be between {label}?"
        else:
            label = PEOPLE[i % len(PEOPLE)] + (f" {i}" if i >= len(PEOPLE) else "")
            question = f"Will {label} be it, case {serial}?"
        market = binary(rng, options, "binary", oddly(rng, question), start, life)
        market.slug = event.slug if size == 1 else f"{event.slug}-{slug_of(label)}"
        market.group_title = label
        if i >= 2 and rng.random() < 0.15:  # added to the event later
            join(market, int(life * rng.uniform(0.03, 0.25)))
        if event.neg_risk and market.payouts != SPLIT:
            market.payouts = YES if i == winner else NO
            market.neg_risk_other = i == size - 1
        event.markets.append(market)
    return event


def join(market: Market, seconds: int) -> None:
    """List the market so much later than its event began."""
    market.created_at += seconds
    market.start_at += seconds
    market.trade_from += seconds


def game(
    rng: random.Random, options: Options, serial: int, size: int, start: int
) -> Event:
    """A match of two teams: moneyline, then totals and spreads."""
    home, away = rng.sample(TEAMS, 2)
    title = f"{home} vs. {away}"
    event = Event(title, f"{slug_of(title)}-{serial}", start, (1, 745))
    life = rng.randint(2, 9) * DAY
    for i in range(size):
        market = binary(rng, options, "sports", title, start, life)
        if i == 0:
            market.outcomes = (home, away)
        else:
            market.outcomes = ("Over", "Under")
            market.question = f"{title}: O/U {100 + i}.5"
        market.slug = f"{event.slug}-{i}" if i else event.slug
        market.fee_rate, market.fee_type = 0.05, "sports_fees_v2"
        event.markets.append(market)
    return event


def binary(
    rng: random.Random,
    options: Options,
    kind: str,
    question: str,
    start: int,
    life: int,
) -> Market:
    """A two-outcome market and its fate: early, late, disputed, split or still open."""
    end = (start + life) // HOUR * HOUR
    early = rng.random() < 0.31
    closed = start + int(life * rng.uniform(0.3, 0.95)) if early else end + 2 * HOUR
    closed += rng.randrange(HOUR)
    market = Market(
        kind, question, slug_of(question), ("Yes", "No"), start,
        start + rng.randrange(600, 6_000), end, start + 700, closed - 60, closed,
        YES if rng.random() < 0.3 else NO, tick=rng.choice((1, 1, 1, 10, 10)),
        description=DESCRIPTION,
    )  # fmt: skip
    market.proposed_at = closed - min(2 * HOUR, (closed - start) // 3)
    if rng.random() < 0.06:
        market.disputed_at = market.proposed_at + 600
        market.closed_at = closed + 2 * DAY
    if rng.random() < 0.01:
        market.payouts = SPLIT
    if market.closed_at > options.end:
        market.closed_at = NEVER
    if kind in ("binary", "v2") and rng.random() < 0.5:
        market.fee_rate, market.fee_type = 0.04, "politics_fees"
    return market


def oddly(rng: random.Random, question: str) -> str:
    """The question, at times with the blanks that people leave in."""
    roll = rng.random()
    if roll < 0.02:
        return f" {question}"
    if roll < 0.04:
        return question.replace(" ", "  ", 1) + " "
    if roll < 0.06:
        return question.replace(" ", "\u00a0", 1)
    if roll < 0.07:
        return question.replace(" ", " \u200b", 1)
    return question
