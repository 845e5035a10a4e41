"""What every connection was sent, and what was kept from it: message by message."""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from sandbox.live.messages import Message

IN_MEMORY = 8_000  # messages; more of them go to disk
LOAD_BYTES = 2 << 20  # of load mode
REASONS = (None, "frozen", "dropped", "disconnected", "slow consumer")
CHANNELS = ("market", "rtds", "coinbase", "polybolt")
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
LOAD_RECORD = np.dtype(
    [("connection", "<i4"), ("frame_no", "<i8"), ("message_no", "<i8"),
     ("template", "<i4"), ("at_ms", "<i8"), ("turn", "<i4"), ("sent_at_ns", "<i8"),
     ("reason", "<i1"), ("copy", "<i1")]
)  # fmt: skip
PACK = struct.Struct("<iqqiqiqbb").pack


class LoadNote(NamedTuple):
    """A message of load mode: a template as it was sent the so-manieth time."""

    message_no: int
    template: int
    at_ms: int
    turn: int


Said = tuple[Message, ...] | LoadNote


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
    """Entries in order; old ones lie in files of a folder of its own."""

    entries: list[Entry] = field(default_factory=list)
    templates: list[Message] = field(default_factory=list)  # of load mode
    sent: int = 0
    withheld: int = 0
    _files: list[Path] = field(default_factory=list)
    _load: bytearray = field(default_factory=bytearray)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def note(
        self, connection: int, channel: str, frame_no: int, said: Said, at_ns: int,
        reason: str | None, copy: bool,
    ) -> None:  # fmt: skip
        """Note the messages of one frame."""
        count = 1 if isinstance(said, LoadNote) else len(said)
        if reason is None:
            self.sent += count
        else:
            self.withheld += count
        if isinstance(said, LoadNote):
            self._load += PACK(
                connection, frame_no, said.message_no, said.template, said.at_ms,
                said.turn, at_ns, REASONS.index(reason), copy,
            )  # fmt: skip
            if len(self._load) > LOAD_BYTES:
                self.spill()
            return
        for message in said:
            self.entries.append(
                Entry(connection, channel, frame_no, at_ns, reason, copy, message)
            )
        if len(self.entries) >= IN_MEMORY:
            self.spill()

    def folder(self) -> Path:
        """Where old entries lie."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="sandbox-ledger-")
        return Path(self._folder.name)

    def spill(self) -> None:
        """Move what is in memory to disk."""
        if self.entries:
            path = self.folder() / f"{len(self._files)}.parquet"
            frame_of(self.entries).write_parquet(path, compression="lz4")
            self._files.append(path)
            self.entries.clear()
        if self._load:
            with (self.folder() / "load.bin").open("ab") as file:
                file.write(self._load)
            self._load.clear()

    def frame(self) -> pl.DataFrame:
        """Everything so far, a row a level or change."""
        parts = [pl.read_parquet(path) for path in self._files]
        parts.append(frame_of(self.entries))
        load = self.load()
        if load.height:
            said = templates_frame(self.templates).explode("rows").unnest("rows")
            load = load.join(said, on="template", how="left", maintain_order="left")
            load = load.with_columns(
                pl.col("hash") + pl.col("turn_text"),
                pl.col("row_no").cast(pl.Int32),
            )
            parts.append(load.select(*SCHEMA))
        return pl.concat(parts)

    def messages(self) -> pl.DataFrame:
        """The same, a row a message: `token_id` and `hash` are those of its first row,
        `rows` says how many there are."""
        parts = [pl.read_parquet(path) for path in self._files]
        parts.append(frame_of(self.entries))
        rows = pl.concat(parts)
        counted = rows.group_by(
            "connection", "message_no", "frame_no", "copy", "withheld",
            maintain_order=True,
        ).agg(
            pl.col("channel", "event_type", "condition_id", "token_id", "at_ms", "hash",
                   "sent_at_ns").first(),
            rows=pl.len().cast(pl.Int64),
        )  # fmt: skip
        load = self.load()
        if load.height:
            firsts = templates_frame(self.templates).with_columns(
                pl.col("rows").list.first().struct.field("token_id", "hash"),
                rows=pl.col("rows").list.len().cast(pl.Int64),
            )
            load = load.join(firsts, on="template", how="left", maintain_order="left")
            load = load.with_columns(pl.col("hash") + pl.col("turn_text"))
            counted = pl.concat([counted, load.select(counted.columns)])
        return counted

    def load(self) -> pl.DataFrame:
        """The messages of load mode, without what they say."""
        path = self.folder() / "load.bin" if self._folder else None
        old = path.read_bytes() if path is not None and path.exists() else b""
        records = np.frombuffer(old + bytes(self._load), dtype=LOAD_RECORD)
        names = pl.Series(REASONS, dtype=pl.String)
        columns = {
            name: np.ascontiguousarray(records[name])
            for name in records.dtype.names or ()
        }
        frame = pl.DataFrame(columns)
        return frame.select(
            pl.all().exclude("reason", "copy", "turn"),
            channel=pl.lit("market"),
            withheld=names.gather(frame["reason"].cast(pl.UInt32)),
            copy=pl.col("copy").cast(pl.Boolean),
            turn_text=pl.Series(
                [f"{turn:08x}" for turn in frame["turn"].to_list()], dtype=pl.String
            ),
        )

    def clear(self) -> None:
        """Forget what was noted; numbers go on."""
        self.entries.clear()
        self._load.clear()
        self._files.clear()
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def templates_frame(templates: list[Message]) -> pl.DataFrame:
    """What the messages of load mode say, all but their time and turn."""
    return pl.DataFrame(
        {
            "template": pl.Series(range(len(templates)), dtype=pl.Int32),
            "event_type": [one.event_type for one in templates],
            "condition_id": [one.condition for one in templates],
            "rows": [
                [
                    {
                        "row_no": number, "token_id": row.token_id, "side": row.side,
                        "price": number_of(row.price), "size": number_of(row.size),
                        "price_text": row.price, "hash": row.hash,
                    }
                    for number, row in enumerate(one.rows)
                ]
                for one in templates
            ],
        }
    )  # fmt: skip


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
