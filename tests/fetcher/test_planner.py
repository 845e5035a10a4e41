"""Which markets share a walk, and in which order walks come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher.polymarket.market_walk import DAY
from fetcher.polymarket.plan import plan_markets
from fetcher.polymarket.planner import Candidate, in_order, in_shard, packed

EDGE = 1_000 * DAY

candidates = st.lists(
    st.builds(
        Candidate,
        st.integers(0, 10**9).map(lambda n: f"0x{n:064x}"),
        st.floats(0, 5_000),
    ),
    max_size=200,
    unique_by=lambda one: one.condition_id,
)


@given(candidates)
def test_every_market_is_in_one_pack(found):
    packs = list(packed(found, most_markets=20, most_rows=1_000))
    ids = [condition for pack in packs for condition in pack]
    assert sorted(ids) == sorted(one.condition_id for one in found)


@given(candidates)
def test_packs_keep_to_both_bounds(found):
    rows = {one.condition_id: one.rows for one in found}
    for pack in packed(found, most_markets=20, most_rows=1_000):
        assert len(pack) <= 20
        assert len(pack) == 1 or sum(rows[c] for c in pack) <= 1_000


@given(candidates)
def test_a_million_quiet_markets_cost_a_twentieth(found):
    quiet = [Candidate(one.condition_id, 0) for one in found]
    packs = list(packed(quiet, most_markets=20, most_rows=1_000))
    assert len(packs) == -(-len(quiet) // 20)


def test_a_large_market_walks_alone():
    found = [Candidate("0xa", 5), Candidate("0xb", 1_000), Candidate("0xc", 5)]
    packs = list(packed(found, most_markets=20, most_rows=1_000))
    assert sorted(packs) == [("0xa", "0xc"), ("0xb",)]


def test_ids_of_62_digits_walk_among_themselves():
    # quirk 14: should the service refuse them, the others do not suffer
    found = [Candidate("0x" + "a" * 62, 1), Candidate("0x" + "b" * 64, 1)]
    assert len(list(packed(found, most_markets=20, most_rows=1_000))) == 2


def test_what_leaves_the_window_first_comes_first_and_the_quiet_last():
    leaving = Candidate("leaving", 10, begun=EDGE + 3 * DAY)
    leaving_sooner = Candidate("sooner", 10, begun=EDGE + DAY)
    large = Candidate("large", 9_000, begun=EDGE + 500 * DAY)
    quiet = Candidate("quiet", 0, begun=EDGE + 500 * DAY)
    gone = Candidate("gone", 9_000, begun=EDGE - 300 * DAY, ended=EDGE - DAY)
    found = in_order([quiet, gone, large, leaving, leaving_sooner], edge=EDGE)
    names = [one.condition_id for one in found]
    assert names == ["sooner", "leaving", "large", "quiet", "gone"]


@given(st.text("0123456789abcdef", min_size=4), st.integers(1, 9))
def test_every_market_belongs_to_one_shard_whatever_its_spelling(digits, parts):
    shards = [(part, parts) for part in range(1, parts + 1)]
    mine = [shard for shard in shards if in_shard("0x" + digits, shard)]
    assert len(mine) == 1
    assert in_shard("0x" + digits.upper(), mine[0])


def test_a_plan_counts_requests_hours_and_gigabytes():
    plan = plan_markets(
        [10.0] * 200 + [25_000.0],
        basis="a test",
        limits={"data_v2_trades": 150},
        taker_walk=False,
        pack_markets=20,
        pack_rows=1_000,
    )
    (trades,) = plan.parts
    assert (trades.markets, trades.rows) == (201, 27_000)
    assert 35 <= plan.requests <= 50
    assert plan.hours == plan.requests / 15 / 3_600
    assert "requests" in plan.as_text()
    assert plan.as_json()["requests"] == plan.requests


def test_a_plan_speaks_in_units_that_fit():
    limits = {"data_v2_trades": 150, "gamma_markets": 240}
    shape = {"limits": limits, "taker_walk": False, "pack_markets": 20}

    def said(markets: int, rows: float) -> str:
        plan = plan_markets([rows] * markets, basis="x", pack_rows=100_000, **shape)
        return plan.as_text().splitlines()[1]

    assert said(40, 400).endswith("0.5 seconds, 896 kB")
    assert said(40_000, 400).endswith("3 minutes, 896 MB")
    assert said(900_000, 1_000).endswith("75 minutes, 50.4 GB")
