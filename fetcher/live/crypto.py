"""The recorder of crypto prices: every feed on a connection of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from fetcher.live.clock import SECOND_NS, Reception
from fetcher.live.coinbase import Coinbase
from fetcher.live.failures import Failures
from fetcher.live.feeds import Feed, FeedRefused, Tick
from fetcher.live.polybolt import VARIABLES, Credentials, PolyBolt
from fetcher.live.rtds import TOPICS, Rtds
from fetcher.live.session import Session, Wire
from fetcher.live.store import Row
from fetcher.live.stretch import Stretch
from settings.model import Apis

log = logging.getLogger(__name__)


def feeds_of(
    assets: Iterable[str], apis: Apis, environment: Mapping[str, str]
) -> list[tuple[Feed, str]]:
    """The feeds of some assets (btc, eth), each with its URL.

    FeedRefused where the environment has a part of PolyBolt's credentials.
    """
    names = [one for one in dict.fromkeys(name.strip() for name in assets) if one]
    if not names:
        return []
    credentials = Credentials.of(environment)
    if credentials is None and any(environment.get(name) for name in VARIABLES):
        raise FeedRefused(
            f"PolyBolt needs all of {', '.join(VARIABLES)}; it is left out"
        )
    feeds: list[tuple[Feed, str]] = [
        (Coinbase([f"{name.upper()}-USD" for name in names]), apis.coinbase.url),
        *((Rtds(topic, names), apis.rtds.url) for topic in TOPICS),
    ]
    if credentials is not None:
        feeds.append((PolyBolt(names, credentials), apis.polybolt.url))
    return feeds


class FeedLine:
    """One feed on its connection; everything here runs in the loop."""

    def __init__(
        self,
        feed: Feed,
        wire: Wire,
        clock: Reception,
        failures: Failures,
        add: Callable[[str, Iterable[Row]], None],
        show: Callable[[Tick, int], None],
    ) -> None:
        self.session = Session(wire, self, clock)
        self.feed = feed
        self.ticks = 0
        self._wire = wire
        self._clock = clock
        self._failures = failures
        self._add = add
        self._show = show
        self._stretch: Stretch | None = None
        self._error: str | None = None
        self._rate = 0.0
        self._priced_ns = 0
        self._is_malformed = False

    def opening(self) -> Sequence[str]:
        return self.feed.opening()

    def opened(self) -> None:
        self._stretch = Stretch.new(self._clock.now())
        self._priced_ns = self._clock.now()

    def heard(self, payload: bytes, received_ns: int) -> None:
        stretch = self._stretch
        if stretch is None:
            return
        stretch.answered_at_ns = received_ns
        service = self._wire.service
        try:
            said = self.feed.read(payload)
        except FeedRefused as error:
            self.session.end("refused", str(error))
            return
        except (
            LookupError,
            ValueError,
            TypeError,
            ArithmeticError,
            AttributeError,
        ) as error:
            if not self._is_malformed:  # one a connection: it may say so each second
                self._is_malformed = True
                text = payload[:200].decode(errors="replace")
                self._failures.once(service, "malformed", f"{error}: {text}", missed=1)
            return
        for text in said.answer:
            asyncio.ensure_future(self.session.send(text))  # noqa: RUF006 - sent at once
        if said.missed:
            self._failures.once(
                service,
                "skipped",
                f"{said.missed} messages never came",
                missed=said.missed,
            )
        if said.ticks:
            self._keep(stretch, said.ticks, received_ns)

    def lost(self, reason: str, details: str) -> None:
        stretch, self._stretch = self._stretch, None
        self._is_malformed = False
        since = self._clock.now()
        if stretch is not None:
            since = self._priced_ns if reason == "silent" else stretch.answered_at_ns
            self._rate = stretch.rate() or self._rate
        if self._error is None:
            self._error = self._failures.begin(
                self._wire.service, reason, details, since_ns=since
            )

    def tick(self) -> None:
        silent = (self._clock.now() - self._priced_ns) / SECOND_NS
        if self._stretch is not None and silent > self.feed.silent_seconds:
            self.session.end("silent", f"no price came for {silent:.0f} s")

    def _keep(self, stretch: Stretch, ticks: Sequence[Tick], at_ns: int) -> None:
        if self._error is not None:
            self._failures.end(self._error, rate=self._rate)
            self._error = None
        self._priced_ns = at_ns
        frame = stretch.heard(at_ns)
        self.ticks += len(ticks)
        for tick in ticks:
            self._show(tick, at_ns)
        self._add(
            "crypto_prices",
            [
                (
                    at_ns,
                    tick.exchange_at_us,
                    tick.source,
                    tick.symbol,
                    tick.price,
                    tick.price_text,
                    *(tick.size, None, None, None),
                    tick.side,
                    tick.trade_id,
                    tick.sequence,
                    tick.window_seconds,
                    tick.message_type,
                    at_ns // 1_000,
                    stretch.walk_id,
                    frame,
                    place,
                    tick.extra,
                )
                for place, tick in enumerate(ticks)
            ],
        )
