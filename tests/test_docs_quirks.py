"""The page about quirks is whole, and the tests that it names exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "quirks.md"

# Those about Gamma, CLOB, the Data API and the streams; 39 to 41 are the chain.
NUMBERS = {*range(1, 39), *range(42, 51)}
# Datasets that are not fetched yet: only there may a row name no test.
LATER = {33, 49}

ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[int, str]]:
    """Each number of the tables, with its cell of tests."""
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return [(int(number), tests) for number, _, _, tests in found]


def names_in(file: str) -> set[str]:
    path = ROOT / file
    if not path.exists():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_quirk_of_these_services_is_listed_once():
    numbers = [number for number, _ in rows()]
    assert sorted(numbers) == sorted(NUMBERS)


def test_every_quirk_of_a_fetched_dataset_names_a_test():
    assert {number for number, tests in rows() if not TEST.search(tests)} <= LATER


def test_a_quirk_without_a_fetcher_names_the_replicas_tests_alone():
    of_later = [tests for number, tests in rows() if number in LATER]
    named = {file for tests in of_later for file, _ in TEST.findall(tests)}
    assert all(file.startswith("tests/sandbox/") for file in named)


def test_every_test_that_is_named_exists():
    named = {pair for _, tests in rows() for pair in TEST.findall(tests)}
    assert len(named) > 50
    missing = {f"{file}::{name}" for file, name in named if name not in names_in(file)}
    assert missing == set()


def test_the_cells_of_tests_hold_nothing_else():
    for number, tests in rows():
        assert TEST.sub("", tests).replace("<br>", "") in {"", "none"}, number
