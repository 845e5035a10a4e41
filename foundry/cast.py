"""Cast a lake: every day's fills, the walks that brought them, and the catalogue."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bronze import DATASETS
from foundry.casting import MOST_FILLS_A_DAY, Casting
from foundry.files import Files
from foundry.fill_rows import FillRows
from foundry.present import Present, Volumes, event_rows, listed_table, market_rows
from foundry.trading import DayOfFills, Trading
from foundry.walk_rows import coverage_rows, listing_rows, walks_rows, walks_table
from foundry.walked import I8, Walks
from lake.storage import LocalStorage
from sandbox.market import Market
from sandbox.options import DAY
from settings.errors import UsageError

STATE = "_state/cast.json"
PACK = 20  # small markets a walk
ALONE_FROM = 300  # rows; a larger market is walked by itself
AFTER = 600  # seconds from the end of a stretch to the walk that brings it
SIDES = {"trades": "false", "taker_trades": "true"}
FEED, MARKET = "feed", "market"

Report = Callable[[int], object]


@dataclass(frozen=True)
class Cast:
    """What was written."""

    rows: dict[str, int]
    bytes: int


def check_room(folder: Path, casting: Casting) -> None:
    """Raise UsageError unless the folder is empty and the disk has room enough."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} is not an empty folder; a cast lake begins with nothing. Name "
            "another --folder, or add to a lake that was cast with --append."
        )
    if casting.fills > casting.days * MOST_FILLS_A_DAY:
        raise UsageError(
            f"{casting.fills:,} fills in {casting.days} days are more than "
            f"{MOST_FILLS_A_DAY:,} a day. Say more --days."
        )
    above = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(above).free
    if free < casting.bytes_needed:
        raise UsageError(
            f"The lake will need about {casting.bytes_needed / 1e9:.1f} GB, and "
            f"{above} has {free / 1e9:.1f} GB free. Free some, or say fewer --fills."
        )


def cast(folder: Path, casting: Casting, report: Report = lambda _: None) -> Cast:
    """Write the lake; `report` is told how many fills each step has added."""
    check_room(folder, casting)
    folder.mkdir(parents=True, exist_ok=True)
    storage = LocalStorage(folder)
    trading = Trading(casting)
    rows = FillRows(trading)
    files = Files(storage, "cast")
    volumes = Volumes(len(trading.markets))
    split = (casting.feed_from - casting.begin) // DAY
    walk_of, backfill = _backfill(trading, split)
    feed = {name: _feed(casting, name, split) for name in SIDES}
    for day in reversed(range(casting.days)):
        fills = trading.day(day)
        by, of = backfill, walk_of
        if day >= split:
            by, of = feed, np.full(len(walk_of), day - split, dtype=np.int64)
        tables = rows.tables(fills, by["trades"], by["taker_trades"], of)
        for name, table in tables.items():
            files.write(name, table, casting.begin + day * DAY)
        volumes.add(
            _taken(fills, len(walk_of)), casting.end - casting.begin - day * DAY
        )
        report(len(fills.fills))
    conditions = pl.Series([market.condition for market in trading.markets])
    said = [
        walks_rows(walks, conditions) for walks in (*backfill.values(), *feed.values())
    ]
    now = casting.end + AFTER
    for name, walks in feed.items():
        said.append(coverage_rows(name, casting.feed_from, now, walks.ids[-1], now))
    said += _write_catalogue(files, trading, volumes, now + 60)
    files.write_days("walks", walks_table(said))
    files.commit()
    _note(storage, {"casting": casting.saved(), "end": casting.end, "appended": []})
    return Cast(files.rows, files.bytes)


def append(folder: Path, fills: int, markets: int, seconds: int) -> Cast:
    """Add new fills in so many markets, as one run of fetch would: a file a day."""
    storage = LocalStorage(folder)
    if not storage.exists(STATE):
        raise UsageError(
            f"{folder} was not cast by `sandbox lake`; --append adds to such a lake. "
            "Without --append a new one is made in an empty --folder."
        )
    state = json.loads(storage.read(STATE))
    casting, begin = Casting.load(state["casting"]), int(state["end"])
    number = len(state["appended"])
    trading = Trading(casting)
    rng = np.random.default_rng([casting.seed, 13, number])
    may = trading.open_at(begin, begin + seconds)
    if len(may) < markets or fills < 3 * markets:
        raise UsageError(
            f"{fills:,} new fills in {markets:,} markets cannot be made: "
            f"{len(may):,} markets are open then, and each gets some 3 fills at "
            "least. Say fewer --markets, or more --fills."
        )
    end = begin + seconds
    chosen = np.sort(rng.choice(may, markets, replace=False))
    new = trading.stretch(rng, fills, begin, end, chosen=chosen)
    files = Files(storage, f"cast{number + 1:04d}")
    rows = FillRows(trading)
    none = np.zeros(len(trading.markets), dtype=np.int64)
    feed = {name: run_of_feed(name, end, begin) for name in SIDES}
    tables = rows.tables(new, feed["trades"], feed["taker_trades"], none)
    for name, table in tables.items():
        files.write_days(name, table)
    conditions = pl.Series([market.condition for market in trading.markets])
    said = [walks_rows(walks, conditions) for walks in feed.values()]
    now = end + 20
    for name, one in feed.items():
        said.append(coverage_rows(name, casting.feed_from, end, one.ids[0], now))
    files.write_days("walks", walks_table(said))
    files.commit()
    state["end"] = end
    state["appended"].append({"fills": fills, "markets": markets, "seconds": seconds})
    _note(storage, state)
    return Cast(files.rows, files.bytes)


def _backfill(trading: Trading, days: int) -> tuple[I8, dict[str, Walks]]:
    """The walks of the markets that were there before the feed was covered.

    Large markets are walked alone, small ones together. Returns also which walk each
    market is of.
    """
    casting = trading.casting
    expected = trading.expected(range(days))
    walk_of = np.zeros(len(trading.markets), dtype=np.int64)
    scopes: list[list[int]] = []
    pack: list[int] = []
    for market in trading.markets:
        if market.created_at >= casting.feed_from and not expected[market.index]:
            continue
        if expected[market.index] > ALONE_FROM:
            scopes.append([market.index])
            continue
        pack.append(market.index)
        if len(pack) == PACK:
            scopes.append(pack)
            pack = []
    if pack:
        scopes.append(pack)
    for number, scope in enumerate(scopes):
        walk_of[scope] = number
    began = casting.feed_from * 1_000
    names = [tuple(trading.markets[i].condition for i in scope) for scope in scopes]
    found = {
        dataset: Walks(
            dataset,
            MARKET,
            [_walk_id("m", began + n, dataset, n) for n in range(len(scopes))],
            [_filter(dataset, condition=",".join(scope)) for scope in names],
            names,
            (began + np.arange(len(scopes), dtype=np.int64)) * 1_000,
            0,
            casting.feed_from - 1,
        )
        for dataset in SIDES
    }
    return walk_of, found


def _feed(casting: Casting, dataset: str, split: int) -> Walks:
    """A walk of the feed for each day from `split` on, soon after its end."""
    ends = casting.begin + (np.arange(split, casting.days, dtype=np.int64) + 1) * DAY
    began = ends + AFTER
    return Walks(
        dataset,
        FEED,
        [_walk_id("f", int(at) * 1_000, dataset, n) for n, at in enumerate(began)],
        [_filter(dataset) for _ in began],
        [() for _ in began],
        began * 1_000_000,
        casting.feed_from,
        casting.end,
    )


def run_of_feed(dataset: str, end: int, begin: int) -> Walks:
    """One walk of the feed from `end` to `begin`, which has brought nothing yet."""
    began = (end + 5) * 1_000
    ids = [_walk_id("f", began, dataset, 0)]
    at = np.array([began * 1_000], dtype=np.int64)
    return Walks(dataset, FEED, ids, [_filter(dataset)], [()], at, begin, end)


def _walk_id(letter: str, milliseconds: int, dataset: str, number: int) -> str:
    return f"{letter}{milliseconds:011x}{len(dataset) << 24 | number:08x}"


def _filter(dataset: str, **more: str) -> dict[str, str]:
    return {**more, "taker_only": SIDES[dataset]}


def _taken(day: DayOfFills, markets: int) -> I8:
    """Shares that takers took in each market, in millionths."""
    taker = day.fills.is_taker
    of = day.markets[day.fills.market[taker]]
    size = day.fills.size[taker].astype(np.float64)
    result: I8 = np.bincount(of, size, markets).astype(np.int64)
    return result


def _write_catalogue(
    files: Files, trading: Trading, volumes: Volumes, at: int
) -> Iterator[pl.DataFrame]:
    """Write markets, events and totals as they are at `at`; yield their pages."""
    world = Present(trading, volumes, at)
    listed = [
        market
        for market in trading.markets[: trading.catalogue.listed]
        if market.created_at <= at
    ]
    events = [
        event
        for event in trading.catalogue.events
        if any(market.created_at <= at for market in event.markets)
    ]
    began = at * 1_000
    found = {
        "markets": (market_rows(world, listed), "l", "/markets/keyset?limit=100"),
        "events": (event_rows(world, events), "l", "/events/keyset?limit=100"),
        "live_volume": (_totals(trading, volumes, listed), "t", "/v2/live-volume"),
    }
    for name, (said, letter, request) in found.items():
        walk_id = _walk_id(letter, began, name, 0)
        table = listed_table(DATASETS[name], said, walk_id, at, 100)
        key = DATASETS[name].sort_by[0]
        table = table.sort_by([(key, "ascending")])
        files.write_days(name, table)
        strategy = "totals" if letter == "t" else "listing"
        yield listing_rows(name, strategy, request, table)


def _totals(
    trading: Trading, volumes: Volumes, listed: list[Market]
) -> list[dict[str, Any]]:
    return [
        {
            "event_id": str(trading.catalogue.events[market.event].id),
            "condition_id": market.condition,
            "taker_volume": float(volumes.total[market.index] / 1e6),
            "age_seconds": 0,
        }
        for market in listed
        if volumes.total[market.index]
    ]


def _note(storage: LocalStorage, state: dict[str, Any]) -> None:
    storage.write(STATE, json.dumps(state, indent=1).encode())
