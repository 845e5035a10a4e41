"""Markets as Gamma writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sandbox.market import NEVER, Market
from sandbox.options import DAY
from sandbox.web import Json
from sandbox.words import UPLOADS
from sandbox.world import World, day, iso

RESOLVER = "0x2F5e3684cb1F318ec51b00Edba38d79Ac2c0aA9d"
SUBMITTER = "0x91430CaD2d3975766499717fA0D66A78D814E5c5"


def market_json(world: World, market: Market) -> dict[str, Json]:
    """The market as it stands now; what is not known is absent, not null."""
    if market.kind == "amm":
        return legacy_market(world, market)
    return modern(world, market)


def number(value: float) -> float | int:
    """Whole numbers without a point, as a JavaScript service writes them."""
    return int(value) if value == int(value) else value


def artefact(value: float) -> str:
    """A number in a string, with the tail that binary floats leave."""
    return str(number(value * (1 + 1e-15) if value % 1 else value))


def space_time(at: int) -> str:
    """The format of closedTime: a blank, and a two-digit offset."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S+00")


def common(world: World, market: Market) -> dict[str, Json]:
    """The keys that every market has."""
    now, closed = world.now, market.closed(world.now)
    volume = world.shares(market)
    row: dict[str, Json] = {
        "id": str(market.id),
        "question": market.question,
        "conditionId": market.condition,
        "slug": market.slug,
        "resolutionSource": source_of(market),
        "endDate": iso(market.end_at),
        "startDate": iso(market.start_at, market.salt % 1_000_000),
        "image": market.icon,
        "icon": market.icon,
        "description": market.description,
        "outcomes": json.dumps(market.outcomes, ensure_ascii=False),
        "volume": artefact(volume),
        "active": not (market.hidden and closed),
        "closed": closed,
        "marketMakerAddress": market.fpmm,
        "createdAt": iso(market.created_at, market.salt % 1_000_000),
        "updatedAt": iso(
            updated_at(world, market, now), (market.salt >> 3) % 1_000_000
        ),
        "archived": False,
        "restricted": market.kind != "amm",
        "volumeNum": number(volume),
        "endDateIso": day(market.end_at),
        "hasReviewedDates": True,
        "umaResolutionStatuses": json.dumps(statuses(market, now)),
        "feeType": market.fee_type,
    }
    if closed:
        row["closedTime"] = space_time(market.closed_at)
        row["umaEndDate"] = iso(market.closed_at)
    return row


def source_of(market: Market) -> str:
    """Where the price comes from that settles a market of a live series."""
    name = f"{market.asset}-usd-twap-60s-streams"
    return f"https://data.chain.link/streams/{name}" if market.asset else ""


def updated_at(world: World, market: Market, now: int) -> int:
    """When the entry last changed: the last trade, a status, or the listing."""
    last = world.last_row(market)
    times = [market.created_at + 900, market.proposed_at, market.disputed_at]
    times.append(market.closed_at + 73 if market.closed_at < NEVER else NEVER)
    if last is not None:
        times.append(int(world.tape.fills.timestamp[last]) + 30)
    return max((at for at in times if at <= now), default=min(market.created_at, now))


def statuses(market: Market, now: int) -> list[str]:
    """The history of the resolution; markets that resolve by themselves have none."""
    if market.kind in ("updown", "amm"):
        return []
    steps = ((market.proposed_at, "proposed"), (market.disputed_at, "disputed"))
    found = [name for at, name in steps if at <= now]
    if market.disputed_at < NEVER and market.closed(now):
        found.append("proposed")
    return found


def legacy_market(world: World, market: Market) -> dict[str, Json]:
    """An entry of the AMM era; other keys, fewer, and at times 0/0 prices."""
    row = common(world, market)
    zero = market.salt % 3 == 0
    prices = ["0" if zero else str(payout / 1e6) for payout in market.payouts]
    row |= {
        "outcomePrices": json.dumps(prices),
        "category": "Crypto",
        "liquidity": "0",
        "liquidityNum": 0,
        "marketType": "scalar" if market.outcomes[0] == "Long" else "normal",
        "formatType": "decimal",
        "mailchimpTag": "3917407",
        "twitterCardImage": UPLOADS + "polymarket-twitter-card.png",
        "fpmmLive": True,
        "readyForCron": True,
        "volume24hr": 0,
        "volumeAmm": row["volumeNum"],
    }
    row.pop("startDate")
    if market.outcomes[0] == "Long":
        row |= {"lowerBound": "5000", "upperBound": "15000"}
    if market.salt % 4:
        row["clobTokenIds"] = json.dumps(market.tokens)
    return row


def modern(world: World, market: Market) -> dict[str, Json]:
    """An entry of the order-book era."""
    now, closed = world.now, market.closed(world.now)
    row = common(world, market)
    book = world.has_book(market)
    if market.version == "v2":
        row |= {"version": "v2", "positionIds": list(market.tokens)}
    if market.version == "v1" or market.salt % 2:
        row["clobTokenIds"] = json.dumps(market.tokens)
    if market.salt % 29 or closed:  # some rows lack the key
        row["outcomePrices"] = json.dumps(prices_of(world, market))
    if market.salt % 31 == 0:
        row.pop("volume")
    liquidity = 0.0 if closed else round(market.salt % 10_000_000 / 331, 4)
    mid = world.mid(market, 0, now)
    half = market.tick / 2000
    row |= {
        "questionID": market.question_id,
        "enableOrderBook": True,
        "orderPriceMinTickSize": market.tick / 1000,
        "orderMinSize": 15 if market.kind == "old" else 5,
        "liquidity": artefact(liquidity),
        "liquidityNum": number(liquidity),
        "startDateIso": day(market.start_at),
        "acceptingOrders": not closed or market.salt % 17 == 0,
        "new": False,
        "featured": False,
        "submitted_by": SUBMITTER,
        "negRisk": market.neg_risk,
        "negRiskOther": market.neg_risk_other,
        "ready": False,
        "funded": False,
        "cyom": False,
        "approved": True,
        "automaticallyActive": True,
        "clearBookOnStart": True,
        "spread": market.tick / 1000,
        "bestBid": number(round(max(mid - half, 0), 4)) if book else 0,
        "bestAsk": number(round(min(mid + half, 1), 4)) if book else 1,
        "makerBaseFee": 1000 if market.fee_rate else 0,
        "takerBaseFee": 1000 if market.fee_rate else 0,
        "feesEnabled": market.fee_rate > 0,
        "rfqEnabled": False,
        "holdingRewardsEnabled": False,
        "comboStatus": "disabled",
    }
    row |= volumes(world, market)
    row |= optional(world, market, closed)
    return row


def prices_of(world: World, market: Market) -> list[str]:
    """Prices by outcome, as strings."""
    now = world.now
    return [str(number(world.mid(market, o, now))) for o in range(len(market.outcomes))]


def volumes(world: World, market: Market) -> dict[str, Json]:
    """Volumes over the last day, week, month and year; absent when never traded."""
    if not world.shares(market):
        return {}
    row: dict[str, Json] = {"volumeClob": number(world.shares(market))}
    for name, days in (("24hr", 1), ("1wk", 7), ("1mo", 30), ("1yr", 365)):
        recent = number(world.shares_since(market, days * DAY))
        row |= {f"volume{name}": recent, f"volume{name}Clob": recent}
    last = world.last_row(market)
    if last is not None:
        fills = world.tape.fills
        price = float(fills.prices(slice(last, last + 1))[0])
        first = price if fills.outcome[last] == 0 else 1 - price
        row["lastTradePrice"] = number(round(first, 3))
    return row


def optional(world: World, market: Market, closed: bool) -> dict[str, Json]:
    """The keys that only some markets have."""
    row: dict[str, Json] = {}
    event = world.event_of(market)
    now = world.now
    if market.group_title:
        row |= {"groupItemTitle": market.group_title, "groupItemThreshold": "0"}
    if event is not None and event.neg_risk:
        row |= {"negRiskMarketID": event.neg_risk_market_id, "negRiskRequestID": ""}
    if market.window:
        row |= {
            "eventStartTime": iso(market.end_at - market.window),
            "automaticallyResolved": True,
        }
        row["cryptoMarketConfig"] = {
            "id": str(market.window),
            "asset": (market.asset or "btc").upper(),
            "duration": f"{market.window // 60}m",
            "twapEnabled": True,
            "twapLookbackSeconds": 60,
        }
    if market.salt % 3 == 0 and not closed:
        row["clobRewards"] = [
            {
                "id": str(market.salt % 9_999),
                "assetAddress": "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174",
                "conditionId": market.condition,
                "startDate": day(market.start_at),
                "endDate": "2500-12-31",
                "rewardsAmount": 0,
                "rewardsDailyRate": market.salt % 90 + 1,
            }
        ]
    if market.kind == "sports":
        row |= {
            "gameId": str(market.event),
            "gameStartTime": space_time(market.end_at),
            "sportsMarketType": "moneyline"
            if market.outcomes[0] != "Over"
            else "totals",
        }
        if market.outcomes[0] == "Over":
            row["line"] = number(100.5 + market.salt % 2 / 2)
    if market.fee_rate:
        row["feeSchedule"] = {
            "exponent": 1,
            "rate": market.fee_rate,
            "takerOnly": True,
            "rebateRate": 0.25,
        }
    if closed:
        row |= {"umaResolutionStatus": "resolved", "resolvedBy": RESOLVER}
    elif market.disputed_at <= now:
        row["umaResolutionStatus"] = "disputed"
    elif market.proposed_at <= now:
        row["umaResolutionStatus"] = "proposed"
    if not market.window:
        row |= {"umaBond": "500", "umaReward": "5"}
    return row
