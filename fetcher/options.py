"""What one run was asked to do, checked before anything is started."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from settings.errors import UsageError

_HEX = re.compile(r"0x[0-9a-fA-F]*")
_WALLET = re.compile(r"0x[0-9a-fA-F]{40}")
CONDITION_DIGITS = (62, 64)  # 62: combos and Protocol V2


@dataclass(frozen=True)
class Options:
    """The options of `fetch`, as plain values; times are unix seconds.

    `since` is inclusive, `until` exclusive; `ends_after` and `ends_before` likewise.
    `shard` is (i, n), i from 1: this run takes part i of n. `markets`, `events` and
    `tags` are as the user wrote them, `wallets` in lower case.
    """

    mode: str = "all"
    fresh: bool = False
    limit: int | None = None
    timeout: float | None = None
    markets: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    deep_history: bool = False
    events: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ends_after: int | None = None
    ends_before: int | None = None
    min_volume: float | None = None
    wallets: tuple[str, ...] = ()
    full: bool = False
    shard: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _ordered("--since", self.since, "--until", self.until)
        _ordered("--ends-after", self.ends_after, "--ends-before", self.ends_before)


CHOOSING = {
    "--limit": "limit",
    "--market": "markets",
    "--event": "events",
    "--tag": "tags",
    "--ends-after": "ends_after",
    "--ends-before": "ends_before",
    "--min-volume": "min_volume",
}
SPAN = {"--since": "since", "--until": "until"}
WALLETS = {"--wallet": "wallets"}
DEEP = {"--deep-history": "deep_history"}
FULL = {"--full": "full"}
# What a mode goes on without; `all` has a part that heeds each of them.
NOT_HEEDED = {
    "markets": SPAN | WALLETS | DEEP,
    "events": SPAN | WALLETS | DEEP,
    "prices": DEEP,
    "resolutions": DEEP | FULL,
    "open-interest": SPAN | DEEP | FULL,
    "leaderboard": CHOOSING | SPAN | WALLETS | DEEP | FULL,
    "activity": DEEP | FULL,
    "books": SPAN | WALLETS | DEEP,
    "positions": SPAN | WALLETS | DEEP,
    "crypto": CHOOSING | WALLETS | DEEP | FULL,
}


def not_heeded(options: Options) -> list[str]:
    """Return the options that were given and change nothing in their mode."""
    return [
        option
        for option, name in NOT_HEEDED.get(options.mode, {}).items()
        if getattr(options, name) != getattr(Options, name)
    ]


def seconds_of(text: str, *, option: str) -> int:
    """Return the unix second that a UTC day or an ISO time means.

    A time without an offset is UTC. A fraction is rounded up: the first whole second
    that is not before it.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{option} must be a day like 2026-01-31 or a time like "
            f"2026-01-31T12:00:00Z, but it is {text!r}."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        seconds = math.ceil(moment.timestamp())
    except OverflowError:
        seconds = -1
    if seconds < 0:
        raise UsageError(f"{option} must not be before 1970, but it is {text!r}.")
    return seconds


def shard_of(text: str) -> tuple[int, int]:
    """Return (i, n) for a text like 2/8."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip())
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(
            f"--shard must be like 2/8, the second part of eight, but it is {text!r}."
        )
    return part, parts


def market_of(text: str) -> str:
    """Return what names a market, trimmed: a condition id, a slug or a URL."""
    name = text.strip()
    if not name or any(c.isspace() for c in name):
        raise UsageError(
            f"--market must be a condition id, a slug or a URL, but it is {text!r}."
        )
    if _HEX.fullmatch(name) and len(name) - 2 not in CONDITION_DIGITS:
        raise UsageError(
            f"--market {name}: a condition id has 64 hex digits after 0x, "
            f"not {len(name) - 2}."
        )
    return name


def wallet_of(text: str) -> str:
    """Return a wallet's address in lower case."""
    if not _WALLET.fullmatch(text.strip()):
        raise UsageError(
            "--wallet must be an address, 0x and 40 hex digits, "
            f"but it is {text.strip()!r}."
        )
    return text.strip().lower()


def name_of(text: str, *, option: str) -> str:
    """Return a name, trimmed; it must not be empty."""
    if not text.strip():
        raise UsageError(f"{option} must not be empty.")
    return text.strip()


def amount_of(value: float | None, *, option: str) -> float | None:
    """Return a number that must be finite and not negative, if one was given."""
    if value is not None and not 0 <= value < math.inf:
        raise UsageError(f"{option} must be zero or more, but it is {value:g}.")
    return value


def _ordered(first: str, low: int | None, second: str, high: int | None) -> None:
    if low is not None and high is not None and low >= high:
        raise UsageError(
            f"{first} ({_shown(low)}) must be before {second} ({_shown(high)})."
        )


def _shown(seconds: int) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")
