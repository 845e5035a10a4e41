"""Data files that are not what their log says: told apart, and set aside.

A file that is set aside is not live any more; it lies in `_quarantine/_files/` beside a
note that says what it was and whether its rows have been fetched again since.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lake.checksum import checksum, told
from lake.compaction import APP_ID
from lake.lake import Lake
from lake.live_files import LiveFile, day_of
from lake.quarantine import FOLDER
from lake.walks import WALKS

FILES = f"{FOLDER}/_files"
_NOTE = ".json"


@dataclass(frozen=True)
class Damage:
    """A live file that is not what its log says, and why."""

    dataset: str
    file: LiveFile
    why: str


@dataclass(frozen=True)
class SetAside:
    """A file that was set aside; `mended` once what was in it has been fetched again.

    `name` is what it had below its dataset's folder, `lies_in` where it is now (null
    if it was missing).
    """

    dataset: str
    name: str
    day: str
    rows: int
    why: str
    at: str
    lies_in: str | None
    mended: bool = False


def damages(
    lake: Lake, name: str, *, deep: bool, stop: threading.Event
) -> Iterator[tuple[LiveFile, Damage | None]]:
    """Yield every live file of a dataset, with what is wrong with it."""
    for file in lake.snapshot(name).files:
        if stop.is_set():
            return
        why = _problem(lake.path_of(name, file.name), file, deep=deep)
        if why is not None and file.name not in _live(lake, name):
            why = None  # replaced meanwhile: it may well be gone
        yield file, None if why is None else Damage(name, file, why)


def set_aside(lake: Lake, found: Iterable[Damage]) -> list[SetAside]:
    """Take damaged files out of their logs, and move them out of the way.

    Looked at once more under the lock; one that is whole again by then stays.
    """
    done: list[SetAside] = []
    by_dataset: dict[str, list[Damage]] = {}
    for damage in found:
        by_dataset.setdefault(damage.dataset, []).append(damage)
    for name, some in by_dataset.items():
        with lake.locked(name):
            live = _live(lake, name)
            still = [
                damage
                for damage in some
                if damage.file.name in live
                and _problem(
                    lake.path_of(name, damage.file.name), damage.file, deep=True
                )
            ]
            if still:
                done += _moved(lake, name, still)
    if any(one.dataset == WALKS.name for one in done):
        lake.forget_walk_state()
    return done


def notes(lake: Lake) -> list[SetAside]:
    """Return what was ever set aside, in the order of names."""
    found = []
    for folder in lake.storage.folders(FILES):
        for name in lake.storage.files(folder):
            if name.endswith(_NOTE):
                found.append(SetAside(**json.loads(lake.storage.read(name))))
    return found


def note_mended(lake: Lake, which: Iterable[SetAside]) -> None:
    """Note that what was in these files has been fetched again."""
    for one in which:
        _note(lake, replace(one, mended=True))


def _moved(lake: Lake, name: str, found: list[Damage]) -> list[SetAside]:
    log = lake.log(name)
    turn = (log.snapshot().transaction_version(APP_ID) or 0) + 1
    done = []
    for damage in found:
        path = lake.path_of(name, damage.file.name)
        place = f"{FILES}/{name}/{damage.file.name.replace('/', '-')}"
        one = SetAside(
            dataset=name,
            name=damage.file.name,
            day=day_of(damage.file.name),
            rows=damage.file.rows,
            why=damage.why,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            lies_in=place if path.exists() else None,
        )
        _note(lake, one)  # first: what is not live must be known to be missing
        done.append(one)
    names = [damage.file.name for damage in found]
    log.commit([], names, transactions=[(APP_ID, turn)])
    lake.storage.move(
        (f"{name}/{one.name}", one.lies_in) for one in done if one.lies_in
    )
    return done


def _note(lake: Lake, one: SetAside) -> None:
    name = f"{FILES}/{one.dataset}/{one.name.replace('/', '-')}{_NOTE}"
    lake.storage.write(name, json.dumps(asdict(one), indent=1).encode())


def _live(lake: Lake, name: str) -> set[str]:
    return {file.name for file in lake.snapshot(name).files}


def _problem(path: Path, file: LiveFile, *, deep: bool) -> str | None:
    """What is wrong with a file; OSError where the system does not let us look."""
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"has {size:,} bytes, the log says {file.size:,}"
        with pq.ParquetFile(path, page_checksum_verification=True) as parquet:
            rows = parquet.metadata.num_rows
            if rows != file.rows:
                return f"has {rows:,} rows, the log says {file.rows:,}"
            if deep:
                for _ in parquet.iter_batches():
                    pass
        if deep and told(file.name) not in (None, checksum(path)):
            return "does not hold what was written: its checksum is another"
    except FileNotFoundError:
        return "is in the log, but it is not there"
    except pa.ArrowException as error:
        return f"cannot be read: {error}"
    except OSError as error:
        if error.errno is not None:
            raise
        return f"cannot be read: {error}"
    return None
