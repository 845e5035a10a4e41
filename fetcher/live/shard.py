"""Tokens that are listened to together: by one connection, or by two that are merged.

What a shard hears without a break is a stretch. A stretch ends when the last of its
connections is lost, and the next one begins with snapshots of all books.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fetcher.live.clock import SECOND_NS, Reception
from fetcher.live.failures import Failures
from fetcher.live.hot_books import HotBooks
from fetcher.live.inbox import Inbox
from fetcher.live.reading import Frame, Item, Note
from fetcher.live.session import Session, Wire
from fetcher.live.store import Row
from fetcher.live.stretch import Stretch

log = logging.getLogger(__name__)

PONG = b"PONG"
DUMP_NS = 5 * SECOND_NS  # after opening, in which snapshots come to one line alone
DEAF_NS = 10 * SECOND_NS  # that one line brings nothing while the other does
FROZEN_NS = 1 * SECOND_NS  # that a line may be silent while another speaks
BEHIND_NS = 2 * SECOND_NS  # that a line may be behind one that is lost
SERVICE = "books"


@dataclass(frozen=True)
class Ears:
    """What all shards of a capture share."""

    wire: Wire
    clock: Reception
    inbox: Inbox[Item]
    books: HotBooks
    failures: Failures
    overflowed: Callable[[], None]


class Shard:
    """Some tokens and their markets; everything here runs in the loop."""

    def __init__(self, number: int, ears: Ears, *, connections: int) -> None:
        self.name = f"books-{number}"
        self.tokens: dict[str, str] = {}
        self.stretch: Stretch | None = None
        # Since when one of several lines is lost and none of the others has spoken.
        self.doubt_ns: int | None = None
        self._bridges: list[Line] = []
        self._ears = ears
        self._lines = [Line(self, place, ears) for place in range(connections)]

    @property
    def sessions(self) -> list[Session]:
        """Its connections."""
        return [line.session for line in self._lines]

    @property
    def is_open(self) -> bool:
        """Whether any connection stands."""
        return any(line.is_up for line in self._lines)

    @property
    def failures(self) -> int:
        """How often in a row the best of its connections has failed."""
        return min(session.failures for session in self.sessions)

    async def subscribe(self, tokens: Mapping[str, str]) -> None:
        """Listen to more tokens."""
        new = {t: market for t, market in tokens.items() if t not in self.tokens}
        self.tokens.update(new)
        if new and self.stretch is not None:
            self._say("subscribed", new)
            await self._send("subscribe", new)

    async def unsubscribe(self, tokens: Iterable[str]) -> None:
        """Listen to these no more."""
        gone = {t: self.tokens.pop(t) for t in list(tokens) if t in self.tokens}
        if gone and self.stretch is not None:
            self._say("unsubscribed", gone)
            await self._send("unsubscribe", gone)
        self._ears.books.forget(gone)

    async def subscribe_again(self, well_at: Mapping[str, int], *, reason: str) -> None:
        """Ask for new snapshots of tokens whose books are wrong or missing.

        `well_at` has for each the last moment (unix ns) when its book was right.
        """
        again = {t: self.tokens[t] for t in well_at if t in self.tokens}
        if not again or self.stretch is None:
            return
        self._ears.books.spoil(again)
        for token, market in again.items():
            at = well_at[token]
            self._say("broken", {token: market}, reason=reason, at_ns=at)
        await self._send("unsubscribe", again)
        self._say("subscribed", again)
        await self._send("subscribe", again)

    def alive(self) -> None:
        """Say up to when all is known to be well."""
        if self.stretch is not None:
            self._say_of_all("alive", self._well_ns(self.stretch))

    def _well_ns(self, stretch: Stretch) -> int:
        """Up to when all is known to be well; a lost line may have left a gap."""
        well = stretch.well_at_ns
        return well if self.doubt_ns is None else min(well, self.doubt_ns)

    def close_all(self, reason: str, details: str) -> None:
        """Close its connections, which are then opened again."""
        for session in self.sessions:
            session.end(reason, details)

    def check_lines(self) -> None:
        """Close a connection that brings nothing while another does.

        Nothing is lost by that where the other has listened since before: else what
        came between is unknown, and the stretch breaks where the deaf one fell silent.
        """
        up = [line for line in self._lines if line.is_up]
        for line in up:
            others = [other for other in up if other is not line]
            told = max((other.told_ns for other in others), default=0)
            if told - line.heard_ns <= DEAF_NS:
                continue
            why = f"nothing came for {(told - line.heard_ns) / SECOND_NS:.0f} s"
            if any(other.opened_ns <= line.heard_ns for other in others):
                line.session.end("silent", f"{why} while the other connection goes on")
            else:
                self.break_off("silent", at_ns=line.heard_ns)
                self.close_all("silent", f"{why}, and the other had been away")
            return

    def check_others(self, gone: Line) -> None:
        """One connection is lost: did another bring all that it brought?"""
        up = [line for line in self._lines if line.is_up]
        if not up:
            return
        if all(gone.told_ns - line.heard_ns > BEHIND_NS for line in up):
            self.break_off("silent")
            self.close_all("silent", "it had brought nothing when the other was lost")
        elif all(line.opened_ns > gone.heard_ns for line in up):
            # The one that is lost may have been deaf before the other was there.
            self.break_off("silent", at_ns=gone.heard_ns)
            self.close_all("silent", "the other may have been deaf before it came")
        elif self.doubt_ns is None and self.stretch is not None:
            self.doubt_ns, self._bridges = self.stretch.well_at_ns, up
            # Whoever is killed in doubt has nobody else who tells of it.
            self._say_of_all("doubted", self.doubt_ns)
        elif not any(line in up for line in self._bridges):
            self.break_off("silent")
            self.close_all("silent", "nobody is known to have listened in between")

    def bridged(self, line: Line, *, silent_ns: int) -> None:
        """A line brought data: if it was there before, nothing was lost.

        Unless it had been silent since `silent_ns` while another had much to say: then
        it was frozen, and has thawed.
        """
        if line not in self._bridges:
            return
        others = (other.spoke_ns for other in self._lines if other is not line)
        if max(others, default=0) - silent_ns > FROZEN_NS:
            self.break_off("silent")
            self.close_all("silent", "the other was deaf while one was away")
            return
        self.doubt_ns, self._bridges = None, []
        self._say_of_all("bridged", line.heard_ns)

    def begin(self) -> Stretch:
        """Begin a stretch: all its tokens have just been asked for."""
        self.stretch = Stretch.new(self._ears.clock.now())
        self._say("subscribed", self.tokens)
        return self.stretch

    def break_off(
        self, reason: str, *, state: str = "broken", at_ns: int | None = None
    ) -> None:
        """End the stretch: nothing is known of what comes after its last moment."""
        if self.stretch is None:
            return
        at = self._well_ns(self.stretch)
        at = at if at_ns is None else min(at, at_ns)
        self.doubt_ns, self._bridges = None, []
        self._say_of_all(state, at, reason=reason)
        self.stretch = None
        self._ears.books.spoil(self.tokens)

    async def _send(self, operation: str, tokens: Iterable[str]) -> None:
        text = asked(tokens, operation=operation)
        for session in self.sessions:
            await session.send(text)

    def _say_of_all(self, state: str, at_ns: int, *, reason: str | None = None) -> None:
        self._tell([(at_ns, state, None, None, reason)])

    def _say(
        self,
        state: str,
        tokens: Mapping[str, str],
        *,
        reason: str | None = None,
        at_ns: int | None = None,
    ) -> None:
        now = self._ears.clock.now() if at_ns is None else at_ns
        self._tell([(now, state, t, m or None, reason) for t, m in tokens.items()])

    def _tell(self, rows: Sequence[Row]) -> None:
        stretch = self.stretch
        assert stretch is not None
        fetched = self._ears.clock.now() // 1_000
        self._ears.inbox.note(
            Note(
                "book_coverage",
                [
                    (*row, stretch.frames, fetched, stretch.walk_id, 0, i, None)
                    for i, row in enumerate(rows)
                ],
            )
        )


def asked(tokens: Iterable[str], **what: str) -> str:
    """The frame that asks for tokens, snapshots and every kind of event included."""
    frame = {
        "assets_ids": list(tokens),
        **what,
        "initial_dump": True,
        "level": 2,
        "custom_feature_enabled": True,
    }
    return json.dumps(frame)


class Line:
    """One connection of a shard."""

    def __init__(self, shard: Shard, place: int, ears: Ears) -> None:
        self.session = Session(ears.wire, self, ears.clock)
        self.is_up = False
        self._shard = shard
        self._connection = place
        self._ears = ears
        self._error: str | None = None
        self._rate = 0.0
        self.opened_ns = 0
        self.heard_ns = 0  # the last data, or when it was opened
        self.spoke_ns = 0  # the last data but for whole books
        self.told_ns = 0  # the last data that every connection must have brought

    @property
    def _is_double(self) -> bool:
        return len(self._shard.sessions) > 1

    def opening(self) -> Sequence[str]:
        return [asked(self._shard.tokens, type="market")]

    def opened(self) -> None:
        self.is_up = True
        self._connection += len(self._shard.sessions)  # another one, for the reader
        self.heard_ns = self.opened_ns = self._ears.clock.now()
        self.told_ns = 0
        # Of what is let go nothing can be said: the next stretch begins with room.
        if self._shard.stretch is None and not self._ears.inbox.is_full:
            self._shard.begin()

    def heard(self, payload: bytes, received_ns: int) -> None:
        if self._error is not None:
            self._ears.failures.end(self._error, rate=self._rate)
            self._error = None
        stretch = self._shard.stretch
        inbox = self._ears.inbox
        if payload == PONG or not payload:
            if stretch is not None:
                stretch.answered_at_ns = received_ns
            return
        if stretch is None:  # frames were dropped: it is about to be opened again
            if inbox.is_full:
                inbox.let_go(len(payload), at_ns=received_ns)
            return
        frame = Frame(
            stretch,
            stretch.frames,
            received_ns,
            payload,
            self._connection,
            self._is_double,
        )
        if not inbox.put(frame, len(payload), at_ns=received_ns):
            self._ears.overflowed()  # well is what was before this frame
            return
        stretch.heard(received_ns)
        silent_ns, self.heard_ns = self.heard_ns, received_ns
        if not payload.startswith(b"["):  # books that only who has just come is told
            self.spoke_ns = received_ns
        if self._shard.doubt_ns is not None:
            self._shard.bridged(self, silent_ns=silent_ns)
        if received_ns - self.opened_ns > DUMP_NS:
            self.told_ns = received_ns

    def lost(self, reason: str, details: str) -> None:
        was_up, self.is_up = self.is_up, False
        shard = self._shard
        stretch = shard.stretch
        if was_up:
            shard.check_others(self)
        others = shard.is_open and shard.stretch is not None
        since = self._ears.clock.now()
        if stretch is not None:
            if was_up:  # what is frozen answers, and brings nothing
                is_deaf = reason == "silent" and not others
                since = stretch.well_at_ns if is_deaf else stretch.answered_at_ns
            self._rate = 0.0 if others else stretch.rate()
        if self._error is None:
            missed = 0 if others else None
            self._error = self._ears.failures.begin(
                SERVICE,
                reason,
                f"{shard.name}: {details}",
                since_ns=since,
                missed=missed,
            )
        else:
            log.info("%s: still %s: %s", shard.name, reason, details)
        if not others:
            shard.break_off(reason)

    def tick(self) -> None:
        """All else is seen to by the recorder, which looks at all shards together."""
        if self._is_double:
            self._shard.check_lines()
