"""The WebSocket paths of a server, and who serves them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.live.hub import Hub
from sandbox.live.market_channel import market_channel

Socket = Callable[[Hub, web.Request], Awaitable[web.StreamResponse]]
SOCKETS: dict[str, Socket] = {"/ws/market": market_channel}
