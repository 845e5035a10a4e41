"""Fixtures of the lake's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_lake import SmallLake


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    return SmallLake(tmp_path)
