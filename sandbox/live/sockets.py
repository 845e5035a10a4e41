"""The WebSocket paths of a server, and who serves them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.live.coinbase import Coinbase
from sandbox.live.hub import Hub
from sandbox.live.market_channel import market_channel
from sandbox.live.polybolt import PolyBolt
from sandbox.live.rtds import Rtds

Socket = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sockets(hub: Hub) -> dict[str, Socket]:
    """Paths and who runs a connection to them."""

    async def market(request: web.Request) -> web.StreamResponse:
        return await market_channel(hub, request)

    return {
        "/ws/market": market,
        "/rtds": Rtds(hub).serve,
        "/coinbase": Coinbase(hub).serve,
        "/polybolt": PolyBolt(hub).serve,
    }
