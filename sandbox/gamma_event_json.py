"""Events, series and tags as Gamma writes them."""

from __future__ import annotations

from sandbox.gamma_json import market_json, number, source_of, updated_at
from sandbox.live.prices import E18
from sandbox.market import Event, Market
from sandbox.web import Json
from sandbox.words import TAGS
from sandbox.world import World, iso

SERIES = {
    10684: ("btc-up-or-down-5m", "BTC Up or Down 5m", "5m"),
    10192: ("btc-up-or-down-15m", "BTC Up or Down 15m", "15m"),
    10683: ("eth-up-or-down-5m", "ETH Up or Down 5m", "5m"),
    10191: ("eth-up-or-down-15m", "ETH Up or Down 15m", "15m"),
}


def event_json(world: World, event: Event, *, markets: bool = True) -> dict[str, Json]:
    """The event as it stands now; `markets` of it that are listed are embedded."""
    now = world.now
    mine = [market for market in event.markets if market.created_at <= now]
    volume = sum(world.shares(market) for market in mine)
    closed = event.closed(now)
    row: dict[str, Json] = {
        "id": str(event.id),
        "ticker": event.slug,
        "slug": event.slug,
        "title": event.title,
        "description": mine[0].description if mine else "",
        "startDate": iso(event.created_at + 600),
        "creationDate": iso(event.created_at + 600),
        "endDate": iso(event.end_at),
        "icon": mine[0].icon if mine else "",
        "active": True,
        "closed": closed,
        "archived": False,
        "featured": False,
        "restricted": True,
        "liquidity": 0,
        "volume": number(volume),
        "openInterest": 0,
        "createdAt": iso(event.created_at, event.id * 7 % 1_000_000),
        "updatedAt": iso(max(updated_at(world, m, now) for m in mine) if mine else now),
        "enableOrderBook": True,
        "negRisk": event.neg_risk,
        "commentCount": event.id % 17,
        "cyom": False,
        "showAllOutcomes": True,
        "enableNegRisk": event.neg_risk,
        "negRiskAugmented": False,
        "tags": [tag_json(tag) for tag in TAGS if tag[0] in event.tags],
    }
    if event.neg_risk:
        row |= {"negRiskMarketID": event.neg_risk_market_id, "negRiskFeeBips": 0}
    if mine and mine[0].kind == "sports":
        row["gameId"] = event.index  # a number here, a string on the market
    elif event.id % 5 == 0:
        row["gameId"] = -1 if event.id % 2 else None
    if closed:
        row["closedTime"] = iso(max(market.closed_at for market in mine))
    if event.series:
        row["series"] = [series_json(event.series)]
        row["seriesSlug"] = SERIES[event.series][0]
        row["startTime"] = iso(event.end_at - event.markets[0].window)
        first = event.markets[0]
        if first.asset:
            row |= metadata(first, world.now_ms)
        elif event.end_at <= now and event.id % 70:
            row["eventMetadata"] = {"priceToBeat": 65_000 + event.id % 999 + 0.5}
    if markets:
        shown = (m for m in mine if not m.hidden)
        row["markets"] = [market_json(world, market) for market in shown]
    return row


def metadata(market: Market, now_ms: int) -> dict[str, Json]:
    """The strike, seconds after the window opened, and the final price at its end."""
    row: dict[str, Json] = {"resolutionSource": source_of(market)}
    if market.salt % 73 == 0:  # some are never published
        return row
    shown: dict[str, Json] = {}
    opens_ms = (market.end_at - market.window) * 1_000
    if now_ms >= opens_ms + 1_900 + market.salt % 1_500:
        shown["priceToBeat"] = market.strike / E18
    if market.closed(now_ms // 1_000):
        shown["finalPrice"] = market.final / E18
    return {**row, "eventMetadata": shown} if shown else row


def with_event(world: World, market: Market) -> dict[str, Json]:
    """The market with its event embedded, as listings show it."""
    row = market_json(world, market)
    event = world.event_of(market)
    if event is not None:
        row["events"] = [
            world.memo(
                "event", event.index, lambda: event_json(world, event, markets=False)
            )
        ]
    return row


def series_json(series: int) -> dict[str, Json]:
    """A recurring series."""
    slug, title, recurrence = SERIES[series]
    return {
        "id": str(series),
        "ticker": slug,
        "slug": slug,
        "title": title,
        "seriesType": "single",
        "recurrence": recurrence,
        "active": True,
        "closed": False,
        "archived": False,
        "competitive": "0",
        "volume": 64_234.19264499972,
        "liquidity": 0,
        "createdAt": "2025-11-21T21:46:22.201627Z",
    }


def tag_json(tag: tuple[int, str, str]) -> dict[str, Json]:
    """A tag; its optional keys vary."""
    number_, label, slug = tag
    row: dict[str, Json] = {"id": str(number_), "label": label, "slug": slug}
    if number_ % 2:
        row["forceShow"] = False
    row["createdAt"] = "2023-12-07T19:16:45.993Z"
    row["requiresTranslation"] = False
    return row
