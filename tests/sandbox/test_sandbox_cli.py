"""The command: what it prints, how it stops, what it writes."""

import json
import signal
import subprocess
import sys
import tomllib
import urllib.request

import polars as pl
import pytest
from click.testing import CliRunner

from sandbox.cli import main
from sandbox.limits import CLIENT_KEYS
from sandbox.testing import sandbox_server

FEEDS = ("rtds", "coinbase", "polybolt")
COMMAND = [sys.executable, "-c", "from sandbox.cli import main; main()"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_settings_then_ready_and_stops_on_a_signal(number):
    command = [*COMMAND, "serve", "--size", "tiny"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr.readline() == "ready\n"
        server.send_signal(number)
        out, err = server.communicate(timeout=10)
    settings = tomllib.loads(out)
    services = {"gamma", "data", "clob", "coinbase_rest"}
    assert set(settings["apis"]) == services | {"clob_stream", *FEEDS}
    assert "limits" not in settings
    assert err == ""
    assert server.returncode == 0


def test_the_settings_lead_to_the_three_services():
    with sandbox_server(size="tiny") as box:
        apis = tomllib.loads(box.toml())["apis"]
        for name, path in (
            ("gamma", "/tags"),
            ("data", "/v2/status"),
            ("clob", "/time"),
        ):
            with urllib.request.urlopen(apis[name]["base_url"] + path) as answer:
                assert json.load(answer)


def test_another_pace_comes_with_limits_for_the_client():
    with sandbox_server(size="tiny", pace=10) as box:
        limits = tomllib.loads(box.toml())["limits"]
    assert limits == {key: value * 10 for key, value in CLIENT_KEYS.items()}


def test_truth_writes_the_same_tables_that_a_server_of_these_options_holds(tmp_path):
    out = tmp_path / "truth"
    command = [
        "truth",
        "--size",
        "tiny",
        "--seed",
        "3",
        "--at",
        "3600",
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    with sandbox_server(size="tiny", seed=3) as box:
        box.advance(3600)
        for name, frame in box.truth().items():
            assert pl.read_parquet(out / f"{name}.parquet").equals(frame), name
        served = tmp_path / "served"
        box.admin("truth", out=served)
        assert (served / "fills.parquet").read_bytes() == (
            out / "fills.parquet"
        ).read_bytes()


@pytest.mark.parametrize(
    "wrong",
    [["--size", "huge"], ["--fault", "gremlins=1"], ["--now", "soon"], ["--pace", "0"]],
)
def test_a_wrong_option_is_exit_code_2_and_named(wrong):
    result = CliRunner().invoke(main, ["serve", *wrong])
    assert result.exit_code == 2
    assert wrong[1].split("=")[0] in result.output


def test_help_is_as_short_to_ask_for_as_that_of_other_commands():
    for arguments in (["-h"], ["serve", "-h"]):
        shown = CliRunner().invoke(main, arguments)
        assert (shown.exit_code, shown.stdout[:6]) == (0, "Usage:")


def test_every_option_has_help():
    for command in main.commands.values():
        assert command.help
        for option in command.params:
            assert option.help, option.name


def test_an_unknown_option_of_the_testing_server_is_named():
    with pytest.raises(TypeError, match="speeed"), sandbox_server(speeed=2):
        pass


def test_a_running_clock_moves_by_its_speed():
    from sandbox.clock import Clock

    real = [100.0]
    clock = Clock(1_000, speed=60, real=lambda: real[0])
    real[0] += 2
    assert clock.now() == 1_120
    clock.set_speed(0)
    real[0] += 50
    assert clock.now() == 1_120
    assert clock.advance(5) == 1_125
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
