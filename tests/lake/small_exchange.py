"""A pretended service of fills, and walks over it that are stopped and resumed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from small_lake import page

MARKETS = ("m", "n")


@dataclass
class Exchange:
    """Rows in the order they are served: newest second first.

    Rows are never twice in it: equal fills have different numbers. A fill that was
    withdrawn comes back under its own number, so the number of fills of an identity
    is the most that was served at once.
    """

    rows: list[tuple] = field(default_factory=list)  # (-second, number, identity)
    withdrawn: list[tuple] = field(default_factory=list)

    def trade(self, market: str, second: int, name: str, place: int) -> None:
        """Serve one more fill; `place` puts it among those of its second."""
        identity = (name, market, second, 1)
        back = [row for row in self.withdrawn if row[2] == identity]
        if back:
            self.withdrawn.remove(back[0])
            self.rows.append(back[0])
        else:
            number = (place, len(self.rows) + len(self.withdrawn))
            self.rows.append((-second, number, identity))
        self.rows.sort()

    def withdraw(self, index: int) -> None:
        if self.rows:
            self.withdrawn.append(self.rows.pop(index % len(self.rows)))

    def after(self, position: tuple | None, scope: tuple[str, ...]) -> list[tuple]:
        """The rows behind a cursor's position, of the markets asked for."""
        return [
            row
            for row in self.rows
            if (position is None or row[:2] > position)
            and (scope == ("*",) or row[2][1] in scope)
        ]

    def most_served(self) -> Counter:
        return Counter(row[2] for row in (*self.rows, *self.withdrawn))


@dataclass
class Walk:
    """A walk as its fetcher knows it: what each page brought, and where it stands."""

    walk_id: str
    scope: tuple[str, ...]
    pages: list[list[tuple]] = field(default_factory=list)
    ended: bool = False
    complete: bool = False

    @property
    def lower_bound(self) -> bool:
        return self.walk_id.startswith("u")

    def seen(self) -> Counter:
        return Counter(row[2] for rows in self.pages for row in rows)

    def next_page(self, exchange: Exchange, size: int, *, refused: bool):
        """Take a page and return its batch; a refused cursor ends the walk."""
        seen = [row for rows in self.pages for row in rows]
        left = exchange.after(seen[-1][:2] if seen else None, self.scope)
        rows = [] if refused else left[:size]
        self.ended = refused or len(left) <= size
        self.complete = self.ended and not refused
        self.pages.append(rows)
        number = len(self.pages) - 1
        batch = page(
            self.walk_id,
            number,
            [row[2] for row in rows],
            scope=() if self.lower_bound else self.scope,
            ended=self.ended,
            complete_to=None if refused else 0,
        )
        if not rows and seen:  # the second reached stays the same
            batch = _reached(batch, seen[-1][2][2])
        if self.ended:
            change = replace(batch.cursor, values={self.walk_id: "over"})
            batch = replace(batch, cursor=change)
        return batch

    def resume(self, states: dict, values: dict) -> None:
        """Go back to what the cursor file says; a walk it lacks never was."""
        if self.walk_id in states:
            self.pages = self.pages[: states[self.walk_id]["page_no"]]
            self.ended = self.complete = False
        elif self.walk_id not in values:
            self.pages, self.ended, self.complete = [], True, False


def _reached(batch, second: int):
    (record,) = batch.progress
    return replace(batch, progress=(replace(record, reached=second),))
