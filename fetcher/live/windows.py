"""Up/down windows, and what Gamma's events say of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fetcher.live.choosing import Series
from fetcher.polymarket.gamma import Item
from fetcher.polymarket.times import unix_seconds
from fetcher.polymarket.typed_rows import as_json

FIRST_ATTEMPT_SECONDS = 20.0  # after the end; it takes about 16
LONGEST_WAIT_SECONDS = 87 * 60.0
PRICE_ATTEMPTS = 5  # until the final price is taken for missing


@dataclass
class Window:
    """One market of a series, and what is known of it; times in exchange seconds."""

    series: Series
    start: int
    state: str = "missing"
    condition_id: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)  # outcome: token
    strike: str | None = None
    final_price: str | None = None
    outcome: str | None = None
    attempts: int = 0
    resolved_at: int | None = None
    rule: str | None = None
    problem: str | None = None
    next_at: float = 0.0

    @property
    def end(self) -> int:
        return self.start + self.series.seconds

    @property
    def slug(self) -> str:
        return self.series.slug(self.start)

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be asked; a final price may come last."""
        if self.state == "resolved":
            return self.final_price is not None or self.attempts >= PRICE_ATTEMPTS
        return self.state == "failed"

    def known(self) -> tuple[Any, ...]:
        """What a row says of it, but for how often it was asked."""
        return (
            *(self.state, self.condition_id, self.strike, self.final_price),
            *(self.outcome, self.resolved_at, self.rule, self.problem),
        )


@dataclass
class Saved:
    """What the cursor has of earlier captures: how far each series was expected, and
    the windows whose end was not seen."""

    upto: dict[str, int] = field(default_factory=dict)
    open: list[Window] = field(default_factory=list)


def saved_of(value: Any) -> Saved:
    """Read what the cursor has; what cannot be read is as if it were not there."""
    saved = Saved()
    try:
        for asset, period, start, attempts in value["open"]:
            window = Window(Series(asset, period), int(start), attempts=int(attempts))
            saved.open.append(window)
        saved.upto = {str(name): int(start) for name, start in value["upto"].items()}
    except (TypeError, KeyError, ValueError, AttributeError):
        return Saved()
    return saved


def wait_after(attempt: int) -> float:
    """Seconds after the n-th attempt: doubled each time, at most 87 minutes."""
    return min(FIRST_ATTEMPT_SECONDS * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS)


def learn(window: Window, event: Item) -> None:
    """Take from an event what it says of the window; known things stay known."""
    markets = [
        market
        for market in event.get("markets") or ()
        if isinstance(market, dict) and market.get("slug") == window.slug
    ]
    if not markets:
        window.problem = f"the event {window.slug} has no market of that slug"
        return
    market = markets[0]
    condition = market.get("conditionId")
    outcomes = _listed(market.get("outcomes"))
    tokens = _listed(market.get("clobTokenIds"))
    if not condition or len(tokens) != 2 or len(outcomes) != 2:
        window.problem = "the market is there, but not its tokens yet"
        return
    if window.condition_id is None:
        window.state = "discovered"
    window.condition_id = str(condition).lower()
    window.tokens = dict(zip(outcomes, tokens, strict=True))
    about = event.get("eventMetadata")
    about = about if isinstance(about, dict) else {}
    window.strike = _price(about.get("priceToBeat")) or window.strike
    window.final_price = _price(about.get("finalPrice")) or window.final_price
    window.rule = json.dumps(
        {
            "resolutionSource": market.get("resolutionSource")
            or event.get("resolutionSource"),
            "cryptoMarketConfig": market.get("cryptoMarketConfig")
            or event.get("cryptoMarketConfig"),
        }
    )
    closed_at = market.get("closedTime")
    if market.get("closed") and closed_at:
        window.resolved_at = unix_seconds(str(closed_at))
    window.outcome = outcome_of(market, outcomes) or window.outcome


def outcome_of(market: Item, outcomes: Sequence[str]) -> str | None:
    """The outcome that pays a dollar, once the market is closed and it is final."""
    prices = _listed(market.get("outcomePrices"))
    if not market.get("closed") or len(prices) != len(outcomes):
        return None
    status = market.get("umaResolutionStatus")
    if status not in (None, "", "resolved"):
        return None
    won = [name for name, price in zip(outcomes, prices, strict=True) if _is_one(price)]
    return won[0] if len(won) == 1 else None


def _listed(value: Any) -> list[str]:
    """A list that Gamma writes as JSON in a string."""
    found = json.loads(as_json(value) or "[]")
    return [str(one) for one in found] if isinstance(found, list) else []


def _price(value: Any) -> str | None:
    return None if value in (None, "") or isinstance(value, bool) else str(value)


def _is_one(price: str) -> bool:
    try:
        return float(price) == 1.0
    except ValueError:
        return False
