"""Which order books to capture, as people name them: markets, lists, the largest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from fetcher.options import Options, market_of
from fetcher.polymarket import catalogue
from fetcher.polymarket.catalogue import CatalogueMarket
from fetcher.polymarket.gamma import MARKETS, Order, closed, keyset_pages, number
from fetcher.polymarket.listing_walk import ListingWalk
from fetcher.polymarket.selection import Selection
from fetcher.run import Run
from settings.errors import UsageError

Tokens = dict[str, str]  # token_id: condition_id
_SERIES = re.compile(r"([a-z]{2,8})-(5m|15m|4h)")
_TOKEN = re.compile(r"[0-9]{60,80}")
SECONDS = {"5m": 300, "15m": 900, "4h": 14_400}


@dataclass(frozen=True)
class Series:
    """A series of up/down markets: btc-15m."""

    asset: str
    period: str

    @property
    def name(self) -> str:
        return f"{self.asset}-{self.period}"

    @property
    def seconds(self) -> int:
        """How long a window is."""
        return SECONDS[self.period]

    def slug(self, start: int) -> str:
        """The slug of the market whose window begins at a unix second."""
        return f"{self.asset}-updown-{self.period}-{start}"


def series_of(text: str) -> Series:
    """Read one of --series; UsageError."""
    found = _SERIES.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(
            f"--series must be an asset and a period like btc-15m, btc-5m or eth-4h, "
            f"but it is {text!r}."
        )
    return Series(found[1], found[2])


def token_of(text: str) -> str:
    """Read one of --token; UsageError."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            "--token must be an outcome's token, a number of some 77 digits, but it "
            f"is {text!r}."
        )
    return token


def names_in(path: Path) -> list[str]:
    """The names in a saved list: one a line, `#` begins a remark; UsageError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(
            f"--list {path} cannot be read: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--list {path} cannot be read: it is no text in UTF-8."
        ) from error
    found = []
    for place, line in enumerate(lines, 1):
        name = line.split("#", 1)[0].strip()
        try:
            if name:
                found.append(name if is_token(name) else market_of(name))
        except UsageError as error:
            why = str(error).removeprefix("--market ")
            raise UsageError(f"--list {path}, line {place}: {why}") from error
    if not found:
        raise UsageError(f"--list {path} names no market or token.")
    return found


def is_token(name: str) -> bool:
    """Whether a name in a list is a token rather than a market."""
    return _TOKEN.fullmatch(name) is not None


def tokens_named(
    run: Run, names: Iterable[str], unknown: Callable[[str, str], None]
) -> Tokens:
    """Look up markets by name; `unknown` is told of those there are none of."""
    found: Tokens = {}
    for name in names:
        run.check()
        try:
            narrow = replace(run, options=Options(markets=(name,)))
            markets = Selection(narrow).markets()
        except UsageError as error:
            unknown(name, str(error))
            continue
        found |= tokens_of(markets)
    return found


def tokens_of(markets: Iterable[CatalogueMarket]) -> Tokens:
    """The tokens of markets with an order book that is open."""
    return {
        token: market.condition_id
        for market in markets
        if not market.closed
        for token in market.token_ids
    }


def largest(run: Run, count: int) -> Tokens:
    """The open markets with most volume in 24 hours; what is met is stored."""
    order = Order("volume24hr", lambda row: number(row.get("volume24hr"), 0.0))
    filters = [closed(False)]
    walk = ListingWalk(run, "markets", {"top": count}, strategy="listing")
    volumes: dict[str, float] = {}
    for page in keyset_pages(run.gamma, MARKETS, filters, order=order):
        run.check()
        walk.take(page.answer, page.items, next_cursor=page.next_cursor)
        for row in page.objects:
            if row.get("clobTokenIds") and str(row.get("id")).isdigit():
                volumes[str(row["id"])] = number(row.get("volume24hr"), 0.0)
        if order.honoured_by(page.objects) and len(volumes) >= count:
            break
    walk.end()
    ids = sorted(volumes, key=lambda one: -volumes[one])[:count]
    known = catalogue.of(run).by_id(ids)
    return tokens_of(known[one] for one in ids if one in known)
