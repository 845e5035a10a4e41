"""The signals that ask a command to end."""

from __future__ import annotations

import signal

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heeded() -> list[signal.Signals]:
    """Those that are to end this process: not a SIGHUP that `nohup` has it ignore."""
    return [
        number
        for number in ENDING
        if number is not signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    ]
