"""How far the lake is: what the feed covers, what is walked, what is due."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bronze import DATASETS
from fetcher.growth import bytes_a_day, growth
from fetcher.polymarket.feed import Feed, feed_key
from fetcher.saved import fits
from lake import quarantine
from lake.lake import Lake
from lake.landing import landed_bytes
from settings.wording import size_text

TRADES = ("trades", "taker_trades")
RESOLUTIONS = "resolutions"
PRICES = "prices"
FAR_DAYS = 3_653  # ten years: beyond, a count of days says nothing


@dataclass(frozen=True)
class FeedStatus:
    """What one feed covers without a gap, in unix seconds, and what is open above.

    It `is_ahead` where the exchange's clock, by which it is told, is ahead of ours.
    """

    covered_from: int
    watermark: int
    behind_seconds: int
    is_ahead: bool
    open_intervals: int
    gap: tuple[int, int] | None


@dataclass(frozen=True)
class DatasetStatus:
    """One dataset: what lies on disk, and of some how many markets are walked.

    Of prices it is tokens. `megabytes_a_day` is the mean of the last days.
    """

    files: int
    megabytes: float
    quarantined: int
    megabytes_a_day: float | None = None
    markets_known: int | None = None
    markets_walked: int | None = None
    markets_due: int | None = None
    due_because: Mapping[str, int] | None = None
    feed: FeedStatus | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell of it but its name."""
        return not (self.files or self.quarantined or self.markets_known or self.feed)


@dataclass(frozen=True)
class Status:
    """The whole lake; `open_walks` go on with the next run.

    `landed_megabytes` are durable, and in the files of no dataset yet.
    `gb_a_day` is what the last days added on the mean, the warehouse included where it
    is on the same disk; `disk_full_in_days` holds at that pace.
    """

    as_of: str
    datasets: Mapping[str, DatasetStatus]
    landed_megabytes: float
    open_walks: int
    disk_free_gb: float
    gb_a_day: float | None
    disk_full_in_days: int | None

    def as_json(self) -> dict[str, Any]:
        """The status for programs."""
        return asdict(self)

    def as_text(self) -> str:
        """The status for people."""
        lines = []
        for name, one in self.datasets.items():
            if one.is_empty:
                continue
            pace = one.megabytes_a_day
            lately = "" if pace is None else f", {size_text(pace)} a day lately"
            files = f"{one.files:,} file{'' if one.files == 1 else 's'}"
            lines.append(f"{name}: {files}, {size_text(one.megabytes)}{lately}")
            if one.quarantined:
                lines.append(f"  {one.quarantined:,} rows set aside in _quarantine")
            if one.markets_known is not None and name == PRICES:
                lines.append(
                    f"  tokens: {one.markets_walked:,} asked for up to a known second, "
                    f"of {one.markets_known:,} ever asked for; {one.markets_due:,} due"
                )
            elif one.markets_known is not None and name == RESOLUTIONS:
                lines.append(
                    f"  markets: {one.markets_walked:,} settled of "
                    f"{one.markets_known:,} asked about, {one.markets_due:,} are due"
                )
            elif one.markets_known is not None:
                lines.append(
                    f"  markets: {one.markets_walked:,} walked to their end of "
                    f"{one.markets_known:,} known, {one.markets_due:,} due"
                )
            if one.feed is not None:
                lines.append(f"  {_feed_text(one.feed)}")
        empty = [name for name, one in self.datasets.items() if one.is_empty]
        if empty:
            lines.append(f"nothing yet: {', '.join(empty)}")
        if self.landed_megabytes:
            lines.append(
                f"{size_text(self.landed_megabytes)} have landed, safe but not among "
                "these files yet: a run under way, or the next one, takes them in"
            )
        lines.append(f"{self.open_walks:,} walks are open and go on with the next run")
        lines.append(self._disk_text())
        return "\n".join(lines)

    def _disk_text(self) -> str:
        text = f"{self.disk_free_gb:,.1f} GB are free on the lake's disk"
        if self.disk_full_in_days is None or self.gb_a_day is None:
            return text
        days = self.disk_full_in_days
        span = f"{days:,} days" if days < FAR_DAYS else "more than ten years"
        return f"{text}; at {self.gb_a_day:,.3f} GB a day, as lately, for {span}"


def status(
    lake: Lake,
    cursor: Mapping[str, Any],
    *,
    warehouse: Path | None = None,
    clock: float | None = None,
) -> Status:
    """Read it off the lake and the content of the cursor file; asks nobody.

    A `warehouse` that is on the lake's disk counts among what fills it.
    """
    now = time.time() if clock is None else clock
    values, walks = cursor.get("values"), cursor.get("walks")
    values = values if isinstance(values, dict) else {}
    datasets = {name: _dataset(lake, name, values, now) for name in DATASETS}
    grows = growth(
        (_bytes(one.megabytes_a_day) for one in datasets.values()),
        lake_bytes=sum(_bytes(one.megabytes) or 0 for one in datasets.values()),
        warehouse_bytes=_bytes_beside(lake, warehouse),
    )
    free = shutil.disk_usage(lake.root).free
    return Status(
        as_of=datetime.fromtimestamp(now, UTC).isoformat(),
        datasets=datasets,
        landed_megabytes=round(landed_bytes(lake.storage) / 1e6, 3),
        open_walks=len(walks) if isinstance(walks, dict) else 0,
        disk_free_gb=round(free / 1e9, 3),
        gb_a_day=None if grows.lake is None else round(grows.bytes_a_day / 1e9, 6),
        disk_full_in_days=grows.days_to_fill(free),
    )


def _dataset(
    lake: Lake, name: str, values: Mapping[str, Any], now: float
) -> DatasetStatus:
    files = lake.snapshot(name).files
    a_day = bytes_a_day(files, datetime.fromtimestamp(now, UTC).date())
    disk = DatasetStatus(
        files=len(files),
        megabytes=round(sum(file.size for file in files) / 1e6, 3),
        quarantined=quarantine.count(lake.storage, name),
        megabytes_a_day=None if a_day is None else round(a_day / 1e6, 3),
    )
    if name not in (*TRADES, RESOLUTIONS, PRICES):
        return disk
    state = lake.walk_state()
    counts = state.counts(name)
    because: dict[str, int] = {}
    for reason in state.due(name).values():
        because[reason] = because.get(reason, 0) + 1
    return replace(
        disk,
        markets_known=counts.known,
        markets_walked=counts.to_end,
        markets_due=counts.due,
        due_because=because,
        feed=_feed(values.get(feed_key(name)), now),
    )


def _feed(saved: Any, now: float) -> FeedStatus | None:
    if not fits(Feed, saved):
        return None  # none yet, or one that the next run reports
    feed = Feed.load(saved)
    gap = feed.gap
    return FeedStatus(
        covered_from=feed.covered_from,
        watermark=feed.watermark,
        behind_seconds=max(0, int(now) - feed.watermark),
        is_ahead=feed.watermark > int(now),
        open_intervals=len(feed.intervals),
        gap=(gap.floor, gap.reached) if gap is not None else None,
    )


def _feed_text(feed: FeedStatus) -> str:
    def stamp(second: int) -> str:
        return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    if feed.watermark > feed.covered_from:
        text = f"the feed covers {stamp(feed.covered_from)} to {stamp(feed.watermark)}"
    else:
        text = f"the feed is followed from {stamp(feed.covered_from)} on"
    if feed.is_ahead:
        text += ", by the exchange's clock, which is ahead of this one"
    else:
        text += f", {_span(feed.behind_seconds)} behind now"
    if feed.gap is not None:
        text += f"; gap from {stamp(feed.gap[0])} to {stamp(feed.gap[1])}"
    elif feed.open_intervals:
        text += f"; {feed.open_intervals} stretches above it are not joined yet"
    return text


def _span(seconds: int) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:,} seconds"


def _bytes(megabytes: float | None) -> int | None:
    return None if megabytes is None else round(megabytes * 1e6)


def _bytes_beside(lake: Lake, warehouse: Path | None) -> int:
    """What the warehouse takes of the lake's disk: two files of it take turns."""
    if warehouse is None:
        return 0
    try:
        told = warehouse.stat()
    except OSError:
        return 0  # none yet
    return 2 * told.st_size if told.st_dev == lake.root.stat().st_dev else 0
