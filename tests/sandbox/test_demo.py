"""The demo starts over in a folder of its own, and touches no other."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sandbox.demo import MARKER, QUESTIONS, digest_of


def demo(folder, *options):
    return subprocess.run(
        [sys.executable, "-m", "sandbox.demo", "--folder", str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def made(tmp_path):
    """A folder as a demo of the tiny replica leaves it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "of_the_first_demo").write_text("")
    (tmp_path / "config.toml").write_text("[paths]\n")
    marker = {"size": "tiny", "seed": 7, "config": digest_of("[paths]\n")}
    (tmp_path / MARKER).write_text(json.dumps(marker))
    return tmp_path


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_second_demo_starts_fresh_and_shows_the_whole_road(made):
    done = demo(made, "--size", "tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this one starts fresh" in done.stdout
    assert not (made / "data" / "of_the_first_demo").exists()
    assert len(QUESTIONS) == 6
    assert all(f"── {question} ──" in done.stdout for question in QUESTIONS)
    assert "markets are walked to their end" in done.stdout
    assert " complete, " in done.stdout
    assert f"--config {made}/config.toml" in done.stdout
    assert (made / "data" / "warehouse.duckdb").is_file()


def test_a_folder_that_no_demo_made_is_refused_and_left_alone(tmp_path):
    (tmp_path / "config.toml").write_text("# mine\n")
    before = contents(tmp_path)
    done = demo(tmp_path, "--size", "tiny")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {tmp_path} was not made by the demo")
    assert len(done.stderr.splitlines()) == 1
    assert contents(tmp_path) == before


@pytest.mark.parametrize("options", [("--seed", "8"), ("--size", "small")])
def test_a_demo_of_another_replica_is_refused_and_left_alone(made, options):
    before = contents(made)
    done = demo(made, "--size", "tiny", *options)
    assert done.returncode == 2
    assert "holds a demo of size tiny and seed 7" in done.stderr
    assert contents(made) == before


def test_settings_that_somebody_changed_are_never_overwritten(made):
    with (made / "config.toml").open("a") as config:
        config.write("# mine\n")
    before = contents(made)
    done = demo(made, "--size", "tiny")
    assert done.returncode == 2
    assert "config.toml is not as the demo left it" in done.stderr
    assert contents(made) == before
