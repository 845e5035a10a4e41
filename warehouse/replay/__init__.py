"""Order books as they were, moment by moment, from what was captured live.

    from warehouse.connect import open_to_read
    from warehouse.replay import Replay

    for one in Replay(open_to_read(path), [token], prices=["btc"]):
        ...

Nothing is loaded before it is asked for: the command imports this with every call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warehouse.replay.book import Book
    from warehouse.replay.frames import batches, to_arrow, to_polars
    from warehouse.replay.happenings import Gap, Price, TickSize, Trade
    from warehouse.replay.moments import NoSuchToken, NothingHeard, nanoseconds, paced
    from warehouse.replay.run import Replay, State, book_at

_WHERE = {
    "Book": "book",
    "Gap": "happenings",
    "NoSuchToken": "moments",
    "NothingHeard": "moments",
    "Price": "happenings",
    "Replay": "run",
    "State": "run",
    "TickSize": "happenings",
    "Trade": "happenings",
    "batches": "frames",
    "book_at": "run",
    "nanoseconds": "moments",
    "paced": "moments",
    "to_arrow": "frames",
    "to_polars": "frames",
}
__all__ = [
    "Book",
    "Gap",
    "NoSuchToken",
    "NothingHeard",
    "Price",
    "Replay",
    "State",
    "TickSize",
    "Trade",
    "batches",
    "book_at",
    "nanoseconds",
    "paced",
    "to_arrow",
    "to_polars",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
