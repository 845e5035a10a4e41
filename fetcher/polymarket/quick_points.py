"""Read histories as the service writes them, without an object for each point.

An answer has thousands of points, and as JSON each is a dictionary: most of what a
history costs. Written in the service's way it is a list of numbers but for a few
letters, which are taken out. What is written in any other way is for the JSON reader.
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from lake.encoding import series

_HEAD, _TAIL = b'{"history":{', b"]}}"
_BETWEEN = b"},{"
_NUMBER = b"0123456789.-+eE"
_LINE = b'"t":,"p":\n'  # what is left of a point without its numbers
_READ = pyarrow.csv.ReadOptions(column_names=["time", "price"], use_threads=False)
_CONVERT = pyarrow.csv.ConvertOptions(
    column_types={"time": pa.int64(), "price": pa.float64()}
)

Listed = dict[str, tuple[list[int], list[float]]]


def quick_points(
    body: bytes, tokens: Collection[str], *, first: int, last: int
) -> Listed | None:
    """Return times and prices by token; null if the answer must be read as JSON.

    That is so where anything is not just as expected: another token, another key, a
    value that is no number, a time not in [first, last).
    """
    body = body.strip()
    if not body.startswith(_HEAD) or not body.endswith(_TAIL):
        return None
    texts = _by_token(body[len(_HEAD) : -len(_TAIL)])
    if texts is None or not set(tokens).issuperset(texts):
        return None
    counts = [text.count(_BETWEEN) + 1 if text else 0 for text in texts.values()]
    points = _numbers([text for text in texts.values() if text], sum(counts))
    if points is None:
        return None
    times, prices = points
    bounds = pc.min_max(times).as_py()
    if bounds["min"] is None or bounds["min"] < first or bounds["max"] >= last:
        return None
    if not pc.all(pc.is_finite(prices)).as_py():
        return None
    found: Listed = {}
    time_list, price_list = series(times).to_list(), series(prices).to_list()
    place = 0
    for token, count in zip(texts, counts, strict=True):
        end = place + count
        found[token] = (time_list[place:end], price_list[place:end])
        place = end
    return found


def _by_token(inner: bytes) -> dict[str, bytes] | None:
    """Cut `"1":[{...},{...}],"2":[` at its lists; each without its outermost braces."""
    texts: dict[str, bytes] = {}
    for number, part in enumerate(inner.split(b"]")):
        name, _, points = part.partition(b":[")
        opening = b',"' if number else b'"'
        token = name[len(opening) : -1]
        if name != opening + token + b'"' or not token.isdigit():
            return None
        if points and (points[:1] != b"{" or points[-1:] != b"}"):
            return None
        if token.decode() in texts:
            return None
        texts[token.decode()] = points[1:-1]
    return texts


def _numbers(
    texts: list[bytes], count: int
) -> tuple[pa.ChunkedArray, pa.ChunkedArray] | None:
    lines = b"\n".join(texts).replace(_BETWEEN, b"\n")
    if not count or lines.translate(None, _NUMBER) + b"\n" != _LINE * count:
        return None
    numbers = lines.replace(b'"t":', b"").replace(b'"p":', b"")
    try:
        rows = pyarrow.csv.read_csv(
            pa.BufferReader(numbers), read_options=_READ, convert_options=_CONVERT
        )
    except pa.ArrowInvalid:
        return None
    if rows.num_rows != count or any(column.null_count for column in rows.columns):
        return None
    return rows["time"], rows["price"]
