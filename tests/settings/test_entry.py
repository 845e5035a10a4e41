"""What all commands have in common: a version, and errors that are one sentence."""

from __future__ import annotations

import errno
import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from settings.entry import Entry

BIN = Path(sys.executable).parent
COMMANDS = [
    entry.name
    for entry in distribution("polylake").entry_points
    if entry.group == "console_scripts"
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_its_version(command):
    shown = subprocess.run([BIN / command, "--version"], capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == f"polylake {version('polylake')}\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "Error: Cannot use what the command writes to: No space left on device. "
            "Free some room there, then run the same command again.\n",
        ),
        (
            OSError(errno.EACCES, "Permission denied", "/x/config.toml"),
            "Error: Cannot use /x/config.toml: Permission denied. "
            "Fix the permissions, then run the same command again.\n",
        ),
    ],
)
def test_what_a_person_can_mend_is_a_sentence(error, said):
    @click.command(cls=Entry)
    def command():
        raise error

    shown = CliRunner().invoke(command)
    assert (shown.exit_code, shown.stderr) == (1, said)


def test_another_error_of_the_system_is_a_bug_and_shows_where():
    @click.command(cls=Entry)
    def command():
        raise OSError(errno.EBADF, "Bad file descriptor")

    assert isinstance(CliRunner().invoke(command).exception, OSError)
