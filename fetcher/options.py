"""What one run was asked to do, checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The options of `fetch`, as plain values; times are unix seconds.

    `since` is inclusive, `until` exclusive; `ends_after` and `ends_before` likewise.
    `shard` is (i, n), i from 1: this run takes part i of n. `markets`, `events`,
    `tags` and `wallets` are as the user wrote them.
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
