"""Fixtures of ingestion's tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bronze_lake import BronzeLake
from small_warehouse import SmallWarehouse

from ingestion.publish import Turns
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
def warehouse(bronze: BronzeLake, tmp_path: Path, laid_out: Path) -> SmallWarehouse:
    """The warehouse of that lake, not published yet, its tables and views made."""
    path = tmp_path / "data" / "warehouse.duckdb"
    begun = Turns(path).next()
    begun.parent.mkdir(parents=True)
    shutil.copyfile(laid_out, begun)
    return SmallWarehouse(bronze.root, path)
