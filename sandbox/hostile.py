"""Titles and slugs that mean harm, as anybody may write them."""

from __future__ import annotations

from sandbox.market import Event

TITLES = (
    "'; drop table silver.MarketDim; --",
    'a "quoted" $where$ %s {0} \\ title',
    "\x1b[2J\x1b]0;owned\x07\x1b[31mRed\x9b5m",
    "right\u202eot tfel\u2066 and\u200f back",
    "two\nlines\r\nand 2026-01-01T00:00:00Z ERROR forged\u2028one more\x85",
    "../../../../tmp/owned",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "=cmd|'/c calc'!A0",
    "\x00nothing\x00",
    "$100k or $\\frac{a}{",
)
SLUGS = (
    "x'; drop table trades; --", "../../etc/passwd", "..", "a b?c=d&e#f", "%2e%2e%2f",
    "\x1b[2J", "<b>", "line\nbreak", "\u202egnp", "con|nul",
)  # fmt: skip


def curse(events: list[Event]) -> None:
    """Give every second event and market one of these, and a slug of the kind."""
    for number, event in enumerate(events[::2]):
        title = TITLES[number % len(TITLES)]
        event.title = f"{title} {number}"
        event.slug = f"{SLUGS[number % len(SLUGS)]}{number or ''}"
        for place, market in enumerate(event.markets):
            market.question = f"{title} {number}.{place}"
            market.slug = f"{SLUGS[(number + place) % len(SLUGS)]}-{number}-{place}"
            market.group_title = title
