"""Whole runs over prices: what is served is held, once, whatever happens between."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from prices_rig import DAY, FIDELITY, PricesHome, prices_beside

from fetcher.modes import phases
from fetcher.polymarket.price_history import LONGEST_SECONDS
from settings.errors import UsageError

BUCKET = 60 * FIDELITY


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PricesHome]:
    """A lake after its first run, to be read only."""
    with prices_beside(tmp_path_factory.mktemp("prices"), days=100) as user:
        assert user.fetch().failures == []
        yield user


def test_every_point_that_is_served_finest_is_held_with_its_value(whole):
    tokens = whole.first_tokens()
    assert len(tokens) > 20
    begin = whole.box.now() - 99 * DAY
    for token, market in tokens.items():
        served = whole.served(token, FIDELITY, begin)
        assert served <= whole.held(token, FIDELITY), market.slug
    assert whole.points()["resolution_seconds"].n_unique() > 1


def test_what_is_gone_at_the_finest_fidelity_is_held_at_a_coarser_one(whole):
    begin = whole.box.now() - 99 * DAY
    bucket = 180 * 60  # of what is kept for ever
    points = whole.points(since=begin)
    found = 0
    for token, market in whole.first_tokens().items():
        ever = [time for time, _ in whole.served(token, 180, begin)]
        if len(ever) < 2:
            continue
        times = points.filter(token_id=token)["timestamp"].sort()
        assert times[0] <= min(ever) + BUCKET, market.slug
        assert times.diff().drop_nulls().max() <= 2 * bucket, market.slug
        found += 1
    assert found > 10


def test_no_point_is_held_that_was_never_served(whole):
    points = whole.points()
    for token in list(whole.first_tokens())[::5]:
        for fidelity in points["resolution_seconds"].unique().to_list():
            extra = whole.held(token, fidelity // 60)
            # what is kept was there before the exchange let it go
            assert extra <= whole.served(token, fidelity // 60)


def test_windows_are_named_by_their_ends_and_never_too_long(whole):
    asked = whole.asked()
    assert asked
    assert all(one["end_ts"] - one["start_ts"] <= LONGEST_SECONDS for one in asked)
    assert not any("interval" in one for one in asked)
    assert all(len(one["markets"]) <= 20 for one in asked)


def test_of_two_tokens_one_is_asked_for(whole):
    wanted = set(whole.first_tokens())
    asked = {token for one in whole.asked() for token in one["markets"]}
    assert len(asked) > 15
    assert asked <= wanted


def test_what_was_asked_is_kept_beside_what_came(whole):
    windows = whole.windows()
    empty = windows.filter("is_empty")
    assert empty.height
    assert empty["fidelity_obtained"].is_null().all()
    full = windows.filter(~pl.col("is_empty"))
    assert (full["fidelity_asked"] == full["fidelity_obtained"]).all()
    inside = (
        whole.home.rows("prices")
        .join(windows, on=["walk_id", "page_no", "token_id"])
        .filter(pl.col("timestamp").is_between("asked_from", "asked_to", closed="left"))
        .group_by("walk_id", "page_no", "token_id")
        .len()
    )
    told = full.select("walk_id", "page_no", "token_id", "points")
    both = told.join(inside, on=["walk_id", "page_no", "token_id"], how="full")
    assert both.filter(pl.col("points") != pl.col("len")).is_empty()
    assert full.height == inside.height


def test_the_plan_tells_the_cost_and_status_how_far_it_is(tmp_path):
    with prices_beside(tmp_path, days=100) as user:
        plan = user.plan()
        user.box.forget_requests()
        user.fetch()
        points = user.home.rows("prices").height
        assert points / 2 < plan["rows"] < points * 2
        asked = user.requests()
        assert asked / 2 <= plan["requests"] <= asked * 2
        assert plan["markets"] > 15  # tokens: of binary markets one
        assert user.plan()["rows"] < plan["rows"] / 20
        told = user.status()
        prices = told.json["datasets"]["prices"]
        assert prices["markets_walked"] == plan["markets"]
        assert "asked for up to a known second" in told.text


def test_without_news_little_is_asked_and_each_day_every_open_market(tmp_path):
    with prices_beside(tmp_path) as user:
        first = user.fetch()
        assert first.counts["prices"].requests > 1
        user.requests()
        again = user.fetch()
        assert user.requests() <= 1  # of what closed so lately that more may come
        assert again.counts["prices"].rows_seen < first.counts["prices"].rows_seen / 50
        asked = user.windows().height
        user.box.advance(2 * 3_600)
        user.fetch()
        assert user.windows()["condition_id"][asked:].n_unique() < 5
        user.fetch(full=True)  # as once a day
        now = user.box.now()
        known = set(user.windows()["condition_id"][:asked])
        markets = user.first_tokens().values()
        opened = {m.condition for m in markets if m.closed_at > now} & known
        assert len(opened) > 5
        assert opened <= set(user.asked_since(now - 60))


def test_a_stopped_run_goes_on_and_every_point_is_there_once(tmp_path):
    with prices_beside(tmp_path, days=100) as user:
        for pages in (2, 3, 6):
            user.fetch(stop_after=pages)
            assert user.home.cursor().walks
        user.fetch()
        subjects = user.home.walks("subject", "prices")
        ended = [row["key"] for row in subjects if row["outcome"] == "end"]
        # once each, but for what closed so lately that more may come
        assert len(ended) <= len(set(ended)) + 3
        assert user.home.cursor().walks == {}
        begin = user.box.now() - 99 * DAY
        for token in user.first_tokens():
            assert user.served(token, FIDELITY, begin) <= user.held(token, FIDELITY)
        twice = user.home.rows("prices").group_by("walk_id", "page_no", "row_no").len()
        assert twice["len"].max() == 1


def test_time_that_passes_between_runs_leaves_no_hole(tmp_path):
    with prices_beside(tmp_path) as user:
        user.fetch()
        begin = user.box.now() - DAY
        for seconds in (3_000, 90_000):
            user.box.advance(seconds)
            user.home.fetch(mode="markets")
            user.fetch()
        user.box.advance(3_600)
        user.fetch(full=True)
        now = user.box.now()
        for token, market in user.first_tokens().items():
            missing = {
                (time, price)
                for time, price in user.served(token, FIDELITY, begin)
                if time < min(now - 90 - BUCKET, market.closed_at)
            } - user.held(token, FIDELITY)
            assert not missing, (market.slug, sorted(missing)[:3])


def test_only_markets_with_a_fill_or_a_change_are_asked_again(tmp_path):
    with prices_beside(tmp_path) as user:
        user.home.fetch(mode="trades")
        user.fetch()
        user.box.advance(100_000)
        user.home.fetch(mode="trades")
        since = user.box.now()
        user.fetch()
        asked = set(user.asked_since(since - 60))
        truth = user.box.truth()["fills"]
        traded = set(
            truth.filter((pl.col("timestamp") >= since - 99_000) & pl.col("servable"))[
                "condition_id"
            ]
        )
        listed = {m.condition for m in user.first_tokens().values()}
        assert traded & listed
        assert traded & listed <= asked
        assert len(asked) < len(listed) / 2


def test_a_fill_alone_is_news_once(tmp_path):
    with prices_beside(tmp_path) as user:
        user.fetch()
        now = user.box.now()
        alive = [m for m in user.first_tokens().values() if m.closed_at > now]
        known = set(user.windows()["condition_id"])
        some = [m.condition for m in alive if m.condition in known][:2]
        for seconds, news in ((3_600, some[:1]), (3_600, some[1:]), (3_600, [])):
            user.box.advance(seconds)
            for condition in news:
                user.store_fill(condition)
            user.fetch()
            asked = set(user.asked_since(user.box.now() - 60)) & {
                m.condition for m in alive
            }
            assert asked == set(news)


def test_two_tokens_that_do_not_mirror_each_other_are_both_asked_for(tmp_path):
    with prices_beside(tmp_path, mirror_sample=100) as user:
        now = user.box.now()
        own = user.first_tokens(own_book=True).items()
        off = {token for token, market in own if market.closed_at > now}
        assert off
        user.fetch()
        measured = user.windows().drop_nulls("mirror_error")
        error = dict(measured.select("token_id", "mirror_error").iter_rows())
        assert {token for token, missed in error.items() if missed > 0.01} == off
        assert max(missed for token, missed in error.items() if token not in off) == 0
        assert len(error) > 5
        user.box.advance(3_600)
        user.fetch(full=True)
        for token in off:
            held = user.held(token, FIDELITY)
            assert user.served(token, FIDELITY, now - DAY) <= held
        walks = user.home.walks("walk", "prices")
        assert [walk["outcome"] for walk in walks].count("sample") == 1
        user.box.advance(DAY)
        user.fetch(markets=(next(iter(own))[1].condition,))
        user.fetch()
        walks = user.home.walks("walk", "prices")
        assert [walk["outcome"] for walk in walks].count("sample") == 2


def test_options_choose_markets_and_a_stretch_of_time(tmp_path):
    with prices_beside(tmp_path) as user:
        now = user.box.now()
        token, market = next(
            (t, m) for t, m in user.first_tokens().items() if m.closed_at > now
        )
        user.fetch(markets=(market.condition,), since=now - DAY, until=now - 3_600)
        times = {time for time, _ in user.held(token, FIDELITY)}
        assert set(user.windows()["token_id"]) == {token}
        assert min(times) >= now - DAY - 1
        assert max(times) <= now - 3_600
        user.fetch(markets=(market.condition,))  # a stretch says nothing of the rest
        held = user.held(token, FIDELITY)
        assert user.served(token, FIDELITY, now - DAY) <= held
        user.box.advance(1_000)
        user.fetch(limit=2)
        assert len(set(user.asked_since(now + 900))) <= 2


def test_a_run_over_everything_asks_for_prices_once_an_hour(tmp_path):
    with prices_beside(tmp_path) as user:
        user.fetch(mode="all")
        user.box.advance(1_200)
        user.requests()
        user.fetch(mode="all")
        assert user.requests() == 0
        user.fetch(mode="all", full=True)
        assert user.requests() > 0
        user.box.advance(3_700)
        user.fetch(mode="all")
        assert user.requests() > 0


def test_hosts_share_the_markets_and_fresh_asks_for_everything_again(tmp_path):
    with prices_beside(tmp_path) as user:
        user.fetch(shard=(1, 2))
        one = set(user.windows()["condition_id"])
        user.fetch(shard=(2, 2), fresh=True)
        both = set(user.windows()["condition_id"])
        assert one < both
        before, first = user.points(), user.requests()
        user.fetch(fresh=True)
        assert user.requests() >= first / 2
        assert user.points().height - before.height <= before["token_id"].n_unique()


def test_faults_of_the_service_lose_nothing(tmp_path):
    with prices_beside(tmp_path) as user:
        for fault in ("500", "truncated", "html", "error-200"):
            user.box.fault(fault, p=0.3, path=".*prices-history", times=2)
        user.fetch()
        user.box.heal()
        assert user.fetch().failures == []
        begin = user.box.now() - DAY
        for token in user.first_tokens():
            assert user.served(token, FIDELITY, begin) <= user.held(token, FIDELITY)


def test_a_wallet_has_no_prices(tmp_path):
    with (
        prices_beside(tmp_path) as user,
        pytest.raises(UsageError, match="prices belong to markets"),
    ):
        user.fetch(wallets=("0x" + "a" * 40,))


def test_prices_come_after_trades():
    names = [phase.dataset for phase in phases("all")]
    assert names.index("trades") < names.index("prices")
