"""Whether the hosts of the configuration exist: a mistyped one never answers."""

from __future__ import annotations

import asyncio
import logging
import socket
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from settings.model import Apis

log = logging.getLogger(__name__)

LookUp = Callable[[str], Awaitable[Any]]
PATIENCE_SECONDS = 10.0
# What an outage gives is none of these.
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def urls_of(apis: Apis, recorders: Sequence[str]) -> dict[str, str]:
    """What recorders listen to and ask, by setting."""
    found = {}
    if set(recorders) != {"crypto"}:
        found["apis.gamma.base_url"] = apis.gamma.base_url
        found["apis.clob.base_url"] = apis.clob.base_url
    if "positions" in recorders:
        found["apis.data.base_url"] = apis.data.base_url
    if "books" in recorders:
        found["apis.clob_stream.url"] = apis.clob_stream.url
    if "crypto" in recorders:
        found["apis.coinbase.url"] = apis.coinbase.url
        found["apis.rtds.url"] = apis.rtds.url
    return found


async def tell_unknown(urls: Mapping[str, str]) -> None:
    """Say loudly which hosts no name server knows; `urls` has them by setting.

    Nothing ends for it: it may be this machine's network that is not there yet.
    """
    if urllib.request.getproxies():
        return  # then it is the proxy that knows names
    for sentence in await unknown(urls, address_of):
        log.error("%s", sentence)


async def unknown(urls: Mapping[str, str], look_up: LookUp) -> list[str]:
    """A sentence for each host that does not exist, with the settings that name it."""
    settings: dict[str, list[str]] = {}
    for setting, url in urls.items():
        settings.setdefault(urlsplit(url).hostname or "", []).append(setting)
    found = await asyncio.gather(*(_exists(host, look_up) for host in settings))
    return [
        f"There is no host {host}, which {' and '.join(names)} in the configuration "
        "names. It is tried again and again; if the name is wrong, stop this (Ctrl-C), "
        "mend it and start anew"
        for (host, names), exists in zip(settings.items(), found, strict=True)
        if not exists
    ]


async def address_of(host: str) -> Any:
    """What the name server says; socket.gaierror."""
    return await asyncio.get_running_loop().getaddrinfo(host, None)


async def _exists(host: str, look_up: LookUp) -> bool:
    """False only where it is certain that there is no such host."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await look_up(host)
    except socket.gaierror as error:
        return error.errno not in _NO_SUCH_NAME
    except (OSError, UnicodeError):
        return True  # whoever connects will say
    return True
