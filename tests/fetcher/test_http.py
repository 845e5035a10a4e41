"""A request is asked again when that may help, refused at once when it cannot."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.connection import Raw, Unread, Unusable, redirected, unpacked
from fetcher.errors import (
    Gone,
    HostUnreachable,
    Refused,
    Retryable,
    UnexpectedPayload,
)


def reply(body: bytes = b"{}", status: int = 200, headers=None, **more) -> dict:
    return {"body": body, "status": status, "headers": headers or {}} | more


PACKED = {"Content-Encoding": "gzip"}
GROUPS = ("g",)
GOOD = reply(b'{"data":[1]}')
CONFIG = (Path(__file__).parents[2] / "config.toml").read_text("utf-8")
HTML = b"<!DOCTYPE html><html><body>Attention Required!</body></html>"


def test_an_answer_says_what_was_asked_and_how_old_it_is(service, client):
    service.answers(
        reply(b"[1]", headers={"Age": "17", "x-trace-id": "t1", "Retry-After": "9"})
    )
    answer = client(service.url).get(
        "/v2/trades", [("condition", "0xa,0xb"), ("q", "é &")], groups=GROUPS
    )
    assert answer.json() == [1]
    assert answer.body == b"[1]"
    assert answer.request == "/v2/trades?condition=0xa%2C0xb&q=%C3%A9+%26"
    assert service.asked == [answer.request]
    assert (answer.age_seconds, answer.trace_id, answer.attempts) == (17, "t1", 1)
    assert datetime.now(UTC) - answer.fetched_at < timedelta(minutes=1)
    assert service.headers[0]["User-Agent"] == "polylake-test"


def test_a_question_with_a_body_is_posted_and_asked_again_like_any_other(
    service, client
):
    service.answers(reply(b"busy", 503), GOOD)
    answer, value = client(service.url).load(
        "/batch", (), json.loads, groups=GROUPS, body=b'{"markets":["1"]}'
    )
    assert value == {"data": [1]}
    assert service.bodies == [b'{"markets":["1"]}'] * 2
    assert service.headers[0]["Content-Type"] == "application/json"
    assert answer.request == '/batch {"markets":["1"]}'
    assert answer.attempts == 2


def test_a_refused_post_says_what_was_sent_where(service, client):
    service.answers(reply(b'{"error":"too long"}', 400))
    with pytest.raises(Refused, match=r"POST .*/batch answered 400"):
        client(service.url).load("/batch", (), json.loads, groups=GROUPS, body=b"{}")
    assert len(service.asked) == 1


def test_one_connection_serves_many_requests(service, client):
    service.answers(GOOD, reply(gzip.compress(b"[]"), 200, PACKED))
    api = client(service.url)
    for _ in range(5):
        api.get("/x", groups=GROUPS)
    assert service.connections == 1


def test_threads_do_not_share_a_connection_at_a_time(service, client):
    api = client(service.url)
    threads = [
        threading.Thread(
            target=lambda: [api.get("/x", groups=GROUPS) for _ in range(5)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(service.asked) == 20
    assert service.connections <= 4


@pytest.mark.parametrize(
    "bad",
    [
        reply(b"slow down", 429),
        reply(b"", 500),
        reply(b'{"error":"x","code":"request_timeout"}', 503),
        reply(HTML, 200),
        reply(b"", 200),
        reply(b'{"data":[1', 200),
        reply(b'{"data":[1]}', 200, cut=3),
        reply(b'{"data":[1]}', 200, cut=3, chunked=True),
        reply(b"\xff\xfe\x00", 200),
        reply(
            gzip.compress(b'{"data":[1]}' * 99, mtime=0)[:-30],
            200,
            {"Content-Encoding": "gzip"},
        ),
        reply(b"\x00" * 50, 200, PACKED),
        reply(b'{"error":"Too Many Requests"}', 200),
        reply(b'{"error":"cannot get the information"}', 200),
        reply(drop=True),
    ],
    ids=lambda bad: f"{bad['status']} {bad['body'][:20]!r}",
)
def test_what_may_pass_is_asked_again(service, client, bad):
    service.answers(bad, bad, GOOD)
    answer = client(service.url).get("/x", groups=GROUPS)
    assert answer.json() == {"data": [1]}
    assert answer.attempts == 3
    assert len(service.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 405, 408, 409, 422])
def test_a_refusal_is_not_asked_again_and_says_what_was_asked(service, client, status):
    body = b'{"error":"invalid cursor","code":"invalid_request","retryable":false}'
    service.answers(reply(body, status))
    with pytest.raises(
        Refused, match=rf"/x\?a=1 answered {status}: .*cursor"
    ) as caught:
        client(service.url).get("/x", [("a", "1")], groups=GROUPS)
    assert (caught.value.status, caught.value.code) == (status, "invalid_request")
    assert caught.value.body == body
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_told_apart(service, client, status):
    service.answers(reply(b"not here", status))
    with pytest.raises(Gone) as caught:
        client(service.url).get("/x", groups=GROUPS)
    assert (caught.value.status, caught.value.code) == (status, None)


def test_attempts_are_bounded_and_waits_double(service, client, waits):
    service.answers(reply(b'{"error":"x"}', 500))
    with pytest.raises(Retryable, match="last of 4 attempts"):
        client(service.url).get("/x", groups=GROUPS)
    assert len(service.asked) == 4
    assert waits.slept == [0.5, 1.0, 2.0]


def test_waits_are_by_chance_up_to_their_bound(service, client, waits):
    from fetcher.retry import Backoff

    service.answers(reply(b'{"error":"x"}', 500), reply(b'{"error":"x"}', 500), GOOD)
    chances = iter([0.25, 0.75])
    api = client(service.url, backoff=Backoff(chance=lambda: next(chances)))
    api.get("/x", groups=GROUPS)
    assert waits.slept == [0.125, 0.75]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_honoured(service, client, waits, status):
    service.answers(reply(b"", status, {"Retry-After": "7"}), GOOD)
    client(service.url).get("/x", groups=GROUPS)
    assert waits.now >= 1007


def test_retry_after_as_a_date_is_honoured(service, client, waits):
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    date = format_datetime(now + timedelta(seconds=30), usegmt=True)
    service.answers(reply(b"", 429, {"Retry-After": date}), GOOD)
    client(service.url, now=lambda: now).get("/x", groups=GROUPS)
    assert waits.now >= 1030


@pytest.mark.parametrize("header", ["86400", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_capped(service, client, waits, header):
    service.answers(reply(b"", 429, {"Retry-After": header}), GOOD)
    client(service.url).get("/x", groups=GROUPS)
    assert waits.now <= 1061


@pytest.mark.parametrize("header", ["soon", "-5", "", "1e9", "²"])
def test_a_retry_after_that_says_nothing_is_ignored(service, client, waits, header):
    service.answers(
        reply(b"", 503, {"Retry-After": header.encode().decode("latin-1")}), GOOD
    )
    client(service.url).get("/x", groups=GROUPS)
    assert waits.now <= 1001


def test_too_much_is_told_to_the_limits(service, client):
    api = client(service.url)
    service.answers(
        reply(b"", 429), reply(b'{"error":"Too Many Requests"}'), reply(b"", 500), GOOD
    )
    api.get("/x", groups=GROUPS)
    assert api._limiter.use()["g"].throttled == 2
    assert api._limiter.use()["g"].requests == 4


def test_each_attempt_is_counted(service, client):
    counted = []
    service.answers(reply(b"", 500), GOOD)
    client(service.url, on_request=counted.append).get("/x", groups=GROUPS)
    assert counted == [False, True]


def test_a_body_that_the_reader_cannot_read_is_asked_for_again(service, client):
    def numbers(body: bytes) -> list[int]:
        return [int(text) for text in json.loads(body)["data"]]

    service.answers(reply(b'{"data":["x"]}'), reply(b'{"data":["7"]}'))
    _, parsed = client(service.url).load("/x", (), numbers, groups=GROUPS)
    assert parsed == [7]


def test_a_body_that_stays_unreadable_is_unexpected(service, client):
    service.answers(reply(b'{"data":["x"]}'))
    with pytest.raises(UnexpectedPayload, match="/x answered 200, but"):
        client(service.url).load("/x", (), lambda body: int(body), groups=GROUPS)


def test_data_beside_an_error_is_data(service, client):
    service.answers(reply(b'{"data":[1],"error":"some warning"}'))
    assert client(service.url).get("/x", groups=GROUPS).json()["data"] == [1]


def test_an_answer_that_is_too_large_is_refused_unread(service, client):
    packed = gzip.compress(b"[" + b" " * 5_000_000 + b"]")
    service.answers(reply(packed, 200, PACKED))
    with pytest.raises(UnexpectedPayload, match=r"larger than 1 MB.*max_response_mb"):
        client(service.url).get("/x", groups=GROUPS)
    assert len(service.asked) == 1


def test_redirects_are_bounded(service, client):
    service.answers(reply(b"", 302, {"Location": "/x"}))
    with pytest.raises(UnexpectedPayload, match="redirects"):
        client(service.url).get("/x", groups=GROUPS)
    assert len(service.asked) == 6


def test_each_step_of_a_redirect_counts_against_the_limits(service, client):
    api = client(service.url)
    service.answers(reply(b"", 302, {"Location": "/y"}), GOOD)
    assert api.get("/x", groups=GROUPS).json() == {"data": [1]}
    assert service.asked == ["/x", "/y"]
    assert api._limiter.use()["g"].requests == 2


@pytest.mark.parametrize("to", ["http://h.test/x", "file:///etc/passwd", "ftp://h/x"])
def test_no_redirect_leads_away_from_certificates(to):
    with pytest.raises(Unusable, match="no certificate"):
        redirected("https://h.test/x", Raw(302, {"Location": to}, b""))
    https = Raw(302, {"Location": "https://other.test/y"}, b"")
    assert redirected("http://h.test/x", https) == "https://other.test/y"


def test_an_answer_that_never_ends_is_cut_off(service, client):
    service.answers(reply(drip=True), GOOD)
    api = client(service.url, max_bytes=10**12, read_timeout=0.02)
    assert api.get("/x", groups=GROUPS).attempts == 2
    service.answers(reply(drip=True))
    with pytest.raises(UnexpectedPayload, match=r"larger than 1 MB"):
        client(service.url).get("/x", groups=GROUPS)


@given(st.lists(st.binary(max_size=60)), st.integers(1, 200))
def test_no_more_is_unpacked_than_is_asked_for(members, at_most):
    whole = b"".join(members)
    packed = b"".join(gzip.compress(member) for member in members)
    assert unpacked(packed, "gzip", at_most=at_most) == whole[:at_most]
    if len(members) == 1 and whole:
        with pytest.raises(Unread):
            unpacked(packed[:-1], "gzip", at_most=len(whole) + 1)


def test_a_packing_that_was_not_asked_for_is_named():
    with pytest.raises(Unread, match="'br'"):
        unpacked(b"x", "br", at_most=9)


def test_long_questions_are_cut_for_people_and_whole_in_the_lake(service, client):
    ids = ",".join(f"0x{number:064x}" for number in range(20))
    service.answers(reply(b"no", 400))
    with pytest.raises(Refused) as caught:
        client(service.url).get("/x", [("condition", ids), ("a", "1")], groups=GROUPS)
    assert len(str(caught.value)) < 250
    assert "...&a=1 answered 400" in str(caught.value)
    service.answers(GOOD)
    answer = client(service.url).get("/x", [("condition", ids)], groups=GROUPS)
    assert len(answer.request) > 1_300


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_a_host_that_refuses_is_named_and_not_tried_for_every_job(client, waits):
    port = free_port()
    api = client(f"http://127.0.0.1:{port}", max_attempts=100)
    with pytest.raises(HostUnreachable, match=f"127.0.0.1:{port} .*refused") as caught:
        api.get("/x", groups=GROUPS)
    assert caught.value.host == f"127.0.0.1:{port}"
    assert waits.now - 1000 < 20
    before = len(waits.slept)
    with pytest.raises(HostUnreachable):
        api.get("/y", groups=GROUPS)
    assert len(waits.slept) == before
    api.unreachable_seconds = 15.0  # as what never ends has it
    waits.now += 16
    with pytest.raises(HostUnreachable):
        api.get("/z", groups=GROUPS)
    assert len(waits.slept) > before, "it is tried again: outages end"


def test_an_unknown_name_is_named(client, waits):
    api = client("http://nobody.invalid")
    with pytest.raises(HostUnreachable, match=r"nobody\.invalid:80 .*be resolved"):
        api.get("/x", groups=GROUPS)
    assert waits.now - 1000 < 20


@pytest.mark.parametrize("answer", [reply(HTML), reply(HTML, 502), reply(drop=True)])
def test_another_server_at_the_address_is_given_up_as_a_whole(
    service, client, waits, answer
):
    service.answers(answer)
    with pytest.raises(HostUnreachable, match="is not the service"):
        client(service.url, max_attempts=100).get("/x", groups=GROUPS)
    assert waits.now - 1000 < 20


def test_a_service_that_has_answered_fails_one_job_only(service, client):
    api = client(service.url)
    service.answers(GOOD)
    api.get("/x", groups=GROUPS)
    service.answers(reply(HTML))
    with pytest.raises(UnexpectedPayload):
        api.get("/x", groups=GROUPS)
    service.answers(GOOD)
    assert api.get("/x", groups=GROUPS).json() == {"data": [1]}


def test_a_host_that_goes_away_stops_the_run_after_all_attempts(service, client, waits):
    api = client(service.url, max_attempts=6)
    service.answers(reply(b"[]", 200, {"Connection": "close"}))
    api.get("/x", groups=GROUPS)
    service.close()
    with pytest.raises(HostUnreachable):
        api.get("/x", groups=GROUPS)
    assert waits.slept[-5:] == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_plain_text_behind_https_is_named(service, client):
    api = client(service.url.replace("http:", "https:"), max_attempts=2)
    with pytest.raises(HostUnreachable, match="TLS"):
        api.get("/x", groups=GROUPS)


def test_passwords_and_keys_are_in_no_message_and_not_in_the_lake(service, client):
    address = service.url.replace("http://", "http://me:hunter2@")
    api = client(address)
    service.answers(reply(b"no", 400))
    with pytest.raises(Refused) as caught:
        api.get("/odds", [("apiKey", "hunter2"), ("a", "1")], groups=GROUPS)
    assert "hunter2" not in str(caught.value)
    assert "apiKey=...&a=1" in str(caught.value)
    service.answers(GOOD)
    answer = api.get("/odds", [("apiKey", "hunter2")], groups=GROUPS)
    assert "hunter2" not in answer.request
    assert service.asked[-1].endswith("hunter2")


def test_certificates_are_always_checked(client, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    session = client("https://127.0.0.1:1")._connections._take()
    assert session.verify is True
    session.close()


def test_certificates_that_are_not_there_are_named_and_not_done_without(
    client, monkeypatch, tmp_path
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "false"))
    with pytest.raises(HostUnreachable, match="that REQUESTS_CA_BUNDLE names"):
        client("https://127.0.0.1:1").get("/x", groups=GROUPS)


def test_no_setting_turns_certificates_off():
    names = {name.lower() for name in re.findall(r"^(\w+) =", CONFIG, re.MULTILINE)}
    assert names
    assert not [n for n in names if re.search("verif|insecure|tls|ssl|cert", n)]
