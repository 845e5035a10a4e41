"""What benchmarks say of a process is what it cost, and they leave nothing behind."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks.measure import Target, in_turns, medians, report, scratch, spent


def test_the_cost_of_a_process_and_of_its_children_is_told():
    inner = "sum(range(4_000_000)); x = b'0' * 60_000_000"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    done = spent([sys.executable, "-c", outer + "; print('{}')"])
    assert done.cpu_seconds > 0.02
    assert done.peak_mb > 55
    assert done.said == {}


def test_a_command_that_fails_ends_the_benchmark():
    with pytest.raises(SystemExit, match="ended with 3"):
        spent([sys.executable, "-c", "raise SystemExit(3)"])


def test_ways_take_turns():
    order = []
    found = in_turns(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, times=2
    )
    assert order == ["a", "b", "a", "b"]
    assert {name: len(some) for name, some in found.items()} == {"a": 2, "b": 2}


def test_what_is_lacking_is_said_before_anything_is_done():
    with pytest.raises(SystemExit, match="no_such_package"):
        scratch(gigabytes=0, packages=["no_such_package"]).__enter__()
    with pytest.raises(SystemExit, match="free"):
        scratch(gigabytes=10**9).__enter__()


def test_a_folder_that_is_kept_is_one_of_ours(tmp_path):
    kept = tmp_path / "kept"
    for _ in range(2):
        with scratch(gigabytes=0, keep=kept) as folder:
            (folder / "lake").mkdir(exist_ok=True)
    assert (kept / "lake").is_dir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "warehouse.duckdb").touch()
    with pytest.raises(SystemExit, match="no benchmark has made"):
        scratch(gigabytes=0, keep=tmp_path / "mine").__enter__()
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["warehouse.duckdb"]


def test_a_missed_target_is_exit_code_1(capsys):
    with scratch(gigabytes=0) as folder:
        (folder / "file").touch()
    assert not folder.exists()
    done = spent([sys.executable, "-c", "print(1)"])
    assert report("?", medians([done]), [Target("less", 2.0, 1.0)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["targets"][0] | {"met": False} == told["targets"][0]
    assert report("?", {}, [Target("less", 1.0, 1.0)]) == 0
