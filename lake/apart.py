"""Fold in a process of its own, so that whoever listens keeps the interpreter.

The two ends speak JSON, a line each way. What folds ends with the one it folds for, in
whatever moment that dies: its end of the pipe is closed then. Until it is gone it holds
a lock, which the next run of the same writer waits for.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any

from lake.cursor import Landed
from lake.fold import Folded
from lake.lake import Lake
from lake.locks import FileLock
from lake.recovery import folding_lock
from lake.storage import StorageError
from settings.errors import PolylakeError
from settings.signals import ENDING

logger = logging.getLogger(__name__)

READY = {"ready": True}
NICENESS = 5  # who listens goes first
Folds = Callable[[Landed], Iterable[Folded]]


class Apart:
    """Folds by `command`, a process that `serve` answers for; a context manager.

    The process starts with the first fold. If it dies, `here` folds in its place, and
    the next fold starts another. StorageError where the lake refuses.
    """

    def __init__(
        self, command: Sequence[str], hello: Mapping[str, Any], here: Folds
    ) -> None:
        self._command = command
        self._hello = hello
        self._here = here
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process, while there is one."""
        return None if self._process is None else self._process.pid

    def __call__(self, landed: Landed) -> list[Folded]:
        """Fold what a writer has landed, up to what its cursor speaks for."""
        try:
            process = self._process or self._started(landed.writer)
            answer = _ask(process, {"files": dict(landed.files)})
        except (OSError, EOFError, ValueError) as error:
            logger.warning(
                "The process that folds has died (%s); this fold is done by ours. "
                "Nothing is lost by that.",
                error or "without a word",
            )
            self._end()
            return list(self._here(landed))
        if "error" in answer:
            raise StorageError(answer["error"])
        return [Folded(**one) for one in answer["folded"]]

    def _started(self, writer: str) -> subprocess.Popen[str]:
        # A session of its own: what is typed at the terminal is not meant for it.
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._process = process
        # Nothing is asked for before it holds its lock.
        if _ask(process, {**self._hello, "writer": writer}) != READY:
            raise ValueError("it is of another version")
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # of what it was never told
                pipe.close()
        process.wait()

    def __enter__(self) -> Apart:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()


def serve(
    asked: IO[str], told: IO[str], opened: Callable[[Mapping[str, Any]], Lake]
) -> None:
    """Be the process that folds: answer until whoever asks is gone, then end at once.

    `opened` opens the lake that the first line names. Signals that end whoever asks
    are not meant for this process, which has work to finish for it.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(asked, lines), daemon=True).start()
    hello = json.loads(lines.get())
    with opened(hello) as lake:
        writer = hello["writer"]
        with FileLock.wait(folding_lock(lake.storage, writer)):
            _tell(told, READY)
            while True:
                landed = Landed(writer, json.loads(lines.get())["files"])
                _tell(told, _answer(lake, landed))


def _answer(lake: Lake, landed: Landed) -> dict[str, Any]:
    try:
        folded = [asdict(one) for one in lake.fold(landed)]
        lake.checkpoint()
    except PolylakeError as error:
        return {"error": str(error)}
    except OSError as error:
        path = error.filename or lake.root
        return {"error": f"Cannot write {path}: {error.strerror or error}."}
    return {"folded": folded}


def _hear(asked: IO[str], lines: queue.SimpleQueue[str]) -> None:
    """Pass on what is asked; a fold may die in any moment, and none is waited for."""
    for line in asked:
        lines.put(line)
    os._exit(0)


def _ask(process: subprocess.Popen[str], question: Mapping[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    _tell(process.stdin, question)
    answer = process.stdout.readline()
    if not answer:
        raise EOFError(f"exit code {process.wait()}")
    found: dict[str, Any] = json.loads(answer)
    return found


def _tell(pipe: IO[str], what: Mapping[str, Any]) -> None:
    pipe.write(f"{json.dumps(what)}\n")
    pipe.flush()
