"""Strangers write titles and slugs, services fail, and keys stay where they belong."""

from __future__ import annotations

import os
import pty
import re
import subprocess

import polars as pl
import pytest
from user_home import Home, same

from sandbox.testing import sandbox_server

CANARY = "hunter2canary"
TRADES = "trades"
ACTING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A user with passwords in every place, among strangers, on a bad day."""
    with sandbox_server(size="tiny", age_days=15.0, hostile=True, pace=100.0) as box:
        attempts = "[http]\nmax_attempts = 3\n"
        user = Home(tmp_path_factory.mktemp("home"), box, attempts)
        whole = user.config.read_text("utf-8").replace("://", f"://me:{CANARY}@")
        user.config.write_text(whole, "utf-8")
        for fault in ("500", "html", "error-200"):
            box.fault(fault, path="keyset", times=1, skip=2)
        box.fault("410", path="v2/trades.*taker_only=true", times=1)
        user.said = [run(user, "fetch", "--mode", mode) for mode in ("markets", TRADES)]
        box.heal()
        user.said += [run(user, "fetch", "--mode", TRADES), run(user, "ingest")]
        there = whole.replace(f"127.0.0.1:{box.port}/clob", "nobody.invalid/clob")
        user.config.write_text(there, "utf-8")
        user.said += [run(user, "fetch", "--mode", "prices")]
        user.config.write_text(whole, "utf-8")
        yield user


def run(user: Home, *arguments: str) -> str:
    secret = {"HTTPS_PROXY": f"http://me:{CANARY}@proxy.invalid:1"}
    done = subprocess.run(
        user.command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **secret, "NO_PROXY": "127.0.0.1,nobody.invalid"},
    )
    return done.stdout + done.stderr


def test_hostile_titles_are_kept_as_they_are_and_do_nothing(user):
    truth = user.box.truth()["markets"].filter(~pl.col("combo"))
    markets = user.ask("select question, slug from silver.MarketDim")
    assert {"'; drop table silver.MarketDim; -- 0.0"} <= set(markets["question"])
    assert markets.height == truth.height
    assert same(user.held(), user.servable())


def test_no_name_of_a_file_is_anybody_elses(user):
    names = {path.name for path in user.folder.rglob("*")}
    assert names
    assert not [name for name in names if not re.fullmatch(r"[\w.=@-]+", name)]


def test_no_password_is_in_a_message_a_file_or_its_name(user):
    assert "answered 410" in user.said[1]
    assert "nobody.invalid:80 cannot be reached" in user.said[4]
    for said in user.said:
        assert said.strip()
        assert CANARY not in said
    secret = CANARY.encode()
    for path in user.folder.rglob("*"):
        assert CANARY not in path.name
        if path.is_file() and path != user.config:
            assert secret not in path.read_bytes(), path
    walks = user.folder.glob("data/walks/dt=*/*.parquet")
    requests = pl.read_parquet(list(walks), hive_partitioning=False)["request"]
    assert requests.drop_nulls().len()
    assert not requests.drop_nulls().str.contains(CANARY).any()


@pytest.mark.parametrize(
    "command",
    [
        ("query", "select question, slug, description from silver.MarketDim"),
        ("query", "--csv", "select question, slug from silver.MarketDim"),
        ("query", "--json", "select question, slug from silver.MarketDim"),
        ("completeness",),
    ],
    ids=lambda command: " ".join(command)[:14],
)
def test_nothing_that_acts_reaches_a_terminal(user, command):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        user.command("warehouse", *command), stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode().replace("\r\n", "\n")
    assert text.strip()
    assert not ACTING.findall(text)
