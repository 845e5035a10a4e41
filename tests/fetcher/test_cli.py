"""What is wrong is said in one sentence before anything is started."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fetcher.cli import fetch
from fetcher.modes import MODES

ROOT = Path(__file__).parents[2]
OPTIONS = """
    --mode --fresh --limit --timeout --market --since --until --deep-history --event
    --tag --ends-after --ends-before --min-volume --wallet --full --shard --config
    --json
"""


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Start `fetch` in an empty folder and return its result."""
    monkeypatch.chdir(tmp_path)

    def start(*arguments: str):
        return CliRunner().invoke(fetch, list(arguments))

    return start


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "--mode"),
        ("--mode nonsense", "'nonsense' is not one of 'all', 'markets'"),
        ("--mode all --limit 0", "'--limit': 0"),
        ("--mode all --limit many", "'--limit': 'many'"),
        ("--mode all --timeout -1", "--timeout must be zero or more"),
        ("--mode all --timeout nan", "--timeout must be zero or more"),
        ("--mode all --since yesterday", "--since must be a day"),
        ("--mode all --until 2026-13-01", "--until must be a day"),
        ("--mode all --since 2026-02-01 --until 2026-01-01", "--since (2026-02-01)"),
        ("--mode trades --market 0x12", "--market 0x12"),
        ("--mode trades --wallet me", "--wallet must be an address"),
        ("--mode all --shard 3/2", "--shard must be like 2/8"),
        ("--mode all --min-volume -5", "--min-volume must be zero or more"),
        ("--mode all --frehs", "No such option '--frehs'"),
        ("mend", "No such command 'mend'"),
        ("--mode all --config absent.toml", "no configuration file absent.toml"),
        ("verify --config absent.toml", "no configuration file absent.toml"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    started, tmp_path, arguments, said
):
    result = started(*arguments.split())
    assert result.exit_code == 2, result.stderr
    assert said in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_is_wrong_is_exit_code_2(started, tmp_path):
    (tmp_path / "config.toml").write_text("[limits]\ngamma = 5\n")
    result = started("--mode", "all")
    assert result.exit_code == 2
    assert "unknown key limits.gamma" in result.stderr


def test_a_lake_that_is_not_there_is_named(started, tmp_path):
    (tmp_path / "config.toml").write_text("")
    for command in ("verify", "status"):
        result = started(command)
        assert result.exit_code == 2
        assert f"There is no lake at {tmp_path / 'data'}" in result.stderr


def test_the_status_says_which_lake_it_is_of(started, tmp_path):
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "data").mkdir()
    told = started("status").stdout.splitlines()
    assert told[0] == f"the lake in {tmp_path / 'data'}:"


def test_broken_toml_is_exit_code_2(started, tmp_path):
    (tmp_path / "mine.toml").write_text("[limits\n")
    result = started("--mode", "all", "--config", "mine.toml")
    assert result.exit_code == 2
    assert "mine.toml is not valid TOML" in result.stderr


@pytest.fixture
def offline(tmp_path):
    text = f'[paths]\nruntime = "{tmp_path}/runtime"\n[http]\nmax_attempts = 1\n'
    for name in ("gamma", "data", "clob"):
        text += f'[apis.{name}]\nbase_url = "http://127.0.0.1:1"\n'
    (tmp_path / "config.toml").write_text(text)


REFUSED = (
    "127.0.0.1:1 cannot be reached: the connection is refused. "
    "Check the network, and apis.gamma.base_url in the configuration."
)


def test_a_host_that_refuses_is_exit_code_1_and_named(started, offline):
    result = started("--mode", "all", "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == told["exit_code"] == 1
    (failure,) = told["failures"]
    assert failure["why"].replace("apis.clob", "apis.gamma") == REFUSED
    assert "None" not in failure["what"]


def test_the_log_says_first_who_is_asked_and_who_says_so(started, offline):
    log = started("--mode", "markets").stderr.splitlines()
    assert log[0].endswith("asking 127.0.0.1:1, as config.toml says")


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [
        ("--mode leaderboard --market one --limit 3", {"--market", "--limit"}),
        ("--mode markets --since 2026-01-01", {"--since"}),
        ("--mode crypto --deep-history", {"--deep-history"}),
        ("--mode leaderboard --since 1970-01-01 --full", {"--since", "--full"}),
        ("--mode trades --since 2026-01-01 --limit 3 --deep-history", set()),
        ("--mode all --since 2026-01-01 --limit 3", set()),
    ],
)
def test_an_option_that_changes_nothing_is_named(started, offline, arguments, warned):
    log = started(*arguments.split()).stderr.splitlines()
    said = [line.split() for line in log if " changes nothing in --mode " in line]
    assert {line[2] for line in said} == warned


@pytest.mark.parametrize("mode", ["prices", "resolutions", "open-interest"])
def test_what_belongs_to_markets_is_not_asked_for_by_wallet(started, offline, mode):
    result = started("--mode", mode, "--wallet", "0x" + "a" * 40)
    assert result.exit_code == 2
    assert "--wallet chooses fills: " in result.stderr


def test_a_run_that_fetched_nothing_claims_no_progress(started, offline):
    result = started("--mode", "markets")
    assert "gave up, nothing was fetched, in" in result.stdout
    assert "progress saved" not in result.stdout


def test_a_plan_that_cannot_be_made_is_exit_code_1(started, offline):
    result = started("plan")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == f"Error: {REFUSED}"


def test_no_plan_is_made_of_what_nobody_can_tell(started, offline):
    result = started("--mode", "activity", "--wallet", "0x" + "1" * 40, "plan")
    assert result.exit_code == 2
    assert "No plan can be made of --mode activity" in result.stderr


def test_no_plan_is_made_of_wallets(started, offline):
    result = started("--mode", "trades", "--wallet", "0x" + "1" * 40, "plan")
    assert result.exit_code == 2
    assert "No plan can be made of --wallet" in result.stderr


def test_an_empty_lake_is_whole_and_needs_no_compaction(started, tmp_path):
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "data").mkdir()
    for command in ("verify", "compact"):
        result = started(command, "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)


def test_settings_may_be_named_before_or_after_a_command(started, tmp_path):
    (tmp_path / "mine.toml").write_text('[paths]\nlake = "elsewhere"\n')
    for arguments in (
        ("--config", "mine.toml", "verify"),
        ("verify", "--config", "mine.toml"),
    ):
        assert "elsewhere" in started(*arguments).stderr


def test_every_option_and_command_has_its_help(started):
    text = started("--help").stdout
    for option in OPTIONS.split():
        assert option in text
    for parameter in fetch.params:
        assert parameter.help, parameter.name
    for name, command in fetch.commands.items():
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"
    named = {"plan", "status", "verify", "repair", "quarantine", "compact"}
    assert set(fetch.commands) == named


def test_the_modes_come_from_the_table_of_datasets():
    assert MODES[:4] == ("all", "markets", "events", "trades")


def test_help_loads_nothing_heavy():
    code = (
        "import sys, fetcher.cli;"
        "heavy = {'requests', 'pyarrow', 'polars', 'duckdb', 'deltalake', 'tqdm'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_counts_from_the_first_moment_on(tmp_path, number, code):
    (tmp_path / "config.toml").write_text(
        '[apis.gamma]\nbase_url = "http://127.0.0.1:1"\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_LOADING, str(int(number))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    told = json.loads(done.stdout)
    assert (told["stopped"], told["exit_code"]) == ("signal", code)
    assert told["failures"] == []


def test_a_signal_counts_from_the_first_moment_of_a_command_on(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "config.toml").write_text("")
    code = STOPPED_WHILE_LOADING.replace('"--mode", "all"', '"compact"')
    done = subprocess.run(
        [sys.executable, "-c", code, str(int(signal.SIGTERM))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 143, done.stderr
    assert json.loads(done.stdout)


STOPPED_WHILE_LOADING = """
import os, sys

class Stop:
    def find_spec(self, name, *_):
        if name == "fetcher.fetching":
            os.kill(os.getpid(), int(number))

number = sys.argv[1]
sys.meta_path.insert(0, Stop())
sys.argv = ["fetch", "--mode", "all", "--json"]
from fetcher.cli import main
main()
"""
