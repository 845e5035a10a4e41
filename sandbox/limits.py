"""The published rate limits: counted over sliding windows, enforced when asked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SECONDS = 10.0
PUBLISHED = {
    "all": 15_000,
    "gamma_all": 4_000, "gamma_markets": 300, "gamma_events": 500,
    "gamma_listings": 900, "gamma_tags": 200,
    "data_v1_all": 1_000, "data_v1_trades": 200, "data_v1_positions": 150,
    "data_v1_closed_positions": 150,
    "data_v2_all": 800, "data_v2_trades": 300, "data_v2_positions": 200,
    "clob_all": 9_000, "clob_book": 1_500, "clob_price": 1_500, "clob_midpoint": 1_500,
    "clob_books": 500, "clob_prices": 500, "clob_midpoints": 500,
    "clob_prices_history": 1_000, "clob_tick_size": 200,
}  # fmt: skip
LONGEST_WAIT = 15.0  # a delay beyond this becomes a refusal

# What a careful client sets for these limits, in the names of its configuration.
CLIENT_KEYS = {
    "gamma_all": 3_000, "gamma_markets": 240, "gamma_events": 400,
    "gamma_listings": 720,
    "data_v1_all": 800, "data_v1_trades": 150,
    "data_v2_all": 640, "data_v2_trades": 150,
    "data_v2_positions": 150, "clob_all": 7_000, "clob_books": 400,
    "clob_prices_history": 800,
}  # fmt: skip


def groups_of(path: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Every limit group that a request to `path` counts against."""
    for prefix, group in (
        ("/gamma/", "gamma_all"),
        ("/clob/", "clob_all"),
        ("/data/v2/", "data_v2_all"),
        ("/data/", "data_v1_all"),
    ):
        if path.startswith(prefix):
            return ("all", group, *own)
    return own


@dataclass
class Window:
    """The requests of one client to one group."""

    limit: int
    asked: deque[float] = field(default_factory=deque)
    admitted: deque[float] = field(default_factory=deque)
    total: int = 0
    most: int = 0  # the most seen in any window
    delayed: int = 0
    refused: int = 0

    def ask(self, now: float) -> float:
        """Count a request; say when it may go on."""
        self.total += 1
        self.asked.append(now)
        while self.asked[0] <= now - SECONDS:
            self.asked.popleft()
        self.most = max(self.most, len(self.asked))
        while len(self.admitted) > self.limit:
            self.admitted.popleft()
        full = len(self.admitted) >= self.limit
        return max(now, self.admitted[-self.limit] + SECONDS) if full else now


class Limits:
    """Windows by client and group. `check` gives seconds to wait, None to refuse."""

    def __init__(self, mode: str, pace: float) -> None:
        self.mode = mode
        self._pace = pace
        self._windows: dict[tuple[str, str], Window] = {}
        self.routes: dict[str, int] = {}

    def check(self, client: str, groups: tuple[str, ...], now: float) -> float | None:
        """Admit, delay or refuse one request."""
        windows = [self._window(client, group) for group in groups]
        at = max((window.ask(now) for window in windows), default=now)
        wait = at - now if self.mode != "off" else 0.0
        if wait > 0 and (self.mode == "reject" or wait > LONGEST_WAIT):
            for window in windows:
                window.refused += 1
            return None
        for window in windows:
            window.admitted.append(now + wait)
            window.delayed += wait > 0
        return wait

    def _window(self, client: str, group: str) -> Window:
        key = (client, group)
        if key not in self._windows:
            limit = max(1, int(PUBLISHED[group] * self._pace))
            self._windows[key] = Window(limit)
        return self._windows[key]

    def report(self) -> dict[str, object]:
        """Counts by route and by group, all clients together."""
        groups: dict[str, dict[str, int]] = {}
        for (_, name), window in self._windows.items():
            group = groups.setdefault(
                name,
                {
                    "limit": window.limit,
                    "total": 0,
                    "most": 0,
                    "delayed": 0,
                    "refused": 0,
                },
            )
            group["total"] += window.total
            group["most"] = max(group["most"], window.most)
            group["delayed"] += window.delayed
            group["refused"] += window.refused
        return {"routes": dict(sorted(self.routes.items())), "groups": groups}

    def reset(self) -> None:
        """Forget all that was counted."""
        self._windows.clear()
        self.routes.clear()
