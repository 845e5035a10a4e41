"""The fills of a universe as columns: both sides of every match, oldest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sandbox.market import NEVER

I8 = npt.NDArray[np.int64]
I4 = npt.NDArray[np.int32]
U1 = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

BUY, SELL = 0, 1
DUST = 10_000  # millionths of a share; smaller fills are never served
BLOCK_AT = (1_789_381_477, 93_784_296)  # a second and its block, from a real capture
BLOCKS_A_SECOND = 0.46877


@dataclass
class Fills:
    """Rows ascending by (timestamp, sequence); sizes and dollars in millionths."""

    timestamp: I8
    sequence: I8
    match: I4  # rows with one number are one transaction
    market: I4
    outcome: U1
    side: U1
    wallet: I4
    size: I8
    usdc: I8
    fee: I8  # hundred-thousandths of a dollar, the taker's row only
    is_taker: Bools
    visible_at: I8  # when the index has it
    gone_at: I8  # when the index loses it again; NEVER for nearly all
    hashes: bytes  # 32 bytes a match

    def __len__(self) -> int:
        return len(self.timestamp)

    def transaction_hash(self, row: int) -> str:
        """0x and 64 digits; one for all rows of a match."""
        at = int(self.match[row]) * 32
        return "0x" + self.hashes[at : at + 32].hex()

    def prices(self, rows: slice | I8) -> npt.NDArray[np.float64]:
        """Dollars a share, off the grid where dollars were rounded."""
        result: npt.NDArray[np.float64] = self.usdc[rows] / self.size[rows]
        return result

    def insert(self, more: Fills) -> Fills:
        """These rows and `more` in order; `more` has hashes of its own."""
        base = len(self.hashes) // 32
        columns = {}
        for name in COLUMNS:
            mine, theirs = getattr(self, name), getattr(more, name)
            if name == "match":
                theirs = theirs + base
            columns[name] = np.concatenate([mine, theirs])
        order = np.lexsort((columns["sequence"], columns["timestamp"]))
        ordered = {name: column[order] for name, column in columns.items()}
        return Fills(**ordered, hashes=self.hashes + more.hashes)


COLUMNS = (
    "timestamp", "sequence", "match", "market", "outcome", "side", "wallet", "size",
    "usdc", "fee", "is_taker", "visible_at", "gone_at",
)  # fmt: skip


def block_of(timestamp: I8) -> I8:
    """The block mined at each second."""
    second, block = BLOCK_AT
    blocks = np.floor((timestamp - second) * BLOCKS_A_SECOND)
    result: I8 = block + blocks.astype(np.int64)
    return result


def sequences(timestamp: I8, spread: int = 3_001) -> I8:
    """A number a row: block, then ten digits that count up within the second."""
    count = len(timestamp)
    first = np.empty(count, dtype=bool)
    first[:1] = True
    first[1:] = timestamp[1:] != timestamp[:-1]
    begin = np.maximum.accumulate(np.where(first, np.arange(count), 0))
    place = np.arange(count) - begin
    block = block_of(timestamp)
    earlier = sum((block_of(timestamp - k) == block).astype(np.int64) for k in (1, 2))
    second = earlier * 3_000_000_000  # seconds that share a block stay in order
    result: I8 = block * 10_000_000_000 + second + 104_210 + place * spread
    return result


def forever(count: int) -> I8:
    """A time that never comes, `count` times."""
    return np.full(count, NEVER, dtype=np.int64)
