"""What a service does wrong, one fault at a time, and what a run makes of it.

A trial is one run of `fetch` under a fault, a second one without it, and the count of
what bronze then holds against what the sandbox can serve.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

import settings
from bronze import DATASETS
from fetcher.ending import Ending
from fetcher.fetching import fetch
from fetcher.modes import phases
from fetcher.options import Options
from lake.lake import Lake
from sandbox.testing import Box
from settings.errors import PolylakeError

KEY = [
    *("transaction_hash", "proxy_wallet", "condition_id", "token_id"),
    *("side", "timestamp", "size", "price"),
]
WORLD: dict[str, Any] = {
    "size": "tiny", "markets": 24, "fills": 1_600, "burst_rows": 1_100, "gzip": True,
    "label_seconds": 3_600, "lag_seconds": 30,
}  # fmt: skip
Ended = Literal["unseen", "reported", "stopped"]

UNSEEN, REPORTED, STOPPED = "unseen", "reported", "stopped"

TRADES = "^/data/v2/trades"
LATER = "trades.*cursor="
OF_MARKETS = "trades.*condition="
LISTED = "^/gamma/(markets|events)/keyset"


@dataclass(frozen=True)
class Scenario:
    """One fault: the rules that the sandbox is given, and how a run may end under it.

    A run is about a few markets, or `whole`: the catalogue, the feed and all markets.
    `before` runs of an undisturbed lake come first, `seconds` of simulated time after
    each of them, and then `late` rows.
    """

    name: str
    rules: tuple[dict[str, Any], ...] = ()
    ends: tuple[Ended, ...] = (UNSEEN,)
    whole: bool = False
    before: int = 0
    seconds: int = 0
    late: int = 0
    base_url: str | None = None


def rule(
    fault: str, path: str = TRADES, times: int | None = 1, **more: Any
) -> dict[str, Any]:
    """One rule of the sandbox."""
    return {"fault": fault, "path": path, "times": times, **more}


def thrice(fault: str) -> tuple[dict[str, Any], ...]:
    """The fault on a first and on a later page of trades, and on the catalogue."""
    return rule(fault, skip=1), rule(fault, LATER), rule(fault, LISTED)


PASSING = (
    Scenario("429 without Retry-After", thrice("429")),
    Scenario("429 with Retry-After", (rule("429-retry-after", skip=1),)),
    Scenario("500", thrice("500")),
    Scenario("503", thrice("503")),
    Scenario("connection reset", thrice("reset")),
    Scenario("read timeout", thrice("timeout")),
    Scenario("slow trickle", (rule("trickle", LATER),)),
    Scenario("truncated body", thrice("truncated")),
    Scenario("invalid JSON", thrice("invalid-json")),
    Scenario("HTML page", thrice("html")),
    Scenario("200 with an error", thrice("error-200")),
    Scenario("wrong content type", thrice("wrong-type")),
    Scenario("damaged gzip", thrice("bad-gzip")),
    Scenario("page repeated", (rule("repeated-page", LATER),)),
    Scenario("two markets swap pages", (rule("swapped-page", OF_MARKETS, skip=1),)),
    Scenario("filters dropped on later pages", (rule("filters-dropped", LATER),)),
    Scenario("filters dropped on first pages", (rule("filters-ignored", OF_MARKETS),)),
)
LASTING = (
    Scenario("endless body", (rule("huge", LATER, None),), (STOPPED,)),
    Scenario("gzip bomb", (rule("gzip-bomb", LATER, None),), (STOPPED,)),
    Scenario(
        "page repeated for ever", (rule("repeated-page", LATER, None),), (STOPPED,)
    ),
    Scenario(
        "invalid cursor in mid-walk", (rule("invalid-cursor", LATER, 2),), (REPORTED,)
    ),
    Scenario("restart with other cursor keys", (rule("new-keys", LATER),), (REPORTED,)),
    Scenario("v2 gone (404)", (rule("404", TRADES, None),), (REPORTED,)),
    Scenario("v2 gone in mid-run (410)", (rule("410", LATER, None),), (STOPPED,)),
    Scenario("trades never answer", (rule("500", OF_MARKETS, None),), (STOPPED,)),
    Scenario("name not resolved", (), (STOPPED,), base_url="http://nobody.invalid"),
)  # fmt: skip
MOVING = (
    Scenario(
        "stale first page", (rule("stale-page", "trades|keyset", None),),
        whole=True, before=1, seconds=2_000,
    ),
    Scenario(
        "new trades during a walk", (rule("clock-jump", TRADES, None, seconds=40),),
        whole=True, before=1, seconds=90_000,
    ),
    Scenario(
        "markets close during a pass", (rule("clock-jump", LISTED, 2, seconds=20_000),),
        whole=True,
    ),
    Scenario(
        "the exchange's clock jumps",
        (rule("clock-jump", skip=1), rule("clock-jump", LISTED, skip=1)), whole=True,
    ),
    Scenario(
        "late rows below the watermark", whole=True, before=2, seconds=1_200, late=3
    ),
    Scenario("late labels", whole=True, before=1, seconds=5_000),
    Scenario(
        "catalogue gone (404)", (rule("404", LISTED, None),), (STOPPED,), whole=True
    ),
    Scenario(
        "filters of the catalogue dropped", (rule("filters-ignored", LISTED, 2),),
        (UNSEEN, STOPPED), whole=True,
    ),
)  # fmt: skip
SCENARIOS = PASSING + LASTING + MOVING
CHANCE = tuple(sorted({one["fault"] for s in PASSING for one in s.rules} - {"trickle"}))


def mixture(seed: int) -> tuple[dict[str, Any], ...]:
    """What may strike at any time, on 5 to 10 % of all requests."""
    chance = random.Random(seed).uniform(0.05, 0.10)
    # a rule is asked only when those before it did not strike
    return tuple(
        {"fault": fault, "p": chance / (len(CHANCE) - chance * place)}
        for place, fault in enumerate(CHANCE)
    )


def mixed(seed: int) -> Scenario:
    """All of that in one run."""
    ends = (UNSEEN, REPORTED, STOPPED)
    return Scenario(f"mixed, seed {seed}", mixture(seed), ends, whole=True)


def together(name: str, scenarios: tuple[Scenario, ...]) -> Scenario:
    """The faults of several scenarios in one run, one after the other."""
    rules = tuple(one for scenario in scenarios for one in scenario.rules)
    ends = tuple({end for scenario in scenarios for end in scenario.ends})
    return Scenario(name, rules, ends)


class Hasty(Ending):
    """An ending whose waits are short: what is waited for is not the network."""

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, 0.02))


class Heard(logging.Handler):
    """What a run warned of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@dataclass(frozen=True)
class Trial:
    """How a run ended under a fault, and what was held after the next one."""

    scenario: str
    struck: int
    ended: Ended
    sentence: str
    lost: int
    doubled: int
    markets_lost: int
    rerun: Ended

    @property
    def is_whole(self) -> bool:
        return self.lost == self.doubled == self.markets_lost == 0


def config(folder: Path, box: Box, base_url: str | None = None) -> Path:
    """The settings of one user of the sandbox, without limits and with short waits."""
    toml = box.toml()
    if base_url is not None:
        toml = toml.replace(box.url("/data"), base_url)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.toml"
    groups = sorted(settings.load().limits)
    path.write_text(
        '[paths]\nlake = "data"\ncursors = "cursor.json"\nruntime = "runtime"\n'
        "[http]\nread_timeout_seconds = 0.4\nmax_response_mb = 4\n"
        "[limits]\n" + "".join(f"{one} = 100000\n" for one in groups) + toml
    )
    return path


def run(path: Path, markets: tuple[str, ...] = ()) -> tuple[Ended, str]:
    """One run of trades, or of the catalogue too: how it ended, and what it said."""
    heard = Heard()
    logger = logging.getLogger("fetcher")
    logger.addHandler(heard)
    mode = "trades" if markets else "all"
    work = [*(() if markets else phases("markets")), *phases("trades")]
    try:
        summary = fetch(
            settings.load(path), Options(mode, markets=markets), Hasty(), work=work
        )
    except PolylakeError as error:
        return STOPPED, str(error)
    finally:
        logger.removeHandler(heard)
    if summary.failures:
        return STOPPED, summary.failures[0].why
    return (REPORTED, heard.lines[0]) if heard.lines else (UNSEEN, "")


def attempt(scenario: Scenario, box: Box, folder: Path) -> Trial:
    """Run under the fault, then without it, and count."""
    path = config(folder, box)
    chosen = () if scenario.whole else busiest(box)
    box.heal()
    box.admin("purge")
    for _ in range(scenario.before):
        run(path, chosen)
        box.advance(scenario.seconds)
    if scenario.late:
        box.admin("inject", kind="late", seconds=600, count=scenario.late, purge=True)
    before = strikes(box)
    for one in scenario.rules:
        box.fault(one["fault"], **{k: v for k, v in one.items() if k != "fault"})
    if scenario.base_url:
        config(folder, box, scenario.base_url)
    ended, sentence = run(path, chosen)
    struck = strikes(box) - before
    box.heal()
    box.admin("purge")
    config(folder, box)
    rerun, _ = run(path, chosen)
    lost, doubled = counted(folder, box, chosen)
    return Trial(
        scenario.name,
        struck,
        ended,
        sentence,
        lost,
        doubled,
        markets_lost(folder, box, chosen),
        rerun,
    )


def busiest(box: Box) -> tuple[str, ...]:
    """Three markets: the one of the busiest second, and two of few days."""
    fills = box.truth()["fills"].filter("servable")
    days = (pl.col("timestamp") // 86_400).n_unique()
    counts = fills.group_by("condition_id").agg(pl.len(), days.alias("days"))
    counts = counts.filter(pl.col("condition_id").str.len_chars() == 66)
    most = counts.sort("len")["condition_id"][-1]
    few = counts.filter(pl.col("condition_id") != most).sort("days", "condition_id")
    return (most, *few["condition_id"][:2])


def strikes(box: Box) -> int:
    """How often any fault has struck."""
    return sum(box.call(lambda service: dict(service.faults.struck)).values())


def counted(folder: Path, box: Box, chosen: tuple[str, ...] = ()) -> tuple[int, int]:
    """Fills of the sandbox that bronze lacks, and fills that it has too often."""
    fills = exact(box.truth()["fills"])
    if chosen:
        fills = fills.filter(pl.col("condition_id").is_in(chosen))
    truth = fills.group_by(KEY)
    true = truth.agg(pl.col("servable").sum().alias("true"), pl.len().alias("all"))
    rows = exact(read(folder, "trades"))
    held = rows.group_by([*KEY, "walk_id"]).len().group_by(KEY).agg(pl.col("len").max())
    both = true.join(held, on=KEY, how="full", coalesce=True).fill_null(0)
    both = both.with_columns(pl.col("true", "all", "len").cast(pl.Int64))
    lost = (both["true"] - both["len"]).clip(0).sum()
    doubled = (both["len"] - both["all"]).clip(0).sum()
    return int(lost), int(doubled)


def markets_lost(folder: Path, box: Box, chosen: tuple[str, ...] = ()) -> int:
    """Markets of the sandbox's catalogue that bronze lacks."""
    truth = box.truth()["markets"].filter(~pl.col("combo"))
    wanted = set(chosen or truth["condition_id"].str.to_lowercase())
    return len(wanted - set(read(folder, "markets")["condition_id"].str.to_lowercase()))


def read(folder: Path, dataset: str) -> pl.DataFrame:
    """All rows of a dataset."""
    lake = Lake.open_to_read(folder / "data", DATASETS)
    return pl.read_parquet(lake.files(dataset), hive_partitioning=False)


def exact(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with sizes and prices at a millionth, ids in lower case."""
    return rows.with_columns(
        pl.col("size", "price").round(6), pl.col("condition_id").str.to_lowercase()
    )
