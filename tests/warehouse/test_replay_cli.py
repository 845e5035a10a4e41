"""`warehouse replay`: a JSON line a step, and clear words where there is none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from captured import Captured
from click.testing import CliRunner
from exchange import empty_warehouse, keep

from ingestion.warehouse_cli import main


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay")
    captured = Captured(empty_warehouse())
    captured.token(1, "101")
    captured.coverage(0, "subscribed", 1)
    captured.book(0.5, [(0.4, 5.0), (0.41, 1.0)], [(0.6, 7.0)])
    captured.change(2.25, "SELL", 0.6, 0.0)
    captured.coverage(3, "broken", reason="silent")
    keep(captured.db, folder / "warehouse.duckdb")
    path = folder / "config.toml"
    path.write_text('[paths]\nwarehouse = "warehouse.duckdb"\n')
    return path


@pytest.fixture
def replay(config):
    def run(*words, token="101"):
        words = ["replay", "--token", token, *words, "--config", str(config)]
        return CliRunner().invoke(main, words)

    return run


def lines(done):
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_example_of_the_page_runs_and_meets_the_gap(config, monkeypatch, capsys):
    page = Path(__file__).parents[2] / "docs" / "replay.md"
    text = page.read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(config.parent)
    exec(example.replace("data/warehouse", "warehouse"), {})
    gap, result = capsys.readouterr().out.splitlines()
    assert gap.endswith(" silent")
    assert result == "0.0 0.0"


def test_each_change_is_a_line(replay):
    assert lines(replay("--json")) == [
        {
            "at": "2026-11-01T12:00:00.500Z",
            "token_id": "101",
            "bids": [[0.41, 1.0], [0.4, 5.0]],
            "asks": [[0.6, 7.0]],
            "trusted": True,
        },
        {
            "at": "2026-11-01T12:00:02.250Z",
            "token_id": "101",
            "bids": [[0.41, 1.0], [0.4, 5.0]],
            "asks": [],
            "trusted": True,
        },
    ]


def test_each_second_is_a_line_whether_anything_changed_or_not(replay):
    span = ("--from", "2026-11-01T12:00:00", "--to", "2026-11-01T12:00:05")
    told = lines(replay("--step", "1s", *span))
    assert [(line["at"][17:], line["trusted"]) for line in told] == [
        ("01Z", True),
        ("02Z", True),
        ("03Z", True),
        ("04Z", False),
    ]


def test_one_moment_is_one_line(replay):
    (line,) = lines(replay("--at", "2026-11-01 12:00:01"))
    assert (line["at"], line["asks"]) == ("2026-11-01T12:00:01Z", [[0.6, 7.0]])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--at", "2026-11-01"], 1, "heard before 2026-11-01T00:00:00Z"),
        (["--from", "2026-12-01", "--to", "2026-12-02"], 1, "It was heard from"),
        (["--at", "noon"], 2, "noon is no time"),
        (["--at", "2026-11-02", "--from", "2026-11-01"], 2, "leave out --from"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], 2, "before it begins"),
        (["--speed", "0"], 2, "--speed"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(replay, words, code, said):
    done = replay(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_token_that_nobody_heard_of_is_named(replay):
    done = replay(token="999")
    assert done.exit_code == 1
    assert "999" in done.stderr
    assert "gold.book_stretches" in done.stderr
