"""The command `capture`: what it refuses, and what it says."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from dataclasses import replace

import pytest
from click.testing import CliRunner

from fetcher.live import RECORDERS
from fetcher.live.capture import cursor_path
from fetcher.live.cli import capture
from fetcher.live.health import Health, line
from fetcher.live.hosts import unknown
from tests.live.live_rig import (
    Home,
    listening,
    some_tokens,
    soon,
)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Name what to capture"),
        (["--only", "books"], "Name what to capture"),
        (["--only", "bookz", "--top", "1"], "there is no such recorder"),
        (["--only", "updown", "--top", "1"], "needs --series"),
        (["--only", "books", "--series", "btc-5m"], "write --only books,updown"),
        (["--series", "btc-7m"], "an asset and a period like btc-15m"),
        (["--token", "12"], "a number of some 77 digits"),
        (["--market", "0x12"], "64 hex digits"),
        (["--list", "nowhere.txt"], "cannot be read: No such file or directory."),
        (["--list", "."], "cannot be read: Is a directory."),
        (["--token", "7" * 77], "the exchange has no order book of it"),
        (["--only", "crypto", "--token", "7" * 77], "write --only books,crypto"),
        (["--timeout", "-1", "--top", "1"], "must be zero or more"),
        (["--market", "no-such-market"], "Polymarket has no such market"),
    ],
)
def test_bad_input_is_named_and_ends_with_2(box, tmp_path, arguments, says):
    home = Home(tmp_path, box)
    done = CliRunner().invoke(capture, [*arguments, "--config", str(home.toml)])
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_named_in_a_sentence(box, tmp_path):
    home = Home(tmp_path, box)
    (tmp_path / "taken").write_text("no folder")
    text = home.toml.read_text()
    home.toml.write_text(
        text.replace("[paths]\n", '[paths]\ncursors = "taken/in/cursor.json"\n')
    )
    done = CliRunner().invoke(capture, ["--only", "crypto", "--config", str(home.toml)])
    assert done.exit_code == 1
    assert "Cannot use the lock" in done.stderr
    assert "fix the permissions" in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"# nothing\n\n", "names no market or token"),
        (b"\xff\xfe\x00", "it is no text in UTF-8"),
        (b"\xef\xbb\xbf# mine\n0xabc\n", ", line 2: 0xabc: a condition id has 64"),
        (b"some-market another\n", ", line 1: must be a condition id, a slug or a URL"),
    ],
)
def test_a_list_that_makes_no_sense_is_named_with_its_line(
    box, tmp_path, content, says
):
    (tmp_path / "list.txt").write_bytes(content)
    home = Home(tmp_path, box)
    arguments = ["--list", str(tmp_path / "list.txt"), "--config", str(home.toml)]
    done = CliRunner().invoke(capture, arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_list_names_markets_and_tokens(box, tmp_path):
    tokens = some_tokens(box, 2)
    (tmp_path / "list.txt").write_text(f"# mine\n{tokens[0]}  # one\n\n{tokens[1]}\n")
    home = Home(tmp_path, box)
    arguments = ["--list", str(tmp_path / "list.txt"), "--only", "books"]
    done = CliRunner().invoke(
        capture,
        [*arguments, "--timeout", "0.5", "--json", "--config", str(home.toml)],
    )
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["stopped"], said["subscriptions"]) == ("timeout", 2)


def test_a_signal_ends_it_with_all_stored_and_a_second_capture_is_refused(
    box, tmp_path
):
    home = Home(tmp_path, box)
    tokens = some_tokens(box, 2)
    names = [part for token in tokens for part in ("--token", token)]
    process = home.process("--only", "books", "--json", *names)
    soon(lambda: home.ask("health") and listening(box, len(tokens)))
    second = CliRunner().invoke(
        capture, ["--only", "books", *names, "--config", str(home.toml)]
    )
    assert second.exit_code == 75
    soon(lambda: home.heard() >= len(tokens))
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate()
    said = json.loads(output)
    assert process.returncode == said["exit_code"] == 143
    assert said["messages"] == box.live()["sent"]
    assert home.rows("book_events")["event_no"].n_unique() == said["messages"]


def test_each_set_of_recorders_has_a_cursor_of_its_own(tmp_path):
    cursors = tmp_path / "cursor.json"
    assert cursor_path(cursors, RECORDERS).name == "cursor-capture.json"
    assert cursor_path(cursors, ["crypto"]).name == "cursor-capture-crypto.json"


NOTHING = Health(
    seconds=10.0,
    messages=0,
    subscriptions=0,
    connections=0,
    connections_wanted=0,
    waiting_bytes=0,
    deepest_bytes=0,
    waiting_rows=0,
    lag_seconds=0.0,
    rows={},
    errors={},
    compared=0,
    differed=0,
    repeated=0,
    ticks={},
    windows={},
    polls={},
)


def test_the_line_of_health_tells_what_came_since_the_last_and_what_is_wrong():
    before = replace(NOTHING, messages=5, polls={"whole": 10}, errors={"clock": 1})
    now = replace(
        NOTHING,
        seconds=20.0,
        messages=15,
        polls={"whole": 14},
        errors={"clock": 1, "books": 1},
        wrong=[("books: unreachable", "books-0: nobody answers")],
    )
    said = line(now, before)
    assert said.startswith("10 messages of order books; 1.0 a second; ")
    assert "; 4 position polls; 1 error (books 1); " in said
    assert said.endswith("; not over yet: books: unreachable")


def test_a_host_that_does_not_exist_is_named_with_its_settings_at_the_start():
    async def look_up(host: str) -> None:
        if host == "mistyped.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host == "outage.example":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")

    urls = {
        "apis.gamma.base_url": "https://mistyped.example/gamma",
        "apis.clob.base_url": "https://outage.example",
        "apis.clob_stream.url": "wss://mistyped.example:443/ws",
        "apis.rtds.url": "wss://there.example",
    }
    [said] = asyncio.run(unknown(urls, look_up))
    assert "There is no host mistyped.example" in said
    assert "apis.gamma.base_url and apis.clob_stream.url" in said


def test_a_capture_of_nothing_leaves_no_word_that_it_was_at_work(box, tmp_path):
    home = Home(tmp_path, box)
    arguments = ["--market", "no-such-market", "--config", str(home.toml)]
    assert CliRunner().invoke(capture, arguments).exit_code == 2
    cursor = json.loads((tmp_path / "cursor-capture.json").read_text())
    assert cursor["values"].get("capture") is None


def test_prices_are_recorded_while_nobody_says_what_the_markets_are(box, tmp_path):
    box.fault("timeout", path="/gamma/", times=100)
    home = Home(tmp_path, box)
    with home.toml.open("a") as settings:
        settings.write("[http]\nread_timeout_seconds = 1\n")
    with home.capturing(only=("books", "crypto"), top=1):
        soon(lambda: (home.ask("health") or {}).get("crypto_ticks", {}).get("coinbase"))
