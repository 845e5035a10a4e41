"""`/_sandbox/...`: how tests look into a running server and move it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sandbox.fills import I8
from sandbox.inject import late_match
from sandbox.live.switches import switch
from sandbox.truth import write_truth
from sandbox.web import Ask, Json, Reply, dumps, plain_problem, reply
from sandbox.world import iso

if TYPE_CHECKING:
    from sandbox.service import Service


def advance(service: Service, ask: Ask) -> Reply:
    """Move the clock forward by `seconds`; or set the `speed` at which it runs."""
    world = service.world
    speed = ask.one("speed")
    if speed is not None:
        world.clock.set_speed(float(speed))
    world.clock.advance(float(ask.one("seconds") or 0))
    return state(service, ask)


def state(service: Service, ask: Ask) -> Reply:
    """The time and the size of things now."""
    world = service.world
    now = world.now
    return reply(
        {
            "now": now,
            "now_iso": iso(now),
            "size": service.options.size,
            "seed": service.options.seed,
            "markets": int((world.created <= now).sum()),
            "hidden": int((world.hidden & (world.created <= now)).sum()),
            "fills_indexed": int(world.tape.present.sum()),
            "fills_served": int(world.tape.served.sum()),
        }
    )


def faults(service: Service, ask: Ask) -> Reply:
    """GET: rules and strikes. POST: add a rule or a list of them. DELETE: none left."""
    if ask.method == "DELETE":
        service.heal()
    elif ask.method == "POST":
        given: Json = ask.json()
        try:
            for rule in given if isinstance(given, list) else [given]:
                service.faults.add(rule)
        except (TypeError, ValueError) as error:
            raise plain_problem(str(error)) from None
    return reply(service.faults.report())


def drift(service: Service, ask: Ask) -> Reply:
    """GET: changes of rows. POST: add one or a list of them. DELETE: as before."""
    if ask.method == "DELETE":
        service.drift.clear()
    elif ask.method == "POST":
        given: Json = ask.json()
        try:
            for rule in given if isinstance(given, list) else [given]:
                service.drift.add(rule)
        except (TypeError, ValueError) as error:
            raise plain_problem(str(error)) from None
    return reply(service.drift.report())


def requests(service: Service, ask: Ask) -> Reply:
    """Counts by route and limit group; DELETE starts over."""
    if ask.method == "DELETE":
        service.limits.reset()
    return reply(service.limits.report())


def inject(service: Service, ask: Ask) -> Reply:
    """`kind=late`: a new match `seconds` ago; `kind=withdrawn`: take served rows away.

    `condition` names the market; `count` matches or rows; without a market, any.
    """
    world = service.world
    count = int(ask.one("count") or 1)
    seconds = int(ask.one("seconds") or 600)
    condition = ask.one("condition")
    market = world.market(condition) if condition else None
    if condition and market is None:
        raise plain_problem("no such market", 404)
    now, tape = world.now, world.tape
    rows: I8 = (
        np.arange(len(tape.fills)) if market is None else tape.of_market(market.index)
    )
    rows = rows[tape.served[rows]]
    if ask.one("kind") == "withdrawn":
        chosen = rows[tape.fills.timestamp[rows] <= now - seconds][-count:]
        sequences = tape.fills.sequence[chosen].tolist()
        tape.withdraw(chosen)
    else:
        sequences = late_match(world, rows, now - seconds, count)
    service.cdn.clear() if ask.flag("purge") else None
    return reply({"sequences": sequences})


def drop_row(service: Service, ask: Ask) -> Reply:
    """Never serve the fill of this `sequence` again; totals go on counting it."""
    sequence = int(ask.one("sequence") or 0)
    tape = service.world.tape
    row = tape.row_of(sequence)
    if row >= len(tape.fills) or tape.fills.sequence[row] != sequence:
        raise plain_problem("no such sequence", 404)
    tape.drop(sequence)
    service.cdn.clear()
    return reply({"dropped": sequence})


def rotate_keys(service: Service, ask: Ask) -> Reply:
    """Refuse every cursor handed out so far."""
    service.world.signer.rotate()
    return reply({"rotated": True})


def purge(service: Service, ask: Ask) -> Reply:
    """Empty the cache."""
    service.cdn.clear()
    return reply({"purged": True})


def live(service: Service, ask: Ask) -> Reply:
    """The WebSocket connections; `do=...` to them, see sandbox/live/switches.py."""
    return reply(switch(service.live, ask))


def sent_events(service: Service, ask: Ask) -> Reply:
    """What connections were sent or not sent, as rows; DELETE starts over.

    `out` names a Parquet file to write instead; `after` a message number; with
    `grain=message` a row is a message.
    """
    service.live.pump()
    if ask.method == "DELETE":
        service.live.ledger.clear()
    ledger = service.live.ledger
    frame = ledger.messages() if ask.one("grain") == "message" else ledger.frame()
    after = int(ask.one("after") or 0)
    frame = frame.filter(frame["message_no"] > after)
    out = ask.one("out")
    if out is not None:
        frame.write_parquet(out)
        return reply({"rows": frame.height})
    return reply({"rows": frame.height, "events": frame.to_dicts()})


def truth(service: Service, ask: Ask) -> Reply:
    """Write what the sandbox holds now as Parquet into the folder `out`."""
    out = ask.one("out")
    if out is None:
        raise plain_problem("required query param 'out' not provided")
    return Reply(dumps(write_truth(service.world, Path(out))))


ROUTES = {
    "advance": advance, "state": state, "faults": faults, "drift": drift,
    "requests": requests,
    "inject": inject, "drop-row": drop_row, "rotate-keys": rotate_keys,
    "purge": purge, "truth": truth, "live": live, "sent-events": sent_events,
}  # fmt: skip
