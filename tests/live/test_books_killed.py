"""What was heard a second before a SIGKILL is in the lake afterwards, once."""

from __future__ import annotations

import time

import polars as pl
import pytest

from benchmarks.live_rig import missing
from fetcher.live.clock import SECOND_NS
from sandbox.testing import sandbox_server
from tests.live.live_rig import (
    Home,
    held,
    identities,
    listening,
    sent,
    some_tokens,
    soon,
)

KILLS = 2


@pytest.fixture
def box():
    with sandbox_server(speed=20.0) as box:
        yield box


def test_a_killed_capture_loses_nothing_older_than_a_second(box, tmp_path):
    home = Home(tmp_path, box, {"fold_minutes": 0.002})  # kills fall into folds
    tokens = some_tokens(box, 10)
    names = [part for token in tokens for part in ("--token", token)]
    kept = []
    for _ in range(KILLS):
        box.forget_sent()
        process = home.process("--only", "books", *names)
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
        soon(lambda: home.heard() > 200)
        killed_ns = time.time_ns()
        process.kill()
        process.wait()
        process.stdout.close()
        kept.append((killed_ns, sent(box, before_ns=killed_ns - SECOND_NS), sent(box)))
    with home.capturing(only=("books",), tokens=tokens):  # takes up what has landed
        soon(lambda: home.ask("health") and listening(box, len(tokens)))
    assert held(home).height > 0
    everything = pl.concat(all_of for _, _, all_of in kept)
    for _, must_be_there, _ in kept:
        assert must_be_there.height > 0
        assert missing(must_be_there, held(home)).is_empty()
    heard = pl.col("received_at_ns") < kept[-1][0]
    of_the_killed = identities(home.rows("book_events").filter(heard))
    assert missing(of_the_killed, everything).is_empty()
    assert home.rows("book_events")["walk_id"].n_unique() == KILLS + 1
    down = home.rows("service_errors").filter(
        (pl.col("service") == "capture") & pl.col("ended_at_ns").is_not_null()
    )
    assert down.height == KILLS, "each kill is known afterwards"
    assert (down["ended_at_ns"] > down["started_at_ns"]).all()
