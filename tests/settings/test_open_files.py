"""Too few open files are said at the start, not by a crash in the middle."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

SHOWN = (
    "import click, resource\n"
    "from settings.entry import Entry\n"
    "@click.command(cls=Entry)\n"
    "def main():\n"
    "    click.echo(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
    "main()\n"
)


def run_with(soft: int, hard: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SHOWN],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
    )


def test_a_low_limit_is_raised_to_what_the_system_allows():
    assert run_with(64, 512).stdout == "512\n"


def test_where_too_few_are_allowed_nothing_is_started():
    done = run_with(40, 40)
    assert done.returncode == 2
    assert "may open 40 files at once" in done.stderr
    assert "ulimit -n" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("soft", [256, 300])
def test_a_limit_that_is_enough_is_never_lowered(soft):
    assert int(run_with(soft, 256 if soft == 256 else 300).stdout) == soft
