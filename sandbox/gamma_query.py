"""Which markets and events a Gamma listing shows, in what order, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from sandbox.cursors import BadCursor
from sandbox.web import Ask, gamma_problem
from sandbox.words import TAGS
from sandbox.world import World

Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float64]
CLAMP = 100


@dataclass(frozen=True)
class Shelf:
    """The columns of a listing that filters and orders look at, one value an entry."""

    id: npt.NDArray[np.int64]
    columns: dict[str, Callable[[], Column]]


def market_shelf(world: World) -> Shelf:
    """Markets by their JSON names."""
    rows = world.listed

    def column(*values: float) -> Column:
        return np.array(values, dtype=np.float64)

    def volume() -> Column:
        return np.asarray(world.tape.taker_volume[: len(rows)] / 1e6)

    def recent() -> Column:
        return column(*(world.shares_since(m, 86_400) for m in rows))

    columns: dict[str, Callable[[], Column]] = {
        "id": lambda: world.ids.astype(np.float64),
        "volumeNum": volume,
        "volume": volume,
        "volume24hr": recent,
        "liquidityNum": lambda: column(*(m.salt % 10_000_000 / 331 for m in rows)),
        "startDate": lambda: column(*(m.start_at for m in rows)),
        "endDate": lambda: column(*(m.end_at for m in rows)),
        "createdAt": lambda: world.created.astype(np.float64),
        "closedTime": lambda: world.closed_at.astype(np.float64),
    }
    return Shelf(world.ids, columns)


def event_shelf(world: World) -> Shelf:
    """Events by their JSON names."""
    rows = world.catalogue.events

    def column(*values: float) -> Column:
        return np.array(values, dtype=np.float64)

    def volume() -> Column:
        return column(*(sum(world.shares(m) for m in e.markets) for e in rows))

    columns: dict[str, Callable[[], Column]] = {
        "id": lambda: column(*(e.id for e in rows)),
        "volume": volume,
        "volume24hr": volume,
        "liquidity": lambda: column(*(0.0 for _ in rows)),
        "startDate": lambda: column(*(e.created_at + 600 for e in rows)),
        "endDate": lambda: column(*(e.end_at for e in rows)),
        "createdAt": lambda: column(*(e.created_at for e in rows)),
        "closedTime": lambda: column(
            *(max(m.closed_at for m in e.markets) for e in rows)
        ),
    }
    return Shelf(np.array([event.id for event in rows], dtype=np.int64), columns)


def limit_of(ask: Ask) -> int:
    """The effective limit: 20 by default, clamped to 100 without a word."""
    text = ask.one("limit")
    if text is None:
        return 20
    if not text.lstrip("-").isdigit() or int(text) < 1:
        raise gamma_problem("limit must be a positive integer")
    return min(int(text), CLAMP)


def wanted_ids(ask: Ask, name: str) -> list[int]:
    """The integers of a repeated parameter."""
    values = ask.csv(name)
    if not all(value.isdigit() for value in values):
        raise gamma_problem(f"{name} must be an integer")
    return [int(value) for value in values]


def bounds(ask: Ask, mask: Mask, values: Column, name: str, *, dates: bool) -> Mask:
    """The mask narrowed by `<name>_min` and `<name>_max`, both inclusive."""
    for suffix in ("min", "max"):
        text = ask.one(f"{name}_{suffix}")
        if text is None:
            continue
        bound = seconds_of(text) if dates else number_of(text, f"{name}_{suffix}")
        mask = mask & (values >= bound if suffix == "min" else values <= bound)
    return mask


def number_of(text: str, name: str) -> float:
    """A number parameter."""
    try:
        return float(text)
    except ValueError:
        raise gamma_problem(f"{name} must be a number") from None


def seconds_of(text: str) -> float:
    """RFC 3339 or a date, as unix seconds."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise gamma_problem(f"invalid date {text!r}") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def tag_ids(ask: Ask) -> set[int]:
    """The tags asked for by id or slug; an unknown slug is a tag nobody has."""
    slugs = {slug: number for number, _, slug in TAGS}
    wanted = set(wanted_ids(ask, "tag_id"))
    return wanted | {slugs.get(slug, -1) for slug in ask.csv("tag_slug")}


def ordering(ask: Ask, shelf: Shelf) -> tuple[str, bool]:
    """The field to order by and whether it ascends; id ascending without `order`."""
    text = ask.one("order")
    if text is None:
        return "id", True
    name = text.split(",")[0]
    if name not in shelf.columns:
        raise gamma_problem(f"order fields are not valid: {name}")
    return name, ask.flag("ascending") is not False


def ordered(
    shelf: Shelf, mask: Mask, name: str, ascending: bool
) -> npt.NDArray[np.int64]:
    """The indexes of the mask in order; ties by ascending id."""
    found = np.flatnonzero(mask)
    values = shelf.columns[name]()[found]
    return found[np.lexsort((shelf.id[found], values if ascending else -values))]


def keyset_page(
    world: World, ask: Ask, shelf: Shelf, mask: Mask, route: str
) -> tuple[list[int], str | None]:
    """The entries of one keyset page and the cursor of the next, None on the last.

    There is a cursor whenever the page is full, so a last page that is exactly full
    is followed by an empty one.
    """
    if ask.one("offset") is not None:
        raise gamma_problem("offset is not allowed on keyset endpoints")
    limit = limit_of(ask)
    name, ascending = ordering(ask, shelf)
    after = ask.one("after_cursor")
    values = shelf.columns[name]()
    if after is not None:
        try:
            anchor = world.signer.read(route, after)
        except BadCursor:
            raise gamma_problem("invalid after_cursor") from None
        past = values > anchor["k"] if ascending else values < anchor["k"]
        mask = mask & (past | ((values == anchor["k"]) & (shelf.id > anchor["i"])))
    rows = ordered(shelf, mask, name, ascending)[:limit].tolist()
    if len(rows) < limit:
        return rows, None
    last = rows[-1]
    anchor = {"k": float(values[last]), "i": int(shelf.id[last])}
    return rows, world.signer.sign(route, anchor)


def offset_page(
    world: World, ask: Ask, shelf: Shelf, mask: Mask, keyset: str
) -> list[int]:
    """The entries of one page of the old listings."""
    text = ask.one("offset") or "0"
    if not text.isdigit():
        raise gamma_problem("offset must be an integer")
    offset, limit = int(text), limit_of(ask)
    if offset > world.options.gamma_offset_cap:
        raise gamma_problem(f"offset too large, use {keyset} for deeper pagination")
    name, ascending = ordering(ask, shelf)
    found: list[int] = ordered(shelf, mask, name, ascending)[
        offset : offset + limit
    ].tolist()
    return found


def closed_mask(closed_at: npt.NDArray[np.int64], now: int, closed: bool) -> Mask:
    """The entries settled, or not, at `now`."""
    return (closed_at <= now) if closed else (closed_at > now)
