"""How a capture is: the line every minute, and what `/health` and `--json` say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Health:
    """What there is to say of a capture at a moment; counts are since it began."""

    seconds: float
    messages: int
    subscriptions: int
    connections: int
    connections_wanted: int
    waiting_bytes: int
    deepest_bytes: int
    waiting_rows: int
    lag_seconds: float
    rows: Mapping[str, int]
    errors: Mapping[str, int]
    compared: int
    differed: int
    repeated: int
    ticks: Mapping[str, int]
    windows: Mapping[str, int]
    polls: Mapping[str, int]
    wrong: Sequence[tuple[str, str]] = ()  # what is not over yet, and its details

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "seconds": round(self.seconds, 1),
            "messages": self.messages,
            "subscriptions": self.subscriptions,
            "connections": self.connections,
            "connections_wanted": self.connections_wanted,
            "waiting_mb": round(self.waiting_bytes / 1e6, 3),
            "deepest_mb": round(self.deepest_bytes / 1e6, 3),
            "waiting_rows": self.waiting_rows,
            "lag_seconds": round(self.lag_seconds, 3),
            "rows": dict(self.rows),
            "errors": dict(self.errors),
            "books_compared": self.compared,
            "books_differed": self.differed,
            "repeated_messages": self.repeated,
            "crypto_ticks": dict(self.ticks),
            "updown_windows": dict(self.windows),
            "position_polls": dict(self.polls),
            "not_over_yet": [f"{what}: {why}" for what, why in self.wrong],
        }


def line(now: Health, before: Health | None) -> str:
    """One line of the log: what went by since the last one, and what is wrong."""
    seconds = now.seconds - (before.seconds if before else 0.0)
    messages = now.messages - (before.messages if before else 0)
    parts = [
        f"{messages:,} {'message' if messages == 1 else 'messages'} of order books",
        f"{messages / max(seconds, 1e-9):,.1f} a second",
        f"{now.subscriptions:,} subscriptions on {now.connections} of "
        f"{now.connections_wanted} connections",
        f"{now.lag_seconds * 1000:,.0f} ms behind",
        f"{now.waiting_bytes / 1e6:,.1f} MB waiting",
    ]
    ticks = sum(now.ticks.values()) - (sum(before.ticks.values()) if before else 0)
    if now.ticks:
        parts.append(f"{ticks:,} prices")
    if now.windows:
        told = ", ".join(f"{n} {name}" for name, n in now.windows.items())
        parts.append(f"windows so far: {told}")
    if now.polls:
        polls = sum(now.polls.values()) - (sum(before.polls.values()) if before else 0)
        parts.append(f"{polls:,} position polls")
    old = before.errors if before else {}
    parts.append(
        in_words({name: n - old.get(name, 0) for name, n in now.errors.items()})
    )
    if now.wrong:
        still = ", ".join(dict.fromkeys(what for what, _ in now.wrong))
        parts.append(f"not over yet: {still}")
    return "; ".join(parts)


def in_words(errors: Mapping[str, int]) -> str:
    """How many errors there were, and of what: `3 errors (books 2, clock 1)`."""
    named = ", ".join(f"{name} {count}" for name, count in errors.items() if count)
    count = sum(errors.values())
    told = "1 error" if count == 1 else f"{count:,} errors"
    return f"{told} ({named})" if named else told
