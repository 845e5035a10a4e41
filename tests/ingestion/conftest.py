"""Fixtures of ingestion's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from bronze_lake import BronzeLake
from small_warehouse import SmallWarehouse


@pytest.fixture
def bronze(tmp_path: Path) -> BronzeLake:
    """An empty lake."""
    return BronzeLake(tmp_path / "data")


@pytest.fixture
def warehouse(bronze: BronzeLake, tmp_path: Path) -> SmallWarehouse:
    """The warehouse of that lake, not built yet."""
    return SmallWarehouse(bronze.root, tmp_path / "data" / "warehouse.duckdb")
