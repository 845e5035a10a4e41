"""What strangers wrote is shown whole, and acts on nothing."""

from __future__ import annotations

import io
import logging

from hypothesis import given, settings
from hypothesis import strategies as st

from settings.terminal import OneLine, Printing, printable


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_what_is_shown_can_be_written_and_ordinary_text_stays(text):
    shown = printable(text)
    shown.encode()
    assert all(c in "\t\n" or c.isprintable() or ord(c) > 0x9F for c in shown)
    assert printable(shown) == shown


def test_escapes_of_a_terminal_are_shown_as_such():
    assert printable("\x1b[2J \x9b5m \u202etxt \u2028 é\u00a0“x”\tz\n") == (
        "\\x1b[2J \\x9b5m \\u202etxt \\u2028 é\u00a0“x”\tz\n"
    )


def test_a_terminal_gets_printable_text_only():
    out = io.StringIO()
    terminal = Printing(out)
    assert terminal.write("\x1b]0;owned\x07") == 10
    assert out.getvalue() == "\\x1b]0;owned\\x07"
    assert not terminal.isatty()


def test_no_message_makes_a_second_line_in_the_log():
    record = logging.LogRecord(
        "x", logging.INFO, "f", 1, "a\n2026 ERROR forged\x1b[1m", (), None
    )
    line = OneLine().format(record)
    assert line.endswith("INFO a\\n2026 ERROR forged\\x1b[1m")
    assert "\n" not in line
