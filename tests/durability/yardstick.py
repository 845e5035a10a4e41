"""What is held against what there is: bronze, silver and gold beside the truth."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import duckdb
import polars as pl

from bronze import DATASETS
from fetcher.verify import verify
from lake.lake import Lake
from warehouse.check import checks, run_check
from warehouse.models import models

from .home import Home

SILVER_KEY = ["transaction_hash", "side", "timestamp", "size", "price"]
IDENTITY = [*SILVER_KEY, "proxy_wallet", "condition_id", "token_id"]
PLACE = ["walk_id", "page_no", "row_no"]
SETTLED_SECONDS = 900  # younger rows may wait for the next run
_SILVER = """
    select
        '0x' || lower(hex(transaction_hash)) as transaction_hash,
        if(is_buy, 'BUY', 'SELL') as side,
        epoch(traded_at)::bigint as timestamp, size, price
    from silver.TradeFact
    where withdrawn_at is null
"""
_GOLD = """
    select
        transaction_hash, side, epoch(traded_at)::bigint as timestamp, size, price,
        proxy_wallet, condition_id, token_id
    from gold.trades
"""
_STATUS = "select condition_id, status, reason from gold.market_completeness"


@dataclass(frozen=True)
class Verdict:
    """Rows that there are and are not held, or held twice; what else is wrong."""

    lost: int = 0
    doubled: int = 0
    rows: int = 0
    problems: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing at all is wrong."""
        return not (self.lost or self.doubled or self.problems)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.lost + other.lost,
            self.doubled + other.doubled,
            max(self.rows, other.rows),
            (*self.problems, *other.problems),
        )


def judged(home: Home, *, has_warehouse: bool = True) -> Verdict:
    """Hold everything in the folder against the sandbox, each layer as a multiset."""
    truth = home.box.truth()["fills"].filter(
        pl.col("servable") & (pl.col("timestamp") < home.box.now() - SETTLED_SECONDS)
    )
    newest = int(truth["timestamp"].max() or 0)  # type: ignore[arg-type]
    verdict = _judged_bronze(home, truth, newest)
    if has_warehouse:
        verdict += _judged_warehouse(home, truth, newest)
    return verdict


def called_complete(home: Home) -> Verdict:
    """Hold what gold says of each market against what the sandbox can serve of it.

    A fill that the exchange itself has not indexed yet is none so far.
    """
    truth = home.box.truth()
    fills = truth["fills"].filter(pl.col("reason") != "not_indexed_yet")
    whole = fills.group_by("condition_id").agg(pl.col("servable").all().alias("whole"))
    markets = truth["markets"].filter(~pl.col("combo") & (pl.col("condition_id") != ""))
    with duckdb.connect(str(home.warehouse), read_only=True) as db:
        held = pl.DataFrame(pl.from_arrow(db.sql(_STATUS).to_arrow_table()))
    wrong = (
        markets.select("condition_id")
        .join(whole, on="condition_id", how="left")
        .join(held, on="condition_id", how="left")
        .with_columns(pl.col("whole").fill_null(True))
        .filter(pl.col("whole") != (pl.col("status") == "complete").fill_null(False))
    )
    return Verdict(
        problems=tuple(
            f"{one['condition_id']} is {one['status']} {one['reason']}, and"
            f" {'all' if one['whole'] else 'not all'} of it can be served"
            for one in wrong.head(5).iter_rows(named=True)
        )
    )


def _judged_bronze(home: Home, truth: pl.DataFrame, newest: int) -> Verdict:
    with Lake.open_to_read(home.lake, DATASETS) as lake:
        trades = _greatest(lake.scan("trades").collect(), newest)
        found = verify(lake, deep=True, stop=threading.Event()).problems
        verdict = _repeated_places(lake)
    verdict += Verdict(problems=tuple(f"{p.dataset}: {p.what} {p.why}" for p in found))
    return verdict + _difference("bronze", trades, truth, IDENTITY)


def _judged_warehouse(home: Home, truth: pl.DataFrame, newest: int) -> Verdict:
    with duckdb.connect(str(home.warehouse), read_only=True) as db:
        silver = pl.DataFrame(pl.from_arrow(db.sql(_SILVER).to_arrow_table()))
        gold = pl.DataFrame(pl.from_arrow(db.sql(_GOLD).to_arrow_table()))
        verdict = _repeated_keys(db)
    verdict += _difference("silver", _settled(silver, newest), truth, SILVER_KEY)
    return verdict + _difference("gold", _settled(gold, newest), truth, IDENTITY)


def _settled(rows: pl.DataFrame, newest: int) -> pl.DataFrame:
    return rows.filter(pl.col("timestamp") <= newest)


def _greatest(bronze: pl.DataFrame, newest: int) -> pl.DataFrame:
    """Each fill as often as the walk that saw it most often."""
    seen = _rounded(_settled(bronze, newest)).group_by(*IDENTITY, "walk_id").len()
    most = seen.group_by(IDENTITY).agg(pl.col("len").max())
    return most.select(pl.exclude("len").repeat_by("len")).explode(pl.all())


def _rounded(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("size", "price").round(6))


def _difference(
    layer: str, held: pl.DataFrame, truth: pl.DataFrame, key: list[str]
) -> Verdict:
    counts = [_rounded(rows.select(key)).group_by(key).len() for rows in (held, truth)]
    both = counts[0].join(counts[1], on=key, how="full", coalesce=True, suffix="_true")
    apart = both.select(pl.col("len_true", "len").fill_null(0).cast(pl.Int64)).select(
        pl.col("len_true") - pl.col("len")
    )["len_true"]
    lost = int(apart.clip(lower_bound=0).sum())
    doubled = int((-apart).clip(lower_bound=0).sum())
    problems = (f"{layer}: {lost} lost, {doubled} doubled",) * bool(lost or doubled)
    return Verdict(lost, doubled, truth.height, problems)


def _repeated_places(lake: Lake) -> Verdict:
    """Rows of bronze that came from the same row of the same page."""
    verdict = Verdict()
    for name, dataset in DATASETS.items():
        if name == "walks" or not set(PLACE) <= set(dataset.schema.names):
            continue
        rows = lake.scan(name).select(PLACE).collect()
        again = rows.height - rows.unique().height
        if again:
            verdict += Verdict(doubled=again, problems=(f"{name}: {again} twice",))
    return verdict


def _repeated_keys(db: duckdb.DuckDBPyConnection) -> Verdict:
    """Rows of silver that share what should be unique."""
    verdict = Verdict()
    unique = {name for name in models("checks") if name.startswith("unique_")}
    for check in checks():
        offence = run_check(db, check) if check.name in unique else None
        if offence is not None:
            problem = f"{check.name}: {offence.rows} rows, {offence.examples[:1]}"
            verdict += Verdict(doubled=offence.rows, problems=(problem,))
    return verdict
