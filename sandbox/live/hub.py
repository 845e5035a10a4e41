"""All WebSocket connections of a server, and the pump that tells them what happens."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.live.chance import roll
from sandbox.live.connection import Connection
from sandbox.live.ledger import Ledger
from sandbox.live.load import Load
from sandbox.live.messages import (
    Message,
    Style,
    bare,
    best_messages,
    book_message,
    new_market,
    resolved,
    told,
)
from sandbox.live.script import Happening
from sandbox.live.wording import PRICES
from sandbox.market import Market

if TYPE_CHECKING:
    from sandbox.world import World

PINGS = {"polybolt": 25.0}  # seconds between the pings of a server that does
AT_ONCE = 2_000  # happenings told between two looks at the sockets
BEAT = 0.02  # real seconds between two looks at the clock
Refusal = tuple[float, int, float | None]  # until (monotonic), status, Retry-After


class Hub:
    """Who listens to what, and how far everybody has been told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.style = Style()
        self.ledger = Ledger()
        self.connections: list[Connection] = []
        self.refusals: dict[str, Refusal] = {}
        self.patience = 5.0  # real seconds that Coinbase waits for a subscription
        self.opened = self.refused = 0
        self.feeds: list[Callable[[int, int], None]] = []  # other channels' news
        self.watchers: dict[int, list[Connection]] = {}  # by market
        self._next: list[tuple[int, int]] = []  # (millisecond, market)
        self._queued: set[int] = set()
        self.told_until = world.now_ms
        self._numbers = 0
        self._best: dict[int, tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None
        rate = world.options.live_load
        self.load = Load(self, rate) if rate else None
        world.books.load = self.load

    # -- connections ---------------------------------------------------------------

    def refusal(self, channel: str) -> web.Response | None:
        """The answer to an upgrade that is refused for now."""
        for name in (channel, "all"):
            until, status, after = self.refusals.get(name, (0.0, 0, None))
            if time.monotonic() < until:
                self.refused += 1
                headers = {} if after is None else {"Retry-After": f"{after:g}"}
                return web.Response(status=status, headers=headers, text="refused")
        return None

    async def serve(
        self,
        request: web.Request,
        channel: str,
        listen: Callable[[Connection], Awaitable[None]],
    ) -> web.StreamResponse:
        """Run one connection; `listen` is an async function that hears the client."""
        refused = self.refusal(channel)
        if refused is not None:
            return refused
        beat = PINGS.get(channel)
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=4 << 20, heartbeat=beat
        )
        try:
            await socket.prepare(request)
        except ConnectionResetError:  # gone before it was answered
            return web.Response(status=400)
        transport = request.transport
        if transport is None:  # gone already
            return socket
        self.opened += 1
        connection = Connection(self.opened, channel, socket, transport, self.ledger)
        self.connections.append(connection)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())
            self._task.add_done_callback(complain)
        writer = asyncio.ensure_future(connection.write())
        try:
            await listen(connection)
        finally:
            if not connection.gone:  # the client left by itself: it misses nothing
                self.forget(connection)
            writer.cancel()
        return socket

    def forget(self, connection: Connection) -> None:
        """Nothing is noted for this connection any more."""
        connection.gone = True
        if connection in self.connections:
            self.connections.remove(connection)
        for watchers in self.watchers.values():
            if connection in watchers:
                watchers.remove(connection)

    def chosen(self, channel: str | None, number: int | None) -> list[Connection]:
        """Connections that stand: all, those of a channel, or one."""
        return [
            one
            for one in self.connections
            if not one.gone
            and channel in (None, "all", one.channel)
            and number in (None, one.number)
        ]

    def numbered(self, message: Message) -> Message:
        """The message with a number of its own."""
        message.number = self.number()
        return message

    def number(self) -> int:
        """The number of the next message."""
        self._numbers += 1
        return self._numbers

    # -- the market channel --------------------------------------------------------

    def watch(self, connection: Connection, tokens: Iterable[str]) -> None:
        """The connection hears of these tokens from now on."""
        self.pump(AT_ONCE)
        for token in tokens:
            connection.keys.add(token)
            found = self.world.catalogue.by_token.get(token)
            if found is None:
                continue
            index = found[0].index
            watchers = self.watchers.setdefault(index, [])
            if connection not in watchers:
                watchers.append(connection)
            if self.load is not None:
                if self._alive(found[0]):
                    self.load.join(found[0])
            elif index not in self._queued and self._alive_later(found[0]):
                self._queued.add(index)
                at = self.world.books.next_at(found[0], self.told_until)
                heapq.heappush(self._next, (at, index))
        self.relieve(connection)

    def unwatch(self, connection: Connection, tokens: Iterable[str]) -> None:
        """The connection hears no more of these tokens."""
        self.pump(AT_ONCE)
        connection.keys.difference_update(tokens)
        for token in tokens:
            found = self.world.catalogue.by_token.get(token)
            if found and not connection.keys & set(found[0].tokens):
                watchers = self.watchers.get(found[0].index, [])
                if connection in watchers:
                    watchers.remove(connection)

    def relieve(self, newcomer: Connection) -> None:
        """What somebody else listens to again is not missed by a cut connection."""
        for one in [c for c in self.connections if c.gone]:
            if one.channel == newcomer.channel:
                self.pump(AT_ONCE)
                one.keys -= newcomer.keys
                if not one.keys:
                    self.forget(one)

    def snapshot(self, connection: Connection, tokens: list[str]) -> None:
        """An array of the books of tokens as everybody has been told them."""
        found = []
        for token in tokens:
            pair = self.world.catalogue.by_token.get(token)
            if pair is None or not self._alive(pair[0]):
                continue
            moment = self.world.books.moment(pair[0], self.told_until)
            prices = PRICES
            if self.load is None:
                prices = bare(pair[0], moment.epoch, moment.place)
            made = book_message(self.world, pair[0], pair[1], moment, prices)
            found.append(self.numbered(made))
        if found:
            text = f"[{','.join(message.text for message in found)}]"
            connection.send(text, tuple(found))

    def _alive_later(self, market: Market) -> bool:
        return self.told_until < self.world.books.life(market)[1]

    def _alive(self, market: Market) -> bool:
        begin, end = self.world.books.life(market)
        return market.kind not in ("amm", "combo") and begin <= self.told_until < end

    # -- the pump ------------------------------------------------------------------

    async def _run(self) -> None:
        while self.connections:
            self.pump(AT_ONCE)
            behind = self._next and self._next[0][0] <= self.world.now_ms - 1_000
            await asyncio.sleep(0 if behind else BEAT)

    async def stop(self) -> None:
        """End the pump and all connections."""
        if self._task is not None:
            self._task.cancel()
        for connection in list(self.connections):
            connection.close(1001)
        self.ledger.close()

    def pump(self, most: int | None = None) -> None:
        """Tell everybody what has happened since the last time; no further than `most`
        happenings and what shares the millisecond with the last of them."""
        before, now = self.told_until, self.world.now_ms
        if now <= before:
            return
        told = at = 0
        while self._next and self._next[0][0] <= now:
            if most is not None and told >= most and self._next[0][0] > at:
                now = at
                break
            at, index = heapq.heappop(self._next)
            told += 1
            if not self.watchers.get(index):
                self._queued.discard(index)
                continue
            market = self.world.catalogue.markets[index]
            for happening in self.world.books.happenings(market, at - 1, at):
                self._tell(market, happening)
            if at >= self.world.books.life(market)[1]:
                self._settled(market)
            else:
                heapq.heappush(
                    self._next, (self.world.books.next_at(market, at), index)
                )
        self.told_until = now
        if self.load is not None:
            self.load.pump(now)
        self._newly_listed(before, now)
        for feed in self.feeds:
            feed(before, now)

    def _tell(self, market: Market, happening: Happening) -> None:
        watchers = self.watchers[market.index]
        for message in told(self.world, market, happening, self.style):
            self._deliver(watchers, self.numbered(message), market, happening.at)
        if happening.kind == "change" and any(one.custom for one in watchers):
            last = happening.changes[-1]
            best = (last.best_bid, last.best_ask)
            if self._best.get(market.index) != best:
                self._best[market.index] = best
                for message in best_messages(market, happening.named, *best):
                    self._deliver(watchers, self.numbered(message), market, 1)

    def _deliver(
        self, watchers: list[Connection], message: Message, market: Market, at: int
    ) -> None:
        text = message.text
        if roll(market.salt, 41, at) < self.style.arrays:
            text = f"[{text}]"
        above = self.style.most_tokens
        for one in watchers:
            if message.custom and not one.custom:
                continue
            if not one.keys.isdisjoint(message.tokens) and (
                self.style.deltas_above or len(one.keys) <= above
            ):
                one.send(text, (message,))

    def _settled(self, market: Market) -> None:
        self._queued.discard(market.index)
        if roll(market.salt, 42) < self.style.resolved:
            made = self.numbered(resolved(self.world, market))
            self._deliver(self.watchers[market.index], made, market, 0)

    def _newly_listed(self, before: int, now: int) -> None:
        curious = [one for one in self.connections if one.custom]
        if not curious or before // 1_000 == now // 1_000:
            return
        created = self.world.created
        fresh = (created > before // 1_000) & (created <= now // 1_000)
        for index in fresh.nonzero()[0].tolist():
            market = self.world.listed[index]
            if market.kind != "amm":
                made = self.numbered(new_market(self.world, market))
                for one in curious:
                    one.send(made.text, (made,))


def complain(task: asyncio.Task[None]) -> None:
    """A pump that ended in an error must not look like a quiet market."""
    if not task.cancelled() and task.exception() is not None:
        task.get_loop().call_exception_handler(
            {
                "message": "the pump of the live side broke",
                "exception": task.exception(),
            }
        )
