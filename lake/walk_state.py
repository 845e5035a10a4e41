"""What has been walked, by market: the latest state, derived from bronze `walks`.

A SQLite file that can be deleted at any time. It notes the version of `walks` that it
has taken in and costs a run in proportion to what came after.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from lake.live_files import Changes, LiveFile
from lake.unreadable import damaged
from lake.walk_id import OF_WALLETS
from lake.walk_tables import FORMAT, SCHEMA, TABLES, packed, take_in, unpacked

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 5_000
_PATIENCE_SECONDS = 300
_ATTEMPTS = 5
_JOURNAL_BYTES = 64 << 20
CAPPED = "cap"  # the outcome of a walk that left rows behind


@dataclass(frozen=True)
class Walked:
    """The state of one key (a market, or what else a walk is of) of one dataset.

    `to_end_at` is the start of the latest walk that came to the end, `end_walk_id` its
    id, and `end_detail` why that end is not the end of its history, where it is not;
    `last_*` speak of the latest walk however it ended. `oldest` and `newest` bound
    the seconds of all rows that bronze holds of it. `due` is why it must be walked.
    """

    key: str
    to_end_at: datetime | None
    end_walk_id: str | None
    last_started_at: datetime | None
    last_walk_id: str | None
    last_outcome: str | None
    oldest: int | None
    newest: int | None
    due: str | None
    end_detail: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it was walked to the end of its history, is not due again, and no
        later walk stopped at a cap."""
        return (
            self.to_end_at is not None
            and not (self.end_detail or self.due)
            and self.last_outcome != CAPPED
        )


@dataclass(frozen=True)
class Coverage:
    """The unix seconds that the feed covers without a gap, both ends included."""

    oldest: int
    newest: int
    known_at: datetime
    walk_id: str


@dataclass(frozen=True)
class Counts:
    """How many keys of a dataset are known, walked to their end, due, and whole (see
    `Walked.is_whole`). Wallets are none of them."""

    known: int
    to_end: int
    due: int
    whole: int


class WalkState:
    """The walk state in the SQLite file at `path`; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = self._opened()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # Keeping up

    def catch_up(
        self,
        changes: Callable[[int | None, str | None], Changes],
        path_of: Callable[[LiveFile], Path],
    ) -> int | None:
        """Take in what `walks` got since; return the version that is taken in.

        `changes(version, log_id)` says what is new. A damaged state is made anew.
        Dying in between leaves the state as it was.
        """
        with self._lock:
            try:
                return self._take_in(changes, path_of)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                logger.warning("Making %s anew: %s", self._path, error)
                self._connection.close()
                self._delete()
                self._connection = self._opened()
                return self._take_in(changes, path_of)

    def _take_in(
        self,
        changes: Callable[[int | None, str | None], Changes],
        path_of: Callable[[LiveFile], Path],
    ) -> int | None:
        for attempt in range(1, _ATTEMPTS + 1):
            log_id, version = self._taken()
            new = changes(version, log_id)
            if new.version == version and not new.restarted:
                return version
            self._connection.execute("begin immediate")
            try:
                if self._taken() != (log_id, version):
                    continue  # another process was faster
                if new.restarted:
                    for table in ("subjects", "coverage"):
                        self._connection.execute(f"delete from {table}")
                for file in new.files:
                    take_in(self._connection, path_of(file))
                self._connection.execute(
                    "insert or replace into taken values (1, ?, ?)",
                    (new.log_id, new.version),
                )
                self._connection.execute("commit")
            except FileNotFoundError as error:
                # Compacted and removed since the list was made: make the list again.
                if attempt == _ATTEMPTS:
                    raise damaged(error.filename or "A file of walks", error) from error
            else:
                return new.version
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
        return self._taken()[1]

    def _taken(self) -> tuple[str | None, int | None]:
        row = self._connection.execute("select log_id, version from taken").fetchone()
        return (None, None) if row is None else (row[0], row[1])

    # Asking

    def walked(self, dataset: str, keys: Iterable[str]) -> dict[str, Walked]:
        """Return the state of those `keys` that have any."""
        columns = (
            "key, end_started, end_walk, last_started, last_walk, last_outcome,"
            " oldest, newest, due_at > end_started, due_reason, end_detail"
        )
        found = (_walked(row) for row in self._rows_of(columns, dataset, keys))
        return {one.key: one for one in found}

    def never_ended(self, dataset: str, keys: Iterable[str]) -> list[str]:
        """Return those `keys` that no walk has come to the end of, in their order."""
        missing: list[str] = []
        for some in _some(keys):
            rows = self._rows_of("key", dataset, some, "and end_started >= 0")
            ended = {unpacked(row[0]) for row in rows}
            missing += [key for key in some if key not in ended]
        return missing

    def hulls(self, dataset: str, keys: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Return the oldest and newest second that bronze holds of each of `keys`.

        As of the last `catch_up`; a key of which bronze holds nothing is left out.
        """
        rows = self._rows_of(
            "key, oldest, newest", dataset, keys, "and oldest is not null"
        )
        return {unpacked(key): (oldest, newest) for key, oldest, newest in rows}

    def keys(self, dataset: str) -> list[str]:
        """Return every key of a dataset that anything is known of; reads all."""
        rows = self._query(
            "select key from subjects where dataset = ? order by key",
            (self._number(dataset),),
        )
        return [unpacked(key) for (key,) in rows]

    def due(self, dataset: str) -> dict[str, str]:
        """Return the keys that must be walked, with the reason, ordered by key."""
        return {
            unpacked(key): reason
            for key, reason in self._query(
                "select key, due_reason from subjects indexed by due"
                " where dataset = ? and due_at > end_started order by key",
                (self._number(dataset),),
            )
        }

    def coverage(self, dataset: str) -> Coverage | None:
        """Return what the feed covers, as last said; null if nothing was said."""
        rows = self._query(
            "select oldest, newest, known_at, walk from coverage where dataset = ?",
            (self._number(dataset),),
        )
        return next((Coverage(r[0], r[1], _moment(r[2]), r[3]) for r in rows), None)

    def counts(self, dataset: str) -> Counts:
        """Count the keys of a dataset but for wallets; reads all of them."""
        rows = self._query(
            "select count(*), count(*) filter (where end_started >= 0),"
            " count(*) filter (where due_at > end_started),"
            " count(*) filter (where end_started >= 0 and end_detail = ''"
            " and due_at <= end_started and last_outcome <> ?)"
            " from subjects where dataset = ? and last_walk not glob ?",
            (CAPPED, self._number(dataset), OF_WALLETS),
        )
        return Counts(*rows[0])

    def unusual(self, dataset: str) -> list[str]:
        """Return the keys that are not 0x and 64 hex digits, but for wallets."""
        rows = self._query(
            "select key from subjects"
            " where dataset = ? and key < x'' and last_walk not glob ?",
            (self._number(dataset), OF_WALLETS),
        )
        return [unpacked(row[0]) for row in rows]

    def _rows_of(
        self, columns: str, dataset: str, keys: Iterable[str], condition: str = ""
    ) -> Iterator[Row]:
        number = self._number(dataset)
        for some in _some(keys):
            marks = ",".join("?" * len(some))
            yield from self._query(
                f"select {columns} from subjects"
                f" where dataset = ? and key in ({marks}) {condition}",
                (number, *map(packed, some)),
            )

    def _number(self, dataset: str) -> int:
        rows = self._query("select id from datasets where name = ?", (dataset,))
        return int(rows[0][0]) if rows else -1

    def _query(self, sql: str, values: tuple[object, ...]) -> list[Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    # The file

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connected()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            logger.warning("Making %s anew: %s", self._path, error)
            self._delete()
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # A power cut may take the last transactions, whole: they are made again.
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.execute(f"pragma journal_size_limit = {_JOURNAL_BYTES}")
            found = connection.execute("pragma user_version").fetchone()[0]
            if found not in (0, FORMAT):
                for table in TABLES:
                    connection.execute(f"drop table if exists {table}")
            connection.executescript(SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _some(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _walked(row: Row) -> Walked:
    key, end_started, end_walk, started, walk, outcome, oldest, newest, *rest = row
    is_due, due, end_detail = rest
    return Walked(
        unpacked(key),
        _moment(end_started) if end_started >= 0 else None,
        end_walk or None,
        _moment(started) if started >= 0 else None,
        walk or None,
        outcome or None,
        oldest,
        newest,
        due if is_due else None,
        end_detail or None,
    )


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
