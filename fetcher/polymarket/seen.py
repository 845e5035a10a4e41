"""Which ids a pass over the listings has named so far."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

_BITS = 1 << 26  # ids above are kept one by one: no id of today comes near


class Seen:
    """A set of numbers, a bit each; thread safe."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._rest: set[int] = set()
        self._lock = threading.Lock()

    def add(self, numbers: Iterable[int]) -> None:
        """Take the numbers in."""
        with self._lock:
            for number in numbers:
                if number >= _BITS:
                    self._rest.add(number)
                    continue
                byte = number >> 3
                if byte >= len(self._bits):
                    self._bits.extend(bytes(byte + 1 - len(self._bits)))
                self._bits[byte] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        if number >= _BITS:
            return number in self._rest
        byte = number >> 3
        return byte < len(self._bits) and bool(self._bits[byte] >> (number & 7) & 1)

    @property
    def greatest(self) -> int:
        """The greatest number taken in; 0 when there is none."""
        if self._rest:
            return max(self._rest)
        filled = bytes(self._bits).rstrip(b"\0")
        return (len(filled) - 1) * 8 + filled[-1].bit_length() - 1 if filled else 0


def recall(files: Iterable[Path], pass_id: str, seen: Mapping[str, Seen]) -> None:
    """Take in what the pages of a pass named before it was stopped."""
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(columns=["key", "detail"]):
            ours = batch.filter(pc.equal(batch["key"], pass_id))
            for text in ours["detail"].to_pylist():
                for name, numbers in json.loads(text or "{}").items():
                    if name in seen:
                        seen[name].add(numbers)
