"""The commands of README and docs/operations.md, run as they are written."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from user_home import BIN, PROGRAMS, Home, same

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(
    r"^(?:\$ )?(?:(?:/srv/polylake/)?\.venv/bin/)?((?:fetch|ingest|warehouse)(?: .*)?)$"
)
SERVER = "/srv/polylake"


def blocks(page: str, kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page) if found == kind]


def lines_of(page: str, kind: str) -> list[str]:
    return [line for text in blocks(page, kind) for line in text.splitlines()]


def cron_lines() -> list[str]:
    return [line.split(maxsplit=5)[5] for line in lines_of(OPERATIONS, "cron")]


def service_lines() -> list[str]:
    return re.findall(r"^ExecStart=(.*)$", OPERATIONS, re.MULTILINE)


def commands_in(lines: list[str]) -> set[str]:
    """Our own commands, without the shell's part of the line."""
    parts = (part for line in lines for part in re.split(r"&&|;|\|\||>|#", line))
    found = (COMMAND.match(part.strip()) for part in parts)
    return {match[1].strip() for match in found if match and "..." not in match[1]}


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A folder laid out as the server's: our programs in `.venv/bin`."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(BIN)
    return tmp_path


def say(folder: Path, command: str) -> str:
    """Run a line of shell in the folder, and expect that it goes well."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace(SERVER, str(folder))],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert_well(command, done.returncode, done.stdout + done.stderr)
    return done.stdout


def run(folder: Path, line: str) -> None:
    """Run a line as it is written.

    What is nothing but a command of ours runs here: that its program starts as a
    process is seen with the lines of cron.
    """
    command = line.partition("#")[0].strip()
    program, *rest = shlex.split(command)
    if program not in PROGRAMS or commands_in([line]) != {command}:
        say(folder, line)
        return
    done = CliRunner().invoke(PROGRAMS[program], rest)
    assert_well(command, done.exit_code, done.output)


def assert_well(command: str, code: int, said: str) -> None:
    # the replica has the exchange's holes: not every market can be complete
    expected = {0, 1} if "--strict" in command else {0}
    assert code in expected, f"{command}\n{said}"


def test_the_commands_run_and_lose_nothing(server, home, monkeypatch):
    monkeypatch.chdir(server)
    lines = dict.fromkeys(lines_of(OPERATIONS, "sh"))
    assert (len(cron_lines()), len(commands_in(list(lines)))) == (3, 14)
    with home(size="tiny") as user:
        for line in cron_lines():
            assert say(server, line) == ""
        held = user.held()
        assert held.height
        ran = commands_in(cron_lines())
        for line in lines:
            if not commands_in([line]) or commands_in([line]) - ran:
                run(server, line)
        ran |= commands_in(list(lines))
        for command in commands_in(lines_of(README, "")) - ran:
            run(server, command)
        assert same(user.held(), held)
        assert same(Home(server / "restored", user.box).held(), held)
    for log in ("fetch.log", "ingest.log", "check.log"):
        assert (server / log).stat().st_size


def test_a_broken_promise_is_mailed_by_cron(server):
    (server / "config.toml").write_text('[paths]\nwarehouse = "none.duckdb"\n')
    assert "There is no warehouse" in say(server, cron_lines()[-1])


def test_the_readme_names_the_three_commands_of_a_day():
    commands = commands_in(lines_of(README, ""))
    assert {"fetch --mode all", "ingest", "warehouse completeness"} <= commands


def test_the_services_run_what_the_crontab_runs():
    assert len(service_lines()) == 6
    assert commands_in(service_lines()) == commands_in(cron_lines())


def test_the_units_are_sound(server):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not here")
    units = []
    for text in blocks(OPERATIONS, "ini"):
        first, rest = text.split("\n", 1)
        units.append(server / Path(first.removeprefix("# ")).name)
        rest = rest.replace(SERVER, str(server)).replace("User=polylake\n", "")
        units[-1].write_text(rest)
    assert [unit.suffix for unit in units] == [".service", ".timer"] * 2
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
