"""Whether the books that are followed are the books there are.

The stream has no numbers: what is lost on it cannot be seen in it. So books are asked
for and compared: all of a shard that has gone silent, each token that has not been
heard of for a while, and all of them once in a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fetcher.errors import FetchError, Stopped
from fetcher.http import Api
from fetcher.live.book_answers import Served, ask_books, snapshot_rows
from fetcher.live.failures import Failures
from fetcher.live.hot_books import HotBooks, Level
from fetcher.live.shard import SERVICE, Shard
from fetcher.live.store import Row

log = logging.getLogger(__name__)

ROUNDS = 3
ROUND_SECONDS = 2.0
BEHIND_SECONDS = 1.0  # that reading may be behind where books are to be compared
SHOWN = 3  # differences and tokens that a message names


@dataclass(frozen=True)
class Found:
    """What came of comparing: tokens with a wrong book, without one, without any."""

    asked_ns: int
    wrong: dict[str, str] = field(default_factory=dict)
    unheard: frozenset[str] = frozenset()
    bookless: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()  # held, but what was answered tells nothing
    served: dict[str, Served] = field(default_factory=dict)


class Watch:
    """Compares books, and mends what is wrong. Everything here runs in the loop."""

    def __init__(
        self,
        clob: Api,
        books: HotBooks,
        failures: Failures,
        add: Callable[[str, Iterable[Row]], None],
        now: Callable[[], int],
        *,
        run_id: str,
        behind: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._clob = clob
        self._books = books
        self._failures = failures
        self._add = add
        self._now = now
        self._run_id = run_id
        self._behind = behind
        self._answers = 0
        self._bookless: set[str] = set()
        self._error: str | None = None
        self.well_at: dict[str, int] = {}  # last moment each book was known to be right
        self.asked_at: dict[str, int] = {}  # last moment each was asked for
        self.compared = 0
        self.differed = 0

    async def compare(self, tokens: list[str]) -> Found | None:
        """Ask for books until those that differ have done so three times, 2 s apart.

        Null when the service could not be asked, or what was heard is not read yet:
        the books held are then those of a while ago.
        """
        suspect: dict[str, dict[Level, tuple[float, ...]]] = {}
        asked, answers = tokens, {}
        ghosts: set[str] = set()
        began = self._now()
        for number in range(ROUNDS):
            if number:
                await asyncio.sleep(ROUND_SECONDS)
            served = await self.ask(asked)
            if served is None:
                return None
            answers.update(served)
            still: dict[str, dict[Level, tuple[float, ...]]] = {}
            whole = {t for t, _, is_whole in self._books.heard_at(served) if is_whole}
            for token, one in served.items():
                if token not in whole:
                    continue  # there is nothing yet that could be right
                differences = self._books.differences(token, one.levels)
                if number:  # what was in flight then is not stuck where it was
                    before = suspect[token]
                    differences = {
                        level: sizes
                        for level, sizes in differences.items()
                        if before.get(level) == sizes
                    }
                if differences and one.is_ghost:
                    ghosts.add(token)
                elif differences:
                    still[token] = differences
            suspect = still
            if not suspect:
                break
            if self._behind() > BEHIND_SECONDS:
                return None
            asked = list(suspect)
        self.asked_at.update(dict.fromkeys(tokens, began))
        self.compared += len(answers)
        self.differed += len(suspect)
        heard = {t: is_whole for t, _, is_whole in self._books.heard_at(tokens)}
        unheard = {t for t in answers if not heard[t]}
        silence = {
            t for t in heard.keys() - answers.keys() if self._books.differences(t, {})
        }
        unknown = ghosts | {t for t in silence if heard[t]}
        for token in answers.keys() - suspect.keys() - unheard - unknown:
            self.well_at[token] = began
        return Found(
            began,
            {token: _in_words(levels) for token, levels in suspect.items()},
            frozenset(unheard),
            frozenset(set(tokens) - answers.keys()),
            frozenset(unknown),
            answers,
        )

    async def ask(self, tokens: Iterable[str]) -> dict[str, Served] | None:
        """Ask for books; null when that failed, which is recorded."""
        try:
            found = await asyncio.to_thread(ask_books, self._clob, list(tokens))
        except Stopped:
            return None
        except FetchError as error:
            if self._error is None:
                self._error = self._failures.begin("clob", "unanswered", str(error))
            return None
        if self._error is not None:
            self._failures.end(self._error, missed=0)
            self._error = None
        return found

    async def look_at(self, shard: Shard, tokens: list[str], *, reason: str) -> bool:
        """Compare some books of a shard, and mend them; whether all were right."""
        stretch = shard.stretch
        found = await self.compare(tokens)
        if found is None or stretch is None or shard.stretch is not stretch:
            return True  # nobody knows, or it has begun anew meanwhile
        wrong = {t: why for t, why in found.wrong.items() if t in shard.tokens}
        missing = {t for t in found.unheard if t in shard.tokens} - wrong.keys()
        self._note_bookless(found.bookless & shard.tokens.keys())
        for token, why in (*wrong.items(), *((t, None) for t in missing)):
            self.keep(found.served[token], reason=reason, difference=why)
        if wrong:
            token, why = next(iter(wrong.items()))
            self._failures.once(
                SERVICE,
                "differs",
                f"{shard.name}: {len(wrong)} of {len(tokens)} books are not what the "
                f"service has; {token}: {why}. They are asked for again",
                missed=len(wrong),
            )
        if missing:
            self._failures.once(
                SERVICE,
                "no_snapshot",
                f"{shard.name}: {len(missing)} of {len(tokens)} books never came. They "
                f"are asked for again: {', '.join(sorted(missing)[:SHOWN])}",
                missed=len(missing),
            )
        again = {
            token: max(self.well_at.get(token, 0), stretch.began_ns)
            for token in (*wrong, *missing)
        }
        await shard.subscribe_again(again, reason="differs" if wrong else "stale")
        return not again

    def forget(self, tokens: Iterable[str]) -> None:
        """Nobody listens to these any more."""
        for token in tokens:
            self.well_at.pop(token, None)
            self.asked_at.pop(token, None)
            self._bookless.discard(token)

    def keep(self, one: Served, *, reason: str, difference: str | None = None) -> None:
        """Store a book that was asked for."""
        rows = snapshot_rows(
            one,
            reason=reason,
            walk_id=self._run_id,
            page_no=self._answers,
            difference=difference,
        )
        self._answers += 1
        self._add("book_snapshots", rows)

    def _note_bookless(self, tokens: Iterable[str]) -> None:
        new = set(tokens) - self._bookless
        if new:
            self._bookless |= new
            self._failures.once(
                SERVICE,
                "no_book",
                f"{len(new)} of the tokens have no book: "
                f"{', '.join(sorted(new)[:SHOWN])}",
                missed=0,
            )


def _in_words(levels: dict[Level, tuple[float, ...]]) -> str:
    """The first differences as a sentence."""
    shown = [
        f"{side} {price:g}: {held:g} held, {there:g} there"
        for (side, price), (held, there) in sorted(levels.items())[:SHOWN]
    ]
    more = len(levels) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
