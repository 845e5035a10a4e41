"""What a sandbox can be asked to be: size, seed, clock, switches."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DAY = 86_400
NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())

SIZES: dict[str, tuple[int, int]] = {
    "tiny": (40, 600),
    "small": (200, 20_000),
    "medium": (2_000, 200_000),
    "large": (20_000, 1_250_000),
}


@dataclass(frozen=True)
class Options:
    """Everything a universe and its server depend on; equal options, equal bytes."""

    # the universe
    size: str = "small"
    seed: int = 1
    markets: int | None = None  # about so many markets instead of the size's number
    fills: int | None = None  # at least so many fill rows up to `now`
    burst_rows: int | None = None  # rows in the busiest second; None: by size
    rush_markets: int = 0  # so many open markets trade in the five minutes after `now`
    hostile: bool = False  # titles and slugs that mean harm
    ahead_days: float = 7.0  # how far fills are made beyond `now`
    age_days: float = 150.0  # how long ago ordinary markets were listed, on average

    # time
    now: int = NOW  # unix seconds at the start
    speed: float = 0.0  # simulated seconds a real second; 0: frozen
    lag_seconds: int = 4  # rows are served up to so long after the fill
    label_seconds: int = 600  # rows younger than this may lack their labels
    late_rows: float = 0.0  # share of matches indexed minutes to hours late
    withdrawn_rows: float = 0.0  # share of matches that vanish again

    # the services
    cdn: bool = True  # first pages may be cached, see docs/sandbox.md
    gzip: bool = False  # compress answers when the client allows it
    latency_ms: float = 0.0
    limits: str = "off"  # off (only counted), delay, reject
    retry_after: int | None = None  # seconds named on a refusal; None: no header
    pace: float = 1.0  # the published limits times this
    v1: str = "serve"  # serve, 404, 410
    v1_offset_cap: int = 3_000
    v1_past_cap: str = "400"  # 400, or repeat the last page
    gamma_offset_cap: int = 2_000
    clob_page: int = 1_000
    board_moves: int = 0  # so many later pages of boards come from a newer board
    fault_seed: int = 1
    faults: tuple[tuple[str, float], ...] = ()
    payloads: Path | None = None

    # the live side
    live_rate: float = 1.0  # how lively order books are
    live_load: float = 0.0  # messages a real second over all subscriptions; 0: the tape
    live_series: float = 0.0  # up/down windows without a gap, for so many hours
    live_crowd: int = 0  # wallets that trade in each of these windows, from now on
    late_resolutions: float = 0.0  # share of them that settle minutes to hours late

    @property
    def market_count(self) -> int:
        """About how many markets the catalogue holds."""
        return self.markets or SIZES[self.size][0]

    @property
    def fill_count(self) -> int:
        """The least number of fill rows made up to `now`."""
        return self.fills or SIZES[self.size][1]

    @property
    def burst_count(self) -> int:
        """Rows in the busiest second; a tiny universe has no such second."""
        if self.burst_rows is not None:
            return self.burst_rows
        return 1_200 if self.fill_count >= 10_000 else 0

    @property
    def end(self) -> int:
        """The time up to which fills are made."""
        return self.now + int(self.ahead_days * DAY)

    @classmethod
    def of(cls, **given: Any) -> Options:
        """Options from keywords; an unknown one is an error that names it."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise TypeError(f"no such sandbox option: {', '.join(unknown)}")
        options = cls(**given)
        if options.size not in SIZES:
            raise ValueError(f"size is {options.size!r}, not one of {', '.join(SIZES)}")
        return options
