"""Progress says rows, requests a second, and the share of what is allowed."""

from __future__ import annotations

from fetcher.progress import Allowance, Progress
from fetcher.tally import Failure, Tally


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_names_rows_rates_and_the_share_of_the_whole_limit_group():
    clock, tally, sent = Clock(), Tally(), 0
    allowance = Allowance(20.0, lambda: sent)
    progress = Progress(tally, {"trades": allowance}, clock=clock)
    clock.now, sent = 2.0, 30
    tally.add("trades", requests=20, rows_seen=12_345, retries=1)
    assert progress.lines() == {
        "trades": "12,345 rows, 20 requests, 10.0 requests/s, "
        "75 % of the allowed rate, 1 repeated"
    }


def test_rates_are_those_of_the_last_seconds():
    clock, tally = Clock(), Tally()
    progress = Progress(tally, {}, clock=clock)
    said = {}
    for second in range(1, 31):
        clock.now = float(second)
        tally.add("markets", requests=100 if second <= 10 else 2)
        said = progress.lines()
    assert "2.0 requests/s" in said["markets"]


def test_what_did_not_move_is_not_repeated():
    clock, tally = Clock(), Tally()
    progress = Progress(tally, {}, clock=clock)
    tally.failed(Failure("events", "page 1", "answered 400"))
    assert "1 jobs failed" in progress.lines()["events"]
    assert progress.lines() == {}
