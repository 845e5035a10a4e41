"""Fixtures of ingestion's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from bronze_lake import BronzeLake
from small_warehouse import SmallWarehouse, begun_warehouse

from ingestion.run import ingest


@pytest.fixture
def bronze(tmp_path: Path) -> BronzeLake:
    """An empty lake."""
    return BronzeLake(tmp_path / "data")


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of nothing: making its views costs more than most tests."""
    folder = tmp_path_factory.mktemp("laid_out")
    ingest(folder / "data", folder / "warehouse.duckdb")
    return folder / "warehouse.duckdb"


@pytest.fixture
def warehouse(bronze: BronzeLake, laid_out: Path) -> SmallWarehouse:
    """The warehouse of that lake, not published yet, its tables and views made."""
    return begun_warehouse(bronze, laid_out)
