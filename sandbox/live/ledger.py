"""What every connection was sent, and what was kept from it: message by message."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sandbox.live.messages import Message

IN_MEMORY = 40_000  # messages; more of them go to disk
SCHEMA: dict[str, type[pl.DataType]] = {
    "connection": pl.Int32,
    "channel": pl.String,  # market, rtds, coinbase, polybolt
    "frame_no": pl.Int64,
    "message_no": pl.Int64,  # one message on two connections has one number
    "row_no": pl.Int32,
    "event_type": pl.String,
    "condition_id": pl.String,
    "token_id": pl.String,  # or the symbol of a price
    "at_ms": pl.Int64,  # the time that the message names
    "side": pl.String,
    "price": pl.Float64,
    "size": pl.Float64,
    "price_text": pl.String,
    "hash": pl.String,
    "sent_at_ns": pl.Int64,
    "withheld": pl.String,  # why it was not sent; null: it was
    "copy": pl.Boolean,  # sent again, as a fault
}


class Entry(NamedTuple):
    """One message on one connection."""

    connection: int
    channel: str
    frame_no: int
    sent_at_ns: int
    withheld: str | None
    copy: bool
    message: Message


@dataclass
class Ledger:
    """Entries in order; old ones lie in Parquet files of a folder of its own."""

    entries: list[Entry] = field(default_factory=list)
    sent: int = 0
    withheld: int = 0
    _files: list[Path] = field(default_factory=list)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def write(self, entry: Entry) -> None:
        """Note one message."""
        self.entries.append(entry)
        if entry.withheld is None:
            self.sent += 1
        else:
            self.withheld += 1
        if len(self.entries) >= IN_MEMORY:
            self.spill()

    def spill(self) -> None:
        """Move what is in memory to disk."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="sandbox-ledger-")
        path = Path(self._folder.name) / f"{len(self._files)}.parquet"
        frame_of(self.entries).write_parquet(path, compression="lz4")
        self._files.append(path)
        self.entries.clear()

    def frame(self) -> pl.DataFrame:
        """Everything so far, a row a level or change."""
        parts = [pl.read_parquet(path) for path in self._files]
        return pl.concat([*parts, frame_of(self.entries)])

    def clear(self) -> None:
        """Forget what was noted; numbers go on."""
        self.entries.clear()
        self._files.clear()
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def frame_of(entries: list[Entry]) -> pl.DataFrame:
    """Entries as rows."""
    rows = []
    for one in entries:
        said = one.message
        for number, row in enumerate(said.rows):
            rows.append(
                (
                    one.connection, one.channel, one.frame_no, said.number, number,
                    said.event_type, said.condition or None, row.token_id or None,
                    said.at_ms, row.side, number_of(row.price), number_of(row.size),
                    row.price, row.hash, one.sent_at_ns, one.withheld, one.copy,
                )
            )  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def number_of(text: str | None) -> float | None:
    """A number from its text."""
    return None if text is None else float(text)
