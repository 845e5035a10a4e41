"""The CLOB's market channel: order books, message by message."""

from __future__ import annotations

import json

from aiohttp import WSMsgType, web

from sandbox.live.chance import roll
from sandbox.live.connection import Connection
from sandbox.live.hub import Hub
from sandbox.web import Json

REFUSED = b"INVALID OPERATION"


async def market_channel(hub: Hub, request: web.Request) -> web.StreamResponse:
    """One connection from its upgrade to its end."""

    async def listen(connection: Connection) -> None:
        async for frame in connection.socket:
            if frame.type is WSMsgType.TEXT:
                heard(hub, connection, frame.data)
            elif frame.type is WSMsgType.BINARY:
                connection.raw(REFUSED)

    return await hub.serve(request, "market", listen)


def heard(hub: Hub, connection: Connection, text: str) -> None:
    """What the client said: a heartbeat, a subscription, or something else."""
    if text == "PING":
        connection.raw(b"PONG")
        return
    try:
        body: Json = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        connection.raw(REFUSED)
        return
    tokens = body.get("assets_ids")
    if not isinstance(tokens, list):
        return  # a misspelt key is ignored, as everything unknown is
    tokens = list(dict.fromkeys(str(token) for token in tokens))
    if body.get("custom_feature_enabled") is not None:
        connection.custom = bool(body["custom_feature_enabled"])
    operation = body.get("operation")
    if operation == "unsubscribe":
        hub.unwatch(connection, tokens)
    elif operation == "subscribe" or str(body.get("type", "")).lower() == "market":
        hub.watch(connection, tokens)
        hub.snapshot(connection, dumped(hub, connection, tokens, body))
    else:
        connection.raw(REFUSED)


def dumped(
    hub: Hub, connection: Connection, tokens: list[str], body: Json
) -> list[str]:
    """The tokens whose snapshot is sent: not all, where it was not asked for."""
    if len(connection.keys) > hub.style.most_tokens:
        return []
    wish = body.get("initial_dump")
    if wish is None and "operation" not in body:
        salt = connection.number
        return [t for t in tokens if roll(salt, int(t[-9:] or 0)) < 0.5]
    return [] if wish is False else tokens
