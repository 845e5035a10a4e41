"""Columns of text put together as codes and the few texts that they stand for."""

from __future__ import annotations

from binascii import hexlify
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.integer[Any]]


def hex_texts(raw: bytes, digits: int) -> pa.Array:
    """`0x` and so many digits for each of the numbers that lie end to end in `raw`."""
    count = len(raw) * 2 // digits
    text = np.empty((count, digits + 2), dtype=np.uint8)
    text[:, 0], text[:, 1] = ord("0"), ord("x")
    text[:, 2:] = np.frombuffer(hexlify(raw), dtype=np.uint8).reshape(count, digits)
    ends = np.arange(count + 1, dtype=np.int32) * (digits + 2)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), count, buffers)


class Texts:
    """A text for each of many things; several may have the same."""

    def __init__(self, texts: pa.Array) -> None:
        self._texts = texts

    def of(self, things: Ints, place: Ints) -> pa.Array:
        """The texts of `things[place]` as codes, each text once."""
        coded = self._texts.take(pa.array(things)).dictionary_encode()
        codes = coded.indices.to_numpy()[place]
        return pa.DictionaryArray.from_arrays(pa.array(codes), coded.dictionary)
