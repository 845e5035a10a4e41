"""The law of silver: however bronze came and was cut into runs, the result is one."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from datetime import datetime
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from bronze_lake import NOON, at, trade
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_warehouse import FILLS

from bronze import DATASETS
from ingestion.intake import intakes
from ingestion.load import CUT, TOGETHER, Loader
from lake.live_files import Changes, LiveFile
from warehouse.models import define_silver, models

EXAMPLES = int(os.environ.get("POLYLAKE_EXAMPLES", "3"))
SECONDS = (0, 1, 86_400)
WALKS = ("m1", "m2", "f3", "f4", "m5", "u6", "v7")

FILL = st.fixed_dictionaries(
    {
        "second": st.sampled_from(SECONDS),
        "hash": st.sampled_from(["a1", "a2"]),
        "wallet": st.sampled_from(["b1", "b2", "b3"]),
        "market": st.sampled_from(["c1", "c2"]),
        "side": st.sampled_from(["BUY", "SELL"]),
        "size": st.sampled_from([4.0, 6.0, 10.0]),
    }
)
NAMES = st.sampled_from(["", "ann", "bob"])


@st.composite
def histories(draw):
    """Commits as folds make them: a walk's rows of a second are in one of them."""
    truth = draw(st.lists(FILL, min_size=1, max_size=8))
    commits = []
    for turn, walk in enumerate(WALKS):
        fetched = 1000 * draw(st.integers(1, 9)) + turn
        served = [fill for fill in truth if draw(st.integers(0, 3)) > 0]
        name, index = draw(NAMES), draw(st.sampled_from([999, 0, 1]))
        label = {"name": name, "pseudonym": "", "outcome_index": index}
        label |= {"outcome": f"outcome {index}", "title": f"title {name}"}
        label |= {"slug": name}
        rows = [
            trade(**fill, walk=walk, page=n // 2, row=n % 2, fetched=fetched, **label)
            for n, fill in enumerate(served)
        ]
        takers = [row for row in rows if draw(st.integers(0, 2)) == 0]
        said = [
            {
                "kind": "page",
                "dataset": "trades",
                "walk_id": walk,
                "page_no": 0,
                "rows_served": len(rows),
                "ts_oldest": NOON + draw(st.sampled_from([-5, *SECONDS])),
                "ts_newest": NOON + 90_000,
                "fetched_at": at(fetched),
            }
        ]
        if draw(st.booleans()):
            said.append(
                {
                    "kind": "walk",
                    "dataset": "trades",
                    "walk_id": walk,
                    "outcome": draw(st.sampled_from(["end", "dropped"])),
                    "fetched_at": at(fetched),
                }
            )
        markets = {fill["market"] for fill in truth}
        for market in sorted(markets):
            mine = [fill for fill in served if fill["market"] == market]
            key = "0x" + market.rjust(64, "0")
            kept = draw(st.booleans())
            if not kept:  # a walk that confirmed: bronze has no rows of it
                rows = [row for row in rows if row["condition_id"] != key]
            said.append(
                {
                    "kind": "folded",
                    "dataset": "trades",
                    "walk_id": walk,
                    "key": key,
                    "rows_stored": len(mine) if kept else 0,
                    "rows_confirmed": 0 if kept else len(mine),
                    "ts_oldest": NOON,
                    "ts_newest": NOON + 86_400,
                    "fetched_at": at(fetched + 50),
                }
            )
            said.extend(
                {
                    "kind": "absent",
                    "dataset": "trades",
                    "walk_id": walk,
                    "key": key,
                    "ts_oldest": NOON + second,
                    "ts_newest": NOON + second,
                    "fetched_at": at(fetched + 50),
                }
                for second in SECONDS
                if draw(st.integers(0, 2)) == 0
                and not any(fill["second"] == second for fill in mine)
            )
        cut = draw(st.sampled_from([0, NOON + 1]))
        commits += [
            ("trades", [row for row in rows if row["timestamp"] < cut]),
            ("trades", [row for row in rows if row["timestamp"] >= cut]),
            ("taker_trades", [trade_taker(row) for row in takers]),
            ("walks", said),
        ]
    commits = [(dataset, rows) for dataset, rows in commits if rows]
    order = draw(st.permutations(commits)) if draw(st.booleans()) else commits
    runs = draw(st.sets(st.integers(1, len(order)), max_size=4))
    return order, runs


def trade_taker(row):
    kept = {"name", "pseudonym", "outcome_index", "outcome", "title", "slug"}
    taken = {key: value for key, value in row.items() if key not in kept}
    return taken | {"walk_id": f"{row['walk_id']}t"}


WALLETS = (
    "select TokenLast.price, priced_at, token_id from silver.TokenLast"
    " inner join silver.MarketTokenDim using (token_key) order by all",
    "select TraderToken.* exclude (trader_key, market_key, token_key, is_first,"
    " cost_left_usd, left_of_split), round(cost_left_usd, 6),"
    " round(left_of_split, 6), count(*) filter (where is_first) over ("
    " partition by trader_key, TraderToken.market_key) as firsts,"
    " condition_id, token_id, trader_address from silver.TraderToken"
    " inner join silver.TraderDim using (trader_key)"
    " inner join (select market_key, condition_id from silver.MarketKey)"
    " using (market_key) left join (select token_key, token_id"
    " from silver.MarketTokenDim) using (token_key) order by all",
    "from silver.StaleTrader",
    "select TraderTotal.* exclude (trader_key), trader_address"
    " from silver.TraderTotal inner join silver.TraderDim using (trader_key)"
    " order by all",
)
EVERYTHING = (
    "from fills order by all",
    "select condition_id, title, slug, title_from_at from silver.MarketKey"
    " order by all",
    "select token_id, condition_id, outcome_index, outcome from silver.MarketTokenDim"
    " order by all",
    "select * exclude (trader_key) from silver.TraderDim order by all",
    "select condition_id, rows_held, shares_held, first_traded_at, last_traded_at"
    " from silver.MarketTally inner join silver.MarketKey using (market_key)"
    " order by all",
    "select WalkTally.dataset, walk_id, condition_id, traded_on, rows_taken_in"
    " from silver.WalkTally inner join silver.MarketKey using (market_key)"
    " inner join silver.WalkFact using (walk_key) order by all",
    "select condition_id, transaction_hash, fills, net_shares, traded_at"
    " from silver.UnbalancedMatch inner join silver.MarketKey using (market_key)"
    " order by all",
    "select condition_id, token_id, trader_address, transaction_hash, is_buy,"
    " occurrence, round(size * 1e6), round(price * 1e6), traded_at"
    " from silver.TakerPending inner join silver.MarketKey using (market_key)"
    " inner join (select token_key, token_id from silver.MarketTokenDim)"
    " using (token_key)"
    " inner join silver.TraderDim using (trader_key) order by all",
    "select walk_id, page_no, row_no, traded_at from silver.TradeSighting"
    " inner join silver.WalkFact using (walk_key) order by all",
    "select * exclude (walk_key) from silver.WalkFact order by all",
    "select * exclude (market_key), condition_id from silver.MarketHour"
    " inner join silver.MarketKey using (market_key) order by all",
    "select * exclude (market_key), condition_id from silver.MarketDay"
    " inner join silver.MarketKey using (market_key) order by all",
    "select TokenHour.* exclude (market_key, token_key), token_id"
    " from silver.TokenHour inner join silver.MarketTokenDim using (token_key)"
    " order by all",
    "select TraderDay.* exclude (trader_key), trader_address from silver.TraderDay"
    " inner join silver.TraderDim using (trader_key) order by all",
    "select TokenPlace.outcome_index, outcomes, token_id from silver.TokenPlace"
    " inner join silver.MarketTokenDim using (token_key) order by all",
    "from silver.StaleHour",
    *WALLETS,
)


# What gold says of every market, for the law's part
WORD = """
create table gold.word (status varchar, payouts double[]);
create view gold.market_completeness as
select condition_id, status, '' as reason from silver.MarketKey, gold.word;
create view gold.market_resolutions as
select condition_id, payouts from silver.MarketKey, gold.word
where payouts is not null;
insert into gold.word values ('unknown', null)
"""


class Silver:
    """Silver in memory, fed with commits as runs of `ingest` feed a file."""

    def __init__(self, root: Path) -> None:
        self._db = duckdb.connect()
        self._db.execute("set TimeZone = 'UTC'")
        define_silver(self._db)
        self._db.execute("create schema gold")
        categories = models("gold")["market_categories"].steps["select"]
        self._db.execute(f"create view gold.market_categories as {categories}")
        self._db.execute(WORD)
        self._loader = Loader(self._db, root, partial(live_files, root))

    def say(self, status, payouts):
        """Let gold say another thing of the markets from the next run on."""
        self._db.execute(
            "update gold.word set status = ?, payouts = ?", [status, payouts]
        )

    def run(self, commits, *, intake_rows):
        for names in TOGETHER:
            new = {name: Changes("log", 1, tuple(commits[name])) for name in names}
            for intake in intakes(
                new, {}, intake_rows=intake_rows, may_cut=names in CUT
            ):
                self._db.execute("begin")
                self._loader.take_in(names, intake)
                self._db.execute("commit")
        self._loader.add_up()
        self._db.execute("begin")
        self._loader.judge()
        self._db.execute("commit")

    def contents(self):
        self._db.execute(FILLS)
        return {query: self._db.execute(query).fetchall() for query in EVERYTHING}


def live_files(root, dataset):
    for path in sorted((root / dataset).glob("dt=*/*.parquet")):
        name = path.relative_to(root / dataset).as_posix()
        yield LiveFile(name, path.stat().st_size, 1, {}, {})


def written(root, number, dataset, rows):
    """Write the rows of one commit, a file a day."""
    schema = DATASETS[dataset]
    days = {}
    for row in rows:
        moment = row[schema.day_of]
        day = moment if isinstance(moment, datetime) else at(moment - NOON)
        days.setdefault(f"{day:%Y-%m-%d}", []).append(row)
    for day, of_day in days.items():
        name = f"dt={day}/{number}.parquet"
        path = root / dataset / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(of_day, schema=schema.schema), path)
        yield LiveFile(name, path.stat().st_size, len(of_day), {}, {})


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(histories())
def test_any_cut_into_runs_gives_what_one_rebuild_gives(history):
    commits, runs = history
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        often, once = Silver(root), Silver(root)
        everything, waiting = defaultdict(list), defaultdict(list)
        for number, (dataset, rows) in enumerate(commits, start=1):
            files = list(written(root, number, dataset, rows))
            everything[dataset] += files
            waiting[dataset] += files
            if number in runs or number == len(commits):
                often.run(waiting, intake_rows=3)
                waiting.clear()
        once.run(everything, intake_rows=1000)
        assert often.contents() == once.contents()


DEED = st.tuples(
    st.integers(0, 40),
    st.sampled_from(["b1", "b2"]),
    st.sampled_from(["101", "102"]),
    st.sampled_from(["BUY", "SELL"]),
    st.sampled_from([1.0, 2.5, 7.000001]),
    st.sampled_from([0.25, 0.5, 0.817]),
)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    st.lists(DEED, min_size=4, max_size=20),
    st.sets(st.integers(1, 40), max_size=2),
    st.sets(st.integers(0, 40), max_size=2),
    st.lists(
        st.tuples(
            st.sampled_from(["complete", "partial"]),
            st.sampled_from([None, [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]),
        ),
        min_size=4,
        max_size=4,
    ),
)
def test_what_a_wallet_did_is_the_same_added_up_at_once_or_as_it_came(
    deeds, cuts, late, words
):
    """Most runs go on from the last one, some bring what is older than that.

    Between them gold may find the market complete, settled, or settled otherwise.
    """
    ends = sorted(cuts)
    parts = defaultdict(list)
    for n, (turn, wallet, token, side, size, price) in enumerate(sorted(deeds)):
        named = {"wallet": wallet, "token": token, "side": side, "hash": f"a{n}"}
        named["outcome_index"] = int(token) - 101
        row = trade(900 * turn, size=size, price=price, row=n, **named)
        parts[99 if turn in late else sum(turn >= end for end in ends)].append(row)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        often, once = Silver(root), Silver(root)
        everything = defaultdict(list)
        for (number, part), word in zip(sorted(parts.items()), words, strict=False):
            files = list(written(root, number, "trades", part))
            everything["trades"] += files
            often.say(*word)
            often.run(defaultdict(list, trades=files), intake_rows=10)
        once.say(*word)
        once.run(everything, intake_rows=1000)
        told, wanted = often.contents(), once.contents()
        assert [told[query] for query in WALLETS] == [wanted[q] for q in WALLETS]
