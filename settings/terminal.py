"""What strangers wrote, shown so that it cannot act on a terminal or forge a line.

Titles, slugs and names come from anybody. On a terminal some characters move the
cursor, change what stands there already or turn the order of what follows.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TextIO

# All control characters but tab and line feed, what turns the direction of writing,
# separators that some take for a line's end, and halves of characters.
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Return the text with its acting characters as their escapes."""
    return _ACTING.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Printing:
    """A terminal to which only printable text goes; otherwise the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, printable."""
        self._stream.write(printable(text))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class OneLine(logging.Formatter):
    """Lines of a log with the time (UTC) and the level, each message on one line."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line of the message, without what comes after an exception."""
        return super().formatMessage(record).replace("\n", "\\n")

    def format(self, record: logging.LogRecord) -> str:
        """Return all that is written of the record."""
        return printable(super().format(record))
