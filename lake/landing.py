"""Landing files: rows made durable in the order they arrived, before they are folded.

`_landing/<dataset>/<writer>/` holds, by name:

000001.arrow            what one buffer held of the dataset; numbered without a gap
carry-000007.arrow      rows that the fold up to 7 held back; valid while 7 is folded
fold-trades-000007.arrow  (in `walks`) what that fold of trades says of itself
writer.json             the cursor file of the writer
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from lake.batch import Progress
from lake.dataset import Dataset
from lake.encoding import encoded
from lake.storage import LocalStorage, StorageError

LANDING = "_landing"
_WRITER = "writer.json"
_PROGRESS = b"polylake.progress"
_NUMBERED = re.compile(r"(\d{6,})\.arrow")
_CARRY = re.compile(r"carry-(\d{6,})\.arrow")
_REPORT = re.compile(r"fold-(.+)-(\d{6,})\.arrow")
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True)
class Report:
    """A fold report's file: of which dataset's fold, and up to which number."""

    name: str
    dataset: str
    number: int


class LandingFolder:
    """The landing files of one dataset and one writer."""

    def __init__(self, storage: LocalStorage, dataset: str, writer: str) -> None:
        self.storage = storage
        self.dataset = dataset
        self.writer = writer
        self.folder = f"{LANDING}/{dataset}/{writer}"

    def claim(self, cursor: Path | None) -> None:
        """Note durably whose folder this is."""
        name = f"{self.folder}/{_WRITER}"
        content = json.dumps({"cursor": str(cursor) if cursor else None}).encode()
        if not self.storage.exists(name) or self.storage.read(name) != content:
            self.storage.write(name, content)

    def cursor(self) -> Path | None:
        """The cursor file that the folder was claimed for, if that is known."""
        try:
            text = json.loads(self.storage.read(f"{self.folder}/{_WRITER}"))
            return Path(text["cursor"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    # Numbered files

    def file(self, number: int) -> str:
        """The name of a landing file."""
        return f"{self.folder}/{number:06d}.arrow"

    def numbers(self) -> list[int]:
        """The numbers of the files that are there, ascending."""
        return sorted(int(match[1]) for match in self._matching(_NUMBERED))

    def write(
        self, number: int, rows: Sequence[pa.Table], progress: Iterable[Progress]
    ) -> int:
        """Make rows durable as file `number`; return its size in bytes."""
        return write_rows(
            self.storage, self.file(number), encoded(pa.concat_tables(rows)), progress
        )

    # What a fold leaves behind

    def carry(self, number: int) -> str:
        """The name of the rows held back by the fold up to `number`."""
        return f"{self.folder}/carry-{number:06d}.arrow"

    def carries(self) -> list[int]:
        """The numbers of the carry files that are there."""
        return sorted(int(match[1]) for match in self._matching(_CARRY))

    def report(self, dataset: str, number: int) -> str:
        """The name of the report of the fold of `dataset` up to `number`."""
        return f"{self.folder}/fold-{dataset}-{number:06d}.arrow"

    def reports(self) -> list[Report]:
        """The fold reports that are there."""
        return [
            Report(f"{self.folder}/{match[0]}", match[1], int(match[2]))
            for match in self._matching(_REPORT)
        ]

    def discard(self) -> None:
        """Remove the folder if nothing but the note of its owner is left in it."""
        if self.storage.files(self.folder) == [f"{self.folder}/{_WRITER}"]:
            self.storage.remove([f"{self.folder}/{_WRITER}"])
            self.storage.remove_folder(self.folder)

    def _matching(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        for name in self.storage.files(self.folder):
            match = pattern.fullmatch(name.rpartition("/")[2])
            if match:
                yield match


def writers(storage: LocalStorage, dataset: str) -> list[str]:
    """The writers that have a landing folder for the dataset."""
    return [name.rpartition("/")[2] for name in storage.folders(f"{LANDING}/{dataset}")]


def landed_bytes(storage: LocalStorage) -> int:
    """Bytes of all landing files; after a kill some of them may be folded already."""
    names = (
        name
        for dataset in storage.folders(LANDING)
        for folder in storage.folders(dataset)
        for name in storage.files(folder)
        if name.endswith(".arrow")
    )
    found = 0
    for name in names:
        with suppress(FileNotFoundError):  # folded meanwhile
            found += storage.size(name)
    return found


def write_rows(
    storage: LocalStorage,
    name: str,
    rows: pa.Table,
    progress: Iterable[Progress] = (),
) -> int:
    """Make a table of landing rows durable under `name`; return its size in bytes."""
    notes = json.dumps([asdict(record) for record in progress])
    schema = rows.schema.with_metadata({_PROGRESS: notes})
    with storage.create(name) as file, pa.ipc.new_file(file, schema, options=_LZ4) as w:
        w.write_table(rows.replace_schema_metadata(schema.metadata))
    return storage.size(name)


def count_rows(storage: LocalStorage, name: str) -> int:
    """Return the number of rows, without reading them."""
    with _opened(storage, name) as reader:
        return int(reader.count_rows())


def read_rows(
    storage: LocalStorage,
    name: str,
    dataset: Dataset,
    *,
    columns: Collection[str] | None = None,
) -> pa.Table:
    """Return the rows of a landing file; repeated strings are dictionary-encoded.

    With `columns`, those alone: the others are not unpacked.
    """
    wanted = [n for n in dataset.schema.names if columns is None or n in columns]
    with _opened(storage, name, columns=wanted) as reader:
        table = reader.read_all()
    return table.select(wanted).replace_schema_metadata()


def read_progress(storage: LocalStorage, name: str) -> list[Progress]:
    """Return the progress records of a landing file, in the order they were given."""
    with _opened(storage, name) as reader:
        metadata = reader.schema.metadata or {}
    return [_progress(record) for record in json.loads(metadata.get(_PROGRESS, b"[]"))]


def unfinished(folder: LandingFolder, folded: int, upto: int) -> dict[str, Progress]:
    """Return the last record of each chain that has not ended, by walk_id.

    Of what landed up to number `upto`, with what the last fold carried over.
    """
    names = [folder.carry(folded)] if folded in folder.carries() else []
    names += [folder.file(n) for n in folder.numbers() if folded < n <= upto]
    last = {
        record.walk_id: record
        for name in names
        for record in read_progress(folder.storage, name)
    }
    return {walk_id: record for walk_id, record in last.items() if not record.ended}


def _progress(record: dict[str, Any]) -> Progress:
    return Progress(**{**record, "scope": tuple(record["scope"])})


@contextmanager
def _opened(
    storage: LocalStorage, name: str, *, columns: Sequence[str] = ()
) -> Iterator[Any]:
    # Landing is always on a local disk, also where the lake is an object store.
    path = storage.path(name)
    try:
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            if 0 < len(columns) < len(reader.schema):
                places = [reader.schema.get_field_index(one) for one in columns]
                options = pa.ipc.IpcReadOptions(included_fields=places)
                reader = pa.ipc.open_file(source, options=options)
            yield reader
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(
            f"Cannot read {path}: {error}. If the disk is damaged, move the file away: "
            "its rows are then missing and must be fetched again (--fresh)."
        ) from error
