"""Looking up which order books to capture, and trying again while nobody answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from fetcher.errors import FetchError, Stopped
from fetcher.live import choosing
from fetcher.live.book_answers import ask_books
from fetcher.live.choosing import Tokens
from fetcher.live.failures import Failures
from fetcher.run import Run
from settings.errors import UsageError

log = logging.getLogger(__name__)

AGAIN_SECONDS = 15.0


class Chosen:
    """The books that were named, and the largest; `listen` is told of them.

    `can_be_none`: there may be others, so that nothing found is no wrong usage.
    """

    def __init__(
        self,
        run: Run,
        failures: Failures,
        listen: Callable[[Mapping[str, str]], Awaitable[None]],
        *,
        markets: tuple[str, ...],
        tokens: tuple[str, ...],
        top: int | None,
        can_be_none: bool,
    ) -> None:
        self._run = run
        self._failures = failures
        self._listen = listen
        self._names = markets
        self._tokens = tokens
        self._top = top
        self._can_be_none = can_be_none
        self._unknown: dict[str, str] = {}
        self._error: str | None = None
        self._are_tokens_checked = False
        self.markets: set[str] = set()

    async def keep_trying(self) -> None:
        """Look up again and again until somebody answers; the others are at work."""
        while not await self.look_up():
            await asyncio.sleep(AGAIN_SECONDS)
        await asyncio.Event().wait()  # supervised work does not end

    async def look_up(self) -> bool:
        """Look up what is to be listened to; what there is none of is recorded.

        False where the service could not be asked; UsageError where there is nothing.
        """
        tokens: Tokens = dict.fromkeys(self._tokens, "")
        run = self._run
        named = partial(choosing.tokens_named, run, self._names, self._is_unknown)
        try:
            tokens |= await asyncio.to_thread(named)
            if self._top:
                tokens |= await asyncio.to_thread(choosing.largest, run, self._top)
        except Stopped:
            return True
        except FetchError as error:
            if self._error is None:
                self._error = self._failures.begin("gamma", "unanswered", str(error))
            await self._listen(tokens)
            return False
        if self._error is not None:
            self._failures.end(self._error, missed=0)
            self._error = None
        self.markets = {market for market in tokens.values() if market}
        await self._listen(tokens)
        await self._check_tokens()
        found = len(tokens.keys() - self._unknown.keys())
        if not found and not self._can_be_none:
            if self._unknown:
                raise UsageError(next(iter(self._unknown.values())))
            raise UsageError(
                "None of these markets has an order book now: they are closed, or not "
                "open yet."
            )
        if found:
            what = "tokens" if found > 1 else "token"
            markets = f" of {len(self.markets):,} markets" if self.markets else ""
            log.info("listening to %s %s%s", f"{found:,}", what, markets)
        return True

    async def _check_tokens(self) -> None:
        """Note which of the tokens that were named have no book."""
        if not self._tokens or self._are_tokens_checked:
            return
        try:
            books = await asyncio.to_thread(ask_books, self._run.clob, self._tokens)
        except Stopped:
            return
        except FetchError as error:  # whoever listens to them will see it, later
            log.info("nobody says which of the tokens have a book: %s", error)
            return
        self._are_tokens_checked = True
        for token in self._tokens:
            if token not in books:
                self._is_unknown(
                    token,
                    f"--token {token}: the exchange has no order book of it. It is "
                    "mistyped, or its market is closed or not open yet.",
                    what="unknown_token",
                )

    def _is_unknown(self, name: str, why: str, *, what: str = "unknown_market") -> None:
        if name not in self._unknown:
            self._unknown[name] = why
            self._failures.once("books", what, why, missed=0)
