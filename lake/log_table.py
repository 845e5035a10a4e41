"""Open, make and widen the Delta table of a dataset, repairing it where it is torn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import CommitProperties, PostCommitHookProperties

from lake.dataset import Dataset
from lake.live_files import PARTITION
from lake.repair import ACTIONS, entry_name, is_whole, repair
from lake.storage import LocalStorage
from settings.errors import PolylakeError

# Both are done by us, durably: see checkpoint.py.
NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


class LogError(PolylakeError):
    """A log cannot be opened or written: the message names it and says why."""


def log_folder(dataset: Dataset) -> str:
    """The folder of the dataset's log."""
    return f"{dataset.name}/_delta_log"


def open_table(storage: LocalStorage, dataset: Dataset) -> DeltaTable | None:
    """Open the newest whole version; null if there is none yet.

    A torn entry or checkpoint is removed first; a sound log is not written to.
    """
    folder = log_folder(dataset)
    if not storage.exists(folder):
        return None
    with suppress(DeltaError):
        table = _opened(storage, dataset)
        if table is None or _ends_whole(storage, folder, table):
            return table
    repair(storage, folder)
    with explained(storage, folder):
        return _opened(storage, dataset)


def table_to_write(storage: LocalStorage, dataset: Dataset) -> DeltaTable:
    """Open the newest version, with at least the dataset's columns.

    Columns that are new in this version of the program are added to the log; files
    without them read as null. A column of another type is an error.
    """
    while True:
        table = open_table(storage, dataset)
        if table is None:
            _create(storage, dataset)
            table = open_table(storage, dataset)
        if table is None:
            raise LogError(
                f"The list of live files {storage.path(log_folder(dataset))} was made "
                "and is not there. Has something removed it? Run the same command "
                "again; if it stays so, check that the disk keeps what is written."
            )
        missing = _missing(table, dataset, storage)
        if not missing:
            return table
        name = f"{log_folder(dataset)}/{entry_name(int(table.version()) + 1)}"
        storage.announce("commit", name)
        with explained(storage, log_folder(dataset)), suppress(CommitFailedError):
            table.alter.add_columns(
                Schema.from_arrow(pa.schema(missing)).fields,
                commit_properties=CommitProperties(max_commit_retries=0),
                post_commithook_properties=NO_HOOKS,
            )


@contextmanager
def explained(storage: LocalStorage, folder: str) -> Iterator[None]:
    """Turn what deltalake raises into an error that names the log."""
    try:
        yield
    except CommitFailedError:
        raise
    except (DeltaError, OSError) as error:
        cause = str(error).partition("\n")[0]
        broken = _broken_entry(storage, folder)
        if broken is not None:
            raise LogError(
                f"{storage.path(broken)} is damaged, and with it the list of live files"
                f" of {folder.partition('/')[0]}: {cause}. The data files are unharmed."
                " Put that file back from a backup. Without one, move"
                f" {storage.path(folder.partition('/')[0])} away and run"
                " `fetch --mode all --fresh`, then `ingest --rebuild`."
            ) from error
        raise LogError(
            f"The list of live files in {storage.path(folder)} cannot be used: {cause}."
            " The data files are unharmed. If the disk is full or the permissions are"
            " wrong, fix that and run the same command again."
        ) from error


def _broken_entry(storage: LocalStorage, folder: str) -> str | None:
    """The first entry that does not hold all that was written to it."""
    for name in storage.files(folder):
        if name.endswith(".json") and not is_whole(storage.read(name)):
            return name
    return None


def _opened(storage: LocalStorage, dataset: Dataset) -> DeltaTable | None:
    try:
        return DeltaTable(str(storage.path(dataset.name)))
    except TableNotFoundError:
        return None


def _ends_whole(storage: LocalStorage, folder: str, table: DeltaTable) -> bool:
    """Whether the last entry is whole: deltalake opens an empty one without a word."""
    try:
        content = storage.read(f"{folder}/{entry_name(int(table.version()))}")
    except FileNotFoundError:
        return True  # cleaned up behind a checkpoint
    return is_whole(content)


def _create(storage: LocalStorage, dataset: Dataset) -> None:
    folder = log_folder(dataset)
    storage.make_folder(folder)
    # Plain hive partitioning in DuckDB, polars and Spark reads `dt` as a date as well.
    fields = [*dataset.schema, pa.field(PARTITION, pa.date32())]
    storage.announce("commit", f"{folder}/{entry_name(0)}")
    with explained(storage, folder), suppress(CommitFailedError):
        DeltaTable.create(
            str(storage.path(dataset.name)),
            schema=Schema.from_arrow(pa.schema(fields)),
            mode="ignore",
            partition_by=[PARTITION],
            # a retry would make the table again on top of another's, under a new id
            commit_properties=CommitProperties(
                custom_metadata={ACTIONS: 2}, max_commit_retries=0
            ),
        )


def _missing(
    table: DeltaTable, dataset: Dataset, storage: LocalStorage
) -> list[pa.Field]:
    held = pa.schema(table.schema().to_arrow())
    for field in dataset.schema:
        if field.name in held.names and held.field(field.name).type != field.type:
            raise LogError(
                f"{storage.path(dataset.name)} has {field.name} as "
                f"{held.field(field.name).type}, this version writes {field.type}. "
                "It was made by another version: use that one, or another lake."
            )
    return [field for field in dataset.schema if field.name not in held.names]
