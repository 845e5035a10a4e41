"""The notebooks run to their end on a lake, need nothing of ours, and say in a sentence
what is missing."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import duckdb
import nbformat
import pytest
from captured_lake import listen_in
from nbclient import NotebookClient

from warehouse.models import define_gold, define_silver

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = {
    path.stem: nbformat.read(path, as_version=4)
    for path in sorted(FOLDER.glob("*.ipynb"))
}
each = pytest.mark.parametrize("name", NOTEBOOKS)


def code(name: str) -> str:
    """A notebook's cells as one program."""
    cells = NOTEBOOKS[name].cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [output for cell in cells for output in cell.outputs]


def run_all(folder: Path) -> dict[str, nbformat.NotebookNode]:
    """Run the notebooks side by side, as Jupyter does; an error in a cell is raised."""

    async def run() -> None:
        clients = (
            NotebookClient(
                notebook, timeout=300, resources={"metadata": {"path": folder}}
            )
            for notebook in NOTEBOOKS.values()
        )
        await asyncio.gather(*(client.async_execute() for client in clients))

    asyncio.run(run())
    return NOTEBOOKS


def test_every_notebook_runs_and_draws_whatever_strangers_wrote(
    home, tmp_path, monkeypatch
):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    with home(size="tiny", hostile=True) as user:
        user.fetch()
        listen_in(user.folder / "data")
        user.ingest()
    monkeypatch.setenv(
        "POLYLAKE_WAREHOUSE", str(user.folder / "data" / "warehouse.duckdb")
    )
    for name, notebook in run_all(user.folder).items():
        shown = outputs(notebook)
        pictures = [one for one in shown if "image/png" in one.get("data", {})]
        assert len(pictures) >= 5, name
        warnings = [one.text for one in shown if one.get("name") == "stderr"]
        assert warnings == [], name
        pages = [
            one.data["text/html"] for one in shown if "text/html" in one.get("data", {})
        ]
        assert not [page for page in pages if "<script" in page or "<img" in page], name


@each
def test_a_notebook_is_kept_without_outputs(name):
    kept = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert outputs(kept) == []
    cells = (cell for cell in kept.cells if cell.cell_type == "code")
    assert {cell.execution_count for cell in cells} == {None}


@each
def test_a_notebook_can_be_copied_elsewhere(name):
    imported = {
        module.split(".")[0]
        for node in ast.walk(ast.parse(code(name)))
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    ours = {path.parent.name for path in FOLDER.parent.glob("*/__init__.py")}
    assert {"duckdb", "polars", "matplotlib"} <= imported
    assert not imported & ours


@each
def test_a_missing_warehouse_is_said_in_a_sentence(name, tmp_path, monkeypatch):
    monkeypatch.setenv("POLYLAKE_WAREHOUSE", str(tmp_path / "none.duckdb"))
    with pytest.raises(SystemExit, match=r"There is no warehouse at .*none\.duckdb"):
        exec(code(name), {})


@each
def test_an_empty_warehouse_is_said_in_a_sentence(name, tmp_path, monkeypatch):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as db:
        define_silver(db)
        define_gold(db)
    monkeypatch.setenv("POLYLAKE_WAREHOUSE", str(path))
    with pytest.raises(
        SystemExit, match=r"^(No traded market|.* holds no (fill|order book) yet)"
    ):
        exec(code(name), {})
