"""What people type to name a market or an event: ids, slugs, polymarket.com URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from settings.errors import UsageError

_CONDITION = re.compile(r"0x([0-9a-f]{62}|[0-9a-f]{64})", re.IGNORECASE)
_SLUG = re.compile(r"[\w.~%+-]+")
_SITES = ("polymarket.com", "www.polymarket.com")
_GAMES = ("sports", "esports")  # /sports/nfl/games/week/1/<event>


@dataclass(frozen=True)
class Address:
    """One market (by condition id or slug), or an event with all of its markets."""

    condition_id: str | None = None
    market_slug: str | None = None
    event_slug: str | None = None


def market_address(text: str) -> Address:
    """Read what was given to --market. Raises UsageError naming it."""
    plain = text.strip()
    if _CONDITION.fullmatch(plain):
        return Address(condition_id=plain.lower())
    if _is_url(plain):
        return _url(plain, option="--market")
    if plain.lower().startswith("0x") or not _SLUG.fullmatch(plain):
        raise UsageError(
            f"--market {text}: not a condition id (0x and 64 hex digits), a slug or a "
            "polymarket.com URL."
        )
    return Address(market_slug=plain.lower())


def event_address(text: str) -> Address:
    """Read what was given to --event. Raises UsageError naming it."""
    plain = text.strip()
    if _is_url(plain):
        address = _url(plain, option="--event")
        if address.event_slug is None:
            raise UsageError(
                f"--event {text}: the URL names a market; give it to --market."
            )
        return Address(event_slug=address.event_slug)
    if not _SLUG.fullmatch(plain):
        raise UsageError(f"--event {text}: neither a slug nor a polymarket.com URL.")
    return Address(event_slug=plain.lower())


def _is_url(text: str) -> bool:
    return "/" in text


def _url(text: str, *, option: str) -> Address:
    parts = urlsplit(text if "://" in text else f"https://{text}")
    wrong = UsageError(
        f"{option} {text}: not the URL of a market or event; they look like "
        "https://polymarket.com/event/<event>/<market>."
    )
    if parts.scheme not in ("http", "https") or parts.hostname not in _SITES:
        raise wrong
    path = [unquote(part).lower() for part in parts.path.split("/") if part]
    if path and re.fullmatch(r"[a-z]{2}(-[a-z]{2,4})?", path[0]):
        path = path[1:]  # the language of the page
    if not path or not all(_SLUG.fullmatch(part) for part in path):
        raise wrong
    kind, rest = path[0], path[1:]
    if kind == "market" and len(rest) == 1:
        return Address(market_slug=rest[0])
    if kind == "event" and len(rest) in (1, 2):
        market = rest[1] if len(rest) == 2 else None
        return Address(market_slug=market, event_slug=rest[0])
    if kind in _GAMES and len(rest) >= 2:
        return Address(event_slug=rest[-1])
    raise wrong
