"""The suite guards the house: imports point down the road, names and sizes hold."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from warehouse.models import models

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "settings": set(),
    "lake": {"settings"},
    "bronze": {"lake"},
    "fetcher": {"settings", "lake", "bronze"},
    "warehouse": {"settings"},
    "ingestion": {"settings", "lake", "bronze", "warehouse"},
    "sandbox": set(),
    "foundry": {"settings", "lake", "bronze", "sandbox"},
}
SMELLS = ("util", "helper", "manager", "common", "misc")


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported_packages(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names & set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_down_the_road(package):
    allowed = MAY_IMPORT[package] | {package}
    offences = {
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(package)
        for name in imported_packages(module) - allowed
    }
    assert not offences


def test_every_package_is_shipped():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(shipped) == set(MAY_IMPORT)


def test_only_entry_points_read_the_settings_file():
    readers = {
        str(module.relative_to(ROOT))
        for package in MAY_IMPORT
        for module in modules(package)
        if package != "settings" and "settings.load" in module.read_text("utf-8")
    }
    assert all(name.endswith("cli.py") for name in readers), readers


def test_modules_stay_readable_in_one_sitting():
    long = {
        f"{module.relative_to(ROOT)}: {lines} lines"
        for package in MAY_IMPORT
        for module in modules(package)
        if (lines := len(module.read_text("utf-8").splitlines())) > 400
    }
    assert not long


def test_modules_are_named_for_what_they_hold():
    vague = {
        str(module.relative_to(ROOT))
        for package in MAY_IMPORT
        for module in modules(package)
        if any(smell in module.stem for smell in SMELLS)
    }
    assert not vague


def test_every_module_says_what_it_is():
    silent = {
        str(module.relative_to(ROOT))
        for package in MAY_IMPORT
        for module in modules(package)
        if module.read_text("utf-8").strip()
        and not ast.get_docstring(ast.parse(module.read_text("utf-8")))
    }
    assert not silent


@pytest.mark.parametrize("layer", ["silver", "gold", "checks"])
def test_every_model_opens_with_a_header(layer):
    bare = {
        path.name
        for path in (ROOT / "warehouse" / "sql" / layer).rglob("*.sql")
        if not path.read_text("utf-8").startswith("-- ")
    }
    assert not bare


def test_every_silver_model_names_its_key_and_what_it_reads():
    vague = {
        name
        for name, model in models("silver").items()
        if not all(word in model.header for word in ("One row per", "Key:", "Reads"))
    }
    assert not vague


def test_every_test_module_has_a_name_of_its_own():
    """Pytest imports them by their bare names."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py")]
    assert len(names) - names.count("conftest.py") == len({*names} - {"conftest.py"})
