"""The page about coverage names every dataset, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from bronze import DATASETS

PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"
CELL = re.compile(r"^\|(?: [^|]+\|)?[^|]+\|([^|]*)\|[^|]*\|$", re.MULTILINE)


def test_the_page_names_every_dataset_and_no_other():
    text = PAGE.read_text(encoding="utf-8")
    held = {
        name for cell in CELL.findall(text) for name in re.findall(r"`(\w+)`", cell)
    }
    assert held | {"walks"} == set(DATASETS)
