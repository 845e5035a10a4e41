"""The commands and the unit of docs/capture.md, run as they are written."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from fetcher.cli import fetch
from fetcher.live.cli import capture
from ingestion.cli import main as ingest
from ingestion.warehouse_cli import main as warehouse
from sandbox.testing import sandbox_server
from tests.live.live_rig import Home

PAGE = (Path(__file__).parents[2] / "docs" / "capture.md").read_text(encoding="utf-8")
COMMANDS = {
    "capture": capture,
    "fetch": fetch,
    "ingest": ingest,
    "warehouse": warehouse,
}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_run_and_answer(tmp_path):
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    assert len(lines) == 7
    with sandbox_server(live_series=2.0, speed=1.0) as box:
        home = Home(tmp_path, box, {"positions_seconds": 1.0})
        for line in lines:
            done = CliRunner().invoke(*invocation(line, home))
            assert done.exit_code == 0, f"{line}\n{done.output}"
            if line.startswith("warehouse"):
                assert len(done.stdout.splitlines()) >= 5


def invocation(line: str, home: Home):
    name, *words = shlex.split(line.split("  #")[0])
    words = [re.sub(r"^20$", "4", word) for word in words]  # seconds that it lasts
    return COMMANDS[name], [*words, "--config", str(home.toml)]


def test_the_unit_of_the_page_is_sound(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not here")
    [text] = blocks("ini")
    first, rest = text.split("\n", 1)
    unit = tmp_path / Path(first.removeprefix("# ")).name
    program = tmp_path / ".venv" / "bin" / "capture"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit.write_text(
        rest.replace("/srv/polylake", str(tmp_path)).replace("User=polylake\n", "")
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
