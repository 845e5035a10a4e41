"""Looking up which order books to capture, and trying again while nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from fetcher.errors import FetchError, Stopped
from fetcher.live import choosing
from fetcher.live.choosing import Tokens
from fetcher.live.failures import Failures
from fetcher.run import Run
from settings.errors import UsageError

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
        if not tokens and not self._can_be_none:
            if self._unknown:
                raise UsageError(next(iter(self._unknown.values())))
            raise UsageError(
                "None of these markets has an order book now: they are closed, or not "
                "open yet."
            )
        self.markets = {market for market in tokens.values() if market}
        await self._listen(tokens)
        return True

    def _is_unknown(self, name: str, why: str) -> None:
        if name not in self._unknown:
            self._unknown[name] = why
            self._failures.once("books", "unknown_market", why, missed=0)
