"""The errors that a person is shown, by what comes next.

Their text says what was asked, what came back and what to do now. A `cli.py` turns
`exit_code` into the exit code of the command; everything else is a bug and may crash.
"""

from __future__ import annotations


class PolylakeError(Exception):
    """Something a person can act on; the message is the whole explanation."""

    exit_code = 1


class UsageError(PolylakeError):
    """The command or its configuration is wrong: nothing was started."""

    exit_code = 2


class Locked(PolylakeError):
    """Another run holds the lock; try again when it is done."""

    exit_code = 75
