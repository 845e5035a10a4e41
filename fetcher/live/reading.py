"""The thread that reads what was heard: frames into rows, each message once."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fetcher.live.book_rows import event_rows, malformed_row
from fetcher.live.clock import SECOND_NS, EventNumbers
from fetcher.live.hot_books import HotBooks
from fetcher.live.inbox import Inbox
from fetcher.live.store import Row
from fetcher.live.stretch import Stretch

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.25
KEPT = -1  # no connection has this number
MERGE_SECONDS = 60  # how far apart two connections may bring the same message


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a stretch; `connection` tells apart those that listen to the same.

    One that is opened again is another: it is told all books once more.
    """

    stretch: Stretch
    number: int
    received_ns: int
    payload: bytes
    connection: int = 0
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Rows that must not become durable before the frames that came before them."""

    dataset: str
    rows: Sequence[Row]


Item = Frame | Note


def messages_of(payload: bytes) -> list[Any]:
    """The messages of a frame, which is one of them or a list; ValueError if none."""
    value = orjson.loads(payload)
    return value if isinstance(value, list) else [value]


class Merged:
    """Tells which messages of several connections came before, by their bodies.

    Equal messages of one connection are all real: a message is new where its own
    connection has brought more of its kind than were kept.
    """

    def __init__(self) -> None:
        # How many each connection has brought, and of those of KEPT how many were new.
        self._seen: dict[bytes, dict[int, int]] = {}
        self._ages: deque[tuple[int, bytes]] = deque()

    def is_new(
        self, body: bytes, connection: int, at_ns: int, stretch: str = ""
    ) -> bool:
        """Whether a message is to be kept; what came in another stretch is another."""
        while self._ages and self._ages[0][0] < at_ns - MERGE_SECONDS * SECOND_NS:
            self._seen.pop(self._ages.popleft()[1], None)
        digest = hashlib.blake2b(body, digest_size=16, key=stretch.encode()).digest()
        counts = self._seen.get(digest)
        if counts is None:
            counts = self._seen[digest] = {KEPT: 0}
            self._ages.append((at_ns, digest))
        brought = counts[connection] = counts.get(connection, 0) + 1
        if brought <= counts[KEPT]:
            return False
        counts[KEPT] += 1
        return True


class Reader:
    """Takes frames from the inbox until it is closed and empty.

    `malformed` is told of frames that are no JSON: their stretch, and what they say.
    """

    def __init__(
        self,
        inbox: Inbox[Item],
        books: HotBooks,
        add: Callable[[str, Iterable[Row]], None],
        *,
        now: Callable[[], int],
        malformed: Callable[[Frame], None],
        resolved: Callable[[str], None],
        give_up: Callable[[BaseException], None],
        wait_for_room: Callable[[], None] = lambda: None,
    ) -> None:
        self._inbox = inbox
        self._books = books
        self._add = add
        self._now = now
        self._malformed = malformed
        self._resolved = resolved
        self._give_up = give_up
        self._wait_for_room = wait_for_room
        self._numbers = EventNumbers()
        self._merged = Merged()
        self._thread = threading.Thread(target=self._run, name="capture-reader")
        self.messages = 0
        self.repeated = 0  # brought by a second connection
        self.lag_ns = 0  # from a frame's arrival to its rows, the last one

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._inbox.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._inbox.is_done:
                self._wait_for_room()
                items = self._inbox.take(PATIENCE_SECONDS)
                for item in items:
                    if isinstance(item, Note):
                        self._add(item.dataset, item.rows)
                    else:
                        self._read(item)
                last = items[-1] if items else None
                if isinstance(last, Frame):
                    self.lag_ns = self._now() - last.received_ns
                elif not items:
                    self.lag_ns = 0
        except BaseException as error:  # noqa: BLE001 - ends the capture
            self._give_up(error)

    def _read(self, frame: Frame) -> None:
        number = self._numbers.next(frame.received_ns)
        try:
            messages = messages_of(frame.payload)
        except ValueError:
            rows = [malformed_row(frame.payload, frame.received_ns, number)]
            self._keep(frame, rows, 0)
            self._malformed(frame)
            return
        place = 0
        for position, message in enumerate(messages):
            if frame.merged:
                body, walk = _worded(message, frame), frame.stretch.walk_id
                at = frame.received_ns
                if not self._merged.is_new(body, frame.connection, at, walk):
                    self.repeated += 1
                    continue
            if position:
                number = self._numbers.next(frame.received_ns)
            try:
                rows = event_rows(message, frame.received_ns, number)
            except RecursionError:  # nested so deeply that nobody can tell it again
                rows = [malformed_row(frame.payload, frame.received_ns, number)]
            self._books.follow(rows)
            place = self._keep(frame, rows, place)
            self.messages += 1
            if rows[0][2] == "market_resolved" and rows[0][3]:
                self._resolved(rows[0][3])

    def _keep(self, frame: Frame, rows: Sequence[Row], place: int) -> int:
        """Hand rows on with their lineage; return the place of the next row."""
        fetched, walk = frame.received_ns // 1_000, frame.stretch.walk_id
        self._add(
            "book_events",
            [
                (*row[:-1], fetched, walk, frame.number, place + i, row[-1])
                for i, row in enumerate(rows)
            ],
        )
        return place + len(rows)


def _worded(message: Any, frame: Frame) -> bytes:
    """A message in words that do not depend on whether it came alone or in an array."""
    try:
        return orjson.dumps(message)
    except TypeError:  # nested too deeply
        return frame.payload
