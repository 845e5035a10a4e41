"""Connections to one service: kept open, shared by threads, bounded."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

MOST_REDIRECTS = 5
# An answer that goes on arriving may take so many times as long as one that is silent.
PATIENCE = 4
PART_BYTES = 1 << 20
WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # what zlib calls them


@dataclass(frozen=True)
class Raw:
    """An answer as it came, its body unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unconnected(Exception):
    """No connection came about; `is_final` when another attempt is pointless."""

    def __init__(self, cause: str, *, is_final: bool = False) -> None:
        super().__init__(cause)
        self.is_final = is_final


class Unread(Exception):
    """The service was reached, but no whole answer came."""

    def __init__(self, cause: str, *, is_timeout: bool = False) -> None:
        super().__init__(cause)
        self.is_timeout = is_timeout


class Unusable(Exception):
    """The answer is none that we take, and would be the same again."""


class Connections:
    """A pool of sessions; each is used by one thread at a time and then put back.

    Certificates are always checked.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float,
        read_timeout: float,
        max_bytes: int,
        user_agent: str,
    ) -> None:
        self._base = base_url
        self._timeout = (connect_timeout, read_timeout)
        self._max_bytes = max_bytes
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._idle: list[requests.Session] = []
        self._is_resolved = False

    def ask(
        self,
        url: str,
        *,
        body: bytes | None = None,
        at_most_seconds: float = float("inf"),
    ) -> Raw:
        """Return the answer to a GET of `url`, or a POST of `body`; of any status.

        `at_most_seconds` shortens both time limits: to connect, and to wait for bytes.
        A redirect is an answer like any other: whoever asked counts its requests.
        """
        connect, read = (min(limit, at_most_seconds) for limit in self._timeout)
        session = self._take()
        try:
            if not self._is_resolved:
                self._resolve(connect, is_proxied=bool(session.proxies))
            return self._ask(session, url, body, (connect, read))
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _explained(error) from error
        finally:
            with self._lock:
                self._idle.append(session)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for session in self._idle:
                session.close()
            self._idle.clear()

    def _ask(
        self,
        session: requests.Session,
        url: str,
        body: bytes | None,
        timeout: tuple[float, float],
    ) -> Raw:
        method, headers = "GET", None
        if body is not None:
            method, headers = "POST", {"Content-Type": "application/json"}
        until = time.monotonic() + PATIENCE * timeout[1]
        with session.request(
            method,
            url,
            data=body,
            headers=headers,
            timeout=timeout,
            stream=True,
            allow_redirects=False,
        ) as response:
            answer = self._read(response.raw, until)
            packed = response.headers.get("Content-Encoding", "identity").lower()
            if packed != "identity":
                answer = unpacked(answer, packed, at_most=self._max_bytes + 1)
            self._check_size(len(answer))
            return Raw(response.status_code, response.headers, answer)

    def _read(self, raw: Any, until: float) -> bytes:
        """Read what comes, but not more than is allowed, and not for ever."""
        parts: list[bytes] = []
        size = 0
        while part := raw.read1(PART_BYTES, decode_content=False):
            parts.append(part)
            size += len(part)
            self._check_size(size)
            if time.monotonic() > until:
                raise Unread("the answer trickles in too slowly", is_timeout=True)
        return b"".join(parts)

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise Unusable(
                f"the answer is larger than {self._max_bytes / 1e6:,.0f} MB, see "
                "http.max_response_mb"
            )

    def _resolve(self, seconds: float, *, is_proxied: bool) -> None:
        """Find the host's address once: the system's own time limit is minutes."""
        parts = urlsplit(self._base)
        failed: list[OSError] = []

        def look_up() -> None:
            try:
                socket.getaddrinfo(parts.hostname, parts.port)
            except OSError as error:
                failed.append(error)

        if not is_proxied:  # else it is the proxy that must know the name
            thread = threading.Thread(target=look_up, daemon=True)
            thread.start()
            thread.join(seconds)
            if thread.is_alive():
                raise Unconnected("its name is not resolved within the time limit")
            if failed:
                raise failed[0]
        self._is_resolved = True

    def _take(self) -> requests.Session:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        session = requests.Session()
        session.headers["User-Agent"] = self._user_agent
        session.headers["Accept"] = "application/json"
        session.headers["Accept-Encoding"] = "gzip, deflate"
        # What the environment says is read once, and never ~/.netrc: requests would
        # do both for every request.
        session.trust_env = False
        session.proxies.update(get_environ_proxies(self._base))
        session.verify = _certificates() or True
        return session


def _certificates() -> str | None:
    """Return the file or folder of certificates that the environment names, if any.

    There is no way to go without: one that is not there ends the run.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path and not Path(path).exists():
            raise Unconnected(
                f"the certificates that {name} names are not there", is_final=True
            )
        if path:
            return path
    return None


def unpacked(body: bytes, encoding: str, *, at_most: int) -> bytes:
    """Return the beginning of a packed body; Unread when it is not whole.

    A few bytes may unpack to gigabytes: no more is unpacked than is asked for.
    """
    if not body:
        return body
    if encoding not in WINDOWS:
        raise Unread(f"the answer is packed as {encoding[:20]!r}, which we cannot read")
    parts: list[bytes] = []
    left = at_most
    while body and left > 0:
        unpacker = zlib.decompressobj(WINDOWS[encoding])
        try:
            part = unpacker.decompress(body, left)
        except zlib.error as error:
            raise Unread("the packed answer cannot be unpacked") from error
        parts.append(part)
        left -= len(part)
        if not unpacker.eof and left > 0:
            raise Unread("the packed answer ended early")
        body = unpacker.unused_data  # a gzip file may have several members
    return b"".join(parts)


def redirected(url: str, raw: Raw) -> str | None:
    """Return where the answer sends us; null when it does not.

    Unusable if that is away from TLS, or from HTTP altogether.
    """
    to = raw.headers.get("Location")
    if raw.status not in (301, 302, 303, 307, 308) or to is None:
        return None
    target = urljoin(url, to)
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https") or (scheme == "http" and url[:6] == "https:"):
        raise Unusable("it redirects to where no certificate is checked")
    return target


def _explained(error: Exception) -> Unconnected | Unread | Unusable:
    """Say in a few words what went wrong, without the URL and what may be in it."""
    causes = list(_causes(error))

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if among(ssl.SSLCertVerificationError, ssl.CertificateError):
        return Unconnected("its certificate is not valid for it", is_final=True)
    if among(socket.gaierror, NameResolutionError):
        return Unconnected("its name cannot be resolved")
    if among(ProxyError, requests.exceptions.ProxyError):
        return Unconnected("the proxy does not let us through")
    if among(ConnectionRefusedError):
        return Unconnected("the connection is refused")
    if among(NewConnectionError):  # itself a kind of ConnectTimeoutError
        return Unconnected(_system_word(causes) or "no connection can be made")
    if among(ConnectTimeoutError):
        return Unconnected("no connection within the time limit")
    if among(ssl.SSLError):
        return Unconnected("it does not speak TLS as expected")
    if among(ReadTimeoutError, TimeoutError):
        return Unread("no answer within the time limit", is_timeout=True)
    if among(IncompleteRead, http.client.IncompleteRead):
        return Unread("the answer ended early")
    return Unread(_system_word(causes) or "the connection broke")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Every exception wrapped in `error`: the libraries put them in four places."""
    seen: set[int] = set()
    found: list[object] = [error]
    while found:
        one = found.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        found += [one.__cause__, one.__context__, getattr(one, "reason", None)]
        found += one.args


def _system_word(causes: list[BaseException]) -> str | None:
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror.lower()
    return None
