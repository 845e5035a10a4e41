"""What odd answers, clocks and cursors do to the minutes of Coinbase: no hole."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bronze import DATASETS
from fetcher.answer import Answer
from fetcher.live.candles import DATASET, MOST_STEPS, SETTLING, fetch_crypto
from fetcher.options import Options
from fetcher.run import Run
from lake.cursor import CursorFile
from lake.lake import Lake
from settings import load

NOW = 1_795_262_400  # by the exchange's clock, a whole minute
FIRST = NOW - 86_400


class Coinbase:
    """Every minute has a match; `newest` is what it says unless asked for a range."""

    def __init__(self):
        self.now = NOW
        self.newest = None
        self.headers = {}
        self.unit = 1
        self.asked = []

    def load(self, path, params, parse, *, groups):
        asked = dict(params)
        self.asked.append(asked)
        candles = self._candles(asked)
        body = json.dumps(candles).encode()
        served_at = datetime.fromtimestamp(self.now + SETTLING, UTC)
        answer = Answer(body, 200, None, None, path, served_at, 1, served_at)
        return replace(answer, **self.headers), parse(body)

    def _candles(self, asked):
        if "start" not in asked:
            if self.newest is not None:
                return self.newest
            low, high = self.now - MOST_STEPS * 60, self.now
        else:
            low, high = (
                int(datetime.fromisoformat(asked[end]).timestamp())
                for end in ("start", "end")
            )
        starts = range(high // 60 * 60, low - 1, -60)
        return [candle(at * self.unit) for at in starts]


def candle(at):
    return [at, 1.0, 4.0, 2.0, 3.0, 5.5]


class Home:
    def __init__(self, folder):
        self.folder = folder
        self.coinbase = Coinbase()
        (folder / "config.toml").write_text("")

    @contextmanager
    def cursor(self):
        with CursorFile.open(self.folder / "cursor.json") as cursor:
            yield cursor

    def run(self, assets="btc", clock=lambda: NOW, **options):
        lake = Lake.open(self.folder / "data", DATASETS)
        settings = load(self.folder / "config.toml")
        settings = replace(settings, capture=replace(settings.capture, assets=assets))
        with self.cursor() as cursor, lake.writer(cursor) as writer:
            run = Run(
                lake=lake,
                writer=writer,
                cursor=cursor,
                gamma=None,
                data=None,
                clob=None,
                settings=settings,
                options=Options(mode="crypto", **options),
                run_id="r",
                apis={"coinbase": self.coinbase},
                clock=clock,
            )
            fetch_crypto(run)
            writer.fold()
        return [failure.why for failure in run.tally.failures()]

    def saved(self):
        with self.cursor() as cursor:
            return cursor.values.get(DATASET)

    def save(self, value):
        with self.cursor() as cursor:
            cursor.values[DATASET] = value
            cursor.save()

    def starts(self, product="BTC-USD"):
        lake = Lake.open_to_read(self.folder / "data", DATASETS)
        rows = lake.scan(DATASET).collect().sort("exchange_at_us")
        mine = rows.filter(rows["symbol"] == product)
        return (mine["exchange_at_us"] // 1_000_000).to_list()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def every_minute(start, end=NOW):
    return list(range(start, end, 60))


def test_assets_fetched_side_by_side_do_not_forget_each_other(home):
    assets = "btc,eth,sol,xrp,doge"
    products = [f"{name.upper()}-USD" for name in assets.split(",")]
    assert home.run(assets=assets) == []
    assert home.saved() == dict.fromkeys(products, NOW)
    home.coinbase.now += 3 * 86_400
    assert home.run(assets=assets) == []
    for product in products:
        assert home.starts(product) == every_minute(FIRST, home.coinbase.now)


def test_a_fresh_start_of_one_asset_leaves_the_others_as_they_are(home):
    home.save({"ETH-USD": 12_345})
    home.run(fresh=True)
    assert home.saved() == {"BTC-USD": NOW, "ETH-USD": 12_345}


def test_a_fresh_start_leaves_no_hole_behind_an_old_cursor(home):
    old = NOW - 3 * 86_400
    home.save({"BTC-USD": old})
    home.run(fresh=True)
    assert home.starts() == every_minute(old)


def test_minutes_in_another_unit_are_set_aside_not_passed_over(home):
    home.coinbase.unit = 1_000
    home.save({"BTC-USD": NOW - 180})
    home.run()
    [file] = (home.folder / "data/_quarantine" / DATASET).iterdir()
    assert "after the answer was made" in file.read_text()


def test_a_minute_that_has_just_ended_waits_until_it_is_settled(home):
    home.coinbase.now -= SETTLING
    home.run()
    assert home.saved() == {"BTC-USD": NOW - 60}


@pytest.mark.parametrize(
    "newest",
    [
        [],
        [candle(NOW), candle(0)],
        [candle(NOW - 120), candle(NOW - 60), candle(FIRST - 86_400)],
        [candle(NOW + 600), candle(NOW + 540)],
        [candle(NOW), None, {}, [], ["x"], [None] * 6, [float("inf")] * 6],
        [candle(at) for at in range(NOW, NOW - 600, -60)],
        [candle(at) for at in range(NOW - 17_940, NOW, 60)] * 2,
    ],
)
def test_whatever_the_newest_range_holds_no_minute_is_left_out(home, newest):
    home.coinbase.newest = newest
    assert home.run() == []
    assert sorted(set(home.starts())) == every_minute(FIRST)


@pytest.mark.parametrize("at", ["1795262280", 1795262280.0])
def test_the_begin_of_a_minute_may_be_written_otherwise(home, at):
    home.save({"BTC-USD": NOW - 180})
    home.coinbase.newest = [candle(NOW - 180), candle(at), candle(NOW - 60)]
    assert home.run() == []
    assert home.starts() == every_minute(NOW - 180)


def test_an_answer_that_was_kept_tells_of_the_time_when_it_was_made(home):
    made = every_minute(NOW - 17_940)
    home.save({"BTC-USD": NOW - 600})
    home.coinbase.now += 300
    home.coinbase.newest = [candle(at) for at in made]
    home.coinbase.headers = {"age_seconds": 290}
    home.run()
    assert home.saved() == {"BTC-USD": NOW}
    home.coinbase.newest, home.coinbase.headers = None, {}
    home.run()
    assert home.starts() == every_minute(NOW - 600, NOW + 300)


def test_without_a_date_the_hosts_clock_counts(home):
    home.coinbase.headers = {"served_at": None}
    assert home.run(clock=lambda: NOW - 61) == []
    assert home.starts()[-1] == NOW - 180


@pytest.mark.parametrize(
    "value",
    [
        {"BTC-USD": NOW + 10 * 86_400},
        {"BTC-USD": -5},
        {"BTC-USD": True},
        {"BTC-USD": 1.5},
        {"BTC-USD": "1795262280"},
        {"BTC-USD": None},
        [1],
        "garbage",
    ],
)
def test_a_cursor_that_cannot_be_true_is_none(home, value):
    home.save(value)
    assert home.run() == []
    assert home.starts() == every_minute(FIRST)
    assert home.saved() == {"BTC-USD": NOW}


def test_a_cursor_a_moment_ahead_waits(home):
    home.save({"BTC-USD": NOW + 60})
    assert home.run() == []
    assert home.saved() == {"BTC-USD": NOW + 60}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"since": NOW - 600}, every_minute(NOW - 600)),
        (
            {"since": NOW - 90_000, "until": NOW - 89_000},
            every_minute(NOW - 90_000, NOW - 89_000),
        ),
        ({"until": NOW - 300}, every_minute(NOW - 1_200, NOW - 300)),
        ({"until": NOW + 9_999}, every_minute(NOW - 1_200)),
        ({"since": NOW + 600}, []),
        ({"until": NOW - 86_400}, []),
    ],
)
def test_a_window_moves_no_cursor(home, options, expected):
    home.save({"BTC-USD": NOW - 1_200})
    assert home.run(**options) == []
    if expected:
        assert home.starts() == expected
    assert home.saved() == {"BTC-USD": NOW - 1_200}
