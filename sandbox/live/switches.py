"""What tests do to connections: freeze, cut, refuse, spoil; and who is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, fields

from aiohttp import WSMsgType

from sandbox.live.connection import Connection
from sandbox.live.hub import Hub
from sandbox.web import Ask, Json, plain_problem

HUGE = 10_000_000
CHANNELS = ("market", "rtds", "coinbase", "polybolt")


def switch(hub: Hub, ask: Ask) -> Json:
    """`do=...` to the connections of a `channel`, or to one `connection`, or to all."""
    hub.pump()
    action = ask.one("do")
    if action is not None:
        known = {**SERVER, **DEEDS}
        if action not in known:
            raise plain_problem(f"no switch {action!r}; there are {', '.join(known)}")
        if action in SERVER:
            SERVER[action](hub, ask)
        else:
            number = ask.one("connection")
            chosen = hub.chosen(ask.one("channel"), int(number) if number else None)
            for connection in chosen:
                DEEDS[action](connection, ask)
    return report(hub)


def freeze(connection: Connection, _: Ask) -> None:
    """Connected, PONGs go on, no data."""
    connection.frozen = True


def thaw(connection: Connection, _: Ask) -> None:
    """Data flows again; what was missed stays missed."""
    connection.frozen = False


def cut(connection: Connection, ask: Ask) -> None:
    """Close with `code`, or without a word; `abort` loses what is on its way too."""
    code = ask.one("code")
    connection.close(int(code) if code else None, abort=ask.flag("abort") is True)


def drop(connection: Connection, ask: Ask) -> None:
    """Lose the next `count` frames without a word."""
    connection.drop += int(ask.one("count") or 1)


def duplicate(connection: Connection, ask: Ask) -> None:
    """Send the next `count` frames twice."""
    connection.double += int(ask.one("count") or 1)


def slow(connection: Connection, ask: Ask) -> None:
    """Wait so many `seconds` after each frame from now on."""
    connection.seconds_a_frame = float(ask.one("seconds") or 0)


def malformed(connection: Connection, _: Ask) -> None:
    """A text frame that is no JSON."""
    connection.raw(b'{"event_type":"price_change","market":"0x')


def huge(connection: Connection, ask: Ask) -> None:
    """A text frame of 10 MB, or of so many `bytes`."""
    size = int(ask.one("bytes") or HUGE)
    head, tail = b'{"event_type":"padding","padding":"', b'"}'
    connection.raw(head + b"x" * (size - len(head) - len(tail)) + tail)


def not_utf8(connection: Connection, _: Ask) -> None:
    """A text frame whose bytes are no UTF-8."""
    connection.raw(b'{"event_type":"\xff\xfe"}')


def binary(connection: Connection, _: Ask) -> None:
    """A binary frame."""
    connection.raw(b"\x00\x01\x02", WSMsgType.BINARY)


def empty(connection: Connection, _: Ask) -> None:
    """A text frame without text."""
    connection.raw(b"")


def refuse(hub: Hub, ask: Ask) -> None:
    """Refuse new connections for `seconds` with `status` (503), `retry_after`."""
    after = ask.one("retry_after")
    until = time.monotonic() + float(ask.one("seconds") or 5)
    status = int(ask.one("status") or 503)
    channel = ask.one("channel") or "all"
    hub.refusals[channel] = (until, status, float(after) if after else None)


def admit(hub: Hub, _: Ask) -> None:
    """Refuse nobody any more."""
    hub.refusals.clear()


def style(hub: Hub, ask: Ask) -> None:
    """Another wording of the market channel: the fields of `Style` by name."""
    for field in fields(hub.style):
        text = ask.one(field.name)
        if text is not None:
            old = getattr(hub.style, field.name)
            value = ask.flag(field.name) if isinstance(old, bool) else type(old)(text)
            setattr(hub.style, field.name, value)


def load(hub: Hub, ask: Ask) -> None:
    """In load mode: `rate` messages a second from now on; 0 pauses it."""
    if hub.load is None:
        raise plain_problem("not in load mode: start with --live-load")
    hub.load.set_rate(float(ask.one("rate") or 0))


SERVER: dict[str, Callable[[Hub, Ask], None]] = {
    "refuse": refuse, "admit": admit, "style": style, "load": load,
}  # fmt: skip
DEEDS: dict[str, Callable[[Connection, Ask], None]] = {
    "freeze": freeze, "thaw": thaw, "cut": cut, "drop": drop, "duplicate": duplicate,
    "slow": slow, "malformed": malformed, "huge": huge, "not-utf8": not_utf8,
    "binary": binary, "empty": empty,
}  # fmt: skip


def report(hub: Hub) -> Json:
    """The connections, and what they were sent."""
    return {
        "opened": hub.opened,
        "refused": hub.refused,
        "sent": hub.ledger.sent,
        "withheld": hub.ledger.withheld,
        "style": asdict(hub.style),
        "connections": [
            {
                "connection": one.number,
                "channel": one.channel,
                "listens_to": len(one.keys),
                "custom": one.custom,
                "frozen": one.frozen,
                "gone": one.gone,
                "frames": one.frames,
                "messages": one.messages,
            }
            for one in hub.connections
        ],
    }
