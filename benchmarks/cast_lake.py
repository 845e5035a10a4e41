"""Lakes for benchmarks, cast into a folder of the benchmark's own."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import BIN, Spent, spent
from foundry.casting import Casting

BYTES_A_FILL = 250  # the lake, two warehouse files, a table of all columns

CTAS = """
import sys
import duckdb

path, memory, *globs = sys.argv[1:]
db = duckdb.connect(path, config={"memory_limit": memory, "threads": 2})
for number, files in enumerate(globs):
    db.execute(
        f"create table t{number} as select * from "
        f"read_parquet('{files}', hive_partitioning = false)"
    )
db.close()
"""


class CastLake:
    """A cast lake, its settings, and the commands run on it.

    One that an earlier run has cast into the same folder is used as it was left, with
    its warehouse; `cost` is null then.
    """

    def __init__(self, folder: Path, fills: int) -> None:
        self.folder = folder / f"lake-{fills}"
        self.warehouse = folder / f"warehouse-{fills}" / "warehouse.duckdb"
        self.casting = Casting.of(fills)
        self.config = folder / f"{fills}.toml"
        self.config.write_text(
            f'[paths]\nlake = "{self.folder}"\nwarehouse = "{self.warehouse}"\n'
            f'cursors = "{folder}/cursor-{fills}.json"\n'
        )
        self.cost: Spent | None = None
        done = folder / f"lake-{fills}.done"
        if not done.exists():
            self.cost = spent([*self._cast, "--fills", str(fills)])
            done.touch()

    @property
    def _cast(self) -> list[str | Path]:
        return [BIN / "sandbox", "lake", "--folder", self.folder]

    def append(self, fills: int, markets: int) -> None:
        """Add new fills, as one run of fetch would."""
        size = ["--fills", str(fills), "--markets", str(markets)]
        spent([*self._cast, "--append", *size])

    def ingest(self) -> Spent:
        """Take in what is new, by the command that people use."""
        return spent([BIN / "ingest", "--config", self.config])

    def forget_warehouse(self) -> None:
        """Let the next ingest begin with nothing."""
        for path in sorted(self.warehouse.parent.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def size_of(self, *names: str) -> int:
        """Bytes of these datasets."""
        return sum(
            file.stat().st_size
            for name in names
            for file in (self.folder / name).glob("dt=*/*.parquet")
        )


def create_table_as(path: Path, *files: str | Path, memory: str = "2GiB") -> Spent:
    """Store all columns of some Parquet files in a DuckDB file that is made anew."""
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    done = spent([BIN / "python", "-c", CTAS, path, memory, *files])
    path.unlink()
    return done
