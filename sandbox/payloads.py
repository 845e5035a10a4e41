"""Captured answers served from a folder, before the universe is asked.

How files map to routes is said in docs/sandbox.md.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.clob_markets import END
from sandbox.cursors import BadCursor, Signer
from sandbox.web import Ask, Json, Reply, dumps, gamma_problem, v2_problem

SUFFIXES = (".json.gz", ".jsonl.gz", ".json", ".jsonl")
HISTORIES = "histories"
WRAPS = ("", "gamma-markets", "gamma-events", "v2", "clob", "v1", HISTORIES)


@dataclass(frozen=True)
class Payload:
    """A file and the requests it answers."""

    path: str  # the route, a regular expression for all of the path
    file: Path
    query: tuple[tuple[str, str], ...] = ()
    wrap: str = ""  # how rows are paged; "": the bytes as they are
    rows: str = ""  # the key under which the file keeps its rows
    match: tuple[
        tuple[str, str], ...
    ] = ()  # parameter, and the row's key it selects by
    status: int = 200

    def fits(self, ask: Ask) -> bool:
        """Whether this file answers the request."""
        return re.fullmatch(self.path, ask.path) is not None and all(
            value in ask.every(name) for name, value in self.query
        )


class Payloads:
    """The files of a folder: those of `routes.toml` in its order, then by path."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self._signer = signer
        self._payloads = listed(folder) + found(folder)
        self._rows: dict[Path, list[Json]] = {}

    def answer(self, ask: Ask) -> Reply | None:
        """The captured answer, None where there is none."""
        for payload in self._payloads:
            if payload.fits(ask):
                return self._reply(payload, ask)
        return None

    def _reply(self, payload: Payload, ask: Ask) -> Reply:
        if not payload.wrap:
            return Reply(
                read(payload.file).removeprefix(codecs.BOM_UTF8), payload.status
            )
        if payload.wrap == HISTORIES:
            return Reply(dumps(histories(json.loads(read(payload.file)), ask)))
        if payload.file not in self._rows:
            self._rows[payload.file] = rows_of(payload)
        rows = self._rows[payload.file]
        for name, key in payload.match:
            wanted = {value.lower() for value in ask.csv(name)}
            if wanted:
                rows = [row for row in rows if str(row.get(key)).lower() in wanted]
        return self._page(payload, ask, rows)

    def _page(self, payload: Payload, ask: Ask, rows: Sequence[Json]) -> Reply:
        wrap, route = payload.wrap, str(payload.file)
        most = {"v2": 1_000, "clob": 1_000, "v1": 1_000}.get(wrap, 100)
        default = {"v2": 100, "clob": 1_000, "v1": 100}.get(wrap, 20)
        limit = min(int(ask.one("limit") or default), most)
        if wrap == "v1":
            start = int(ask.one("offset") or 0)
            return Reply(dumps(rows[start : start + limit]))
        if wrap == "clob":
            text = ask.one("next_cursor")
            start = int(base64.b64decode(text)) if text else 0
            last = start + most >= len(rows)
            after = (
                END if last else base64.b64encode(str(start + most).encode()).decode()
            )
            part = rows[start : start + most]
            body = {
                "limit": most,
                "count": len(part),
                "next_cursor": after,
                "data": part,
            }
            return Reply(dumps(body))
        start, limit = self._place(route, ask, limit)
        part = rows[start : start + limit]
        next_cursor = self._signer.sign(route, {"o": start + limit, "l": limit})
        if wrap == "v2":
            more = start + limit < len(rows)
            pagination = {
                "limit": limit,
                "offset": 0,
                "has_more": more,
                "next_cursor": next_cursor if more else None,
            }
            return Reply(dumps({"data": part, "pagination": pagination}))
        listing: dict[str, Json] = {wrap.removeprefix("gamma-"): part}
        if len(part) == limit:
            listing["next_cursor"] = next_cursor
        return Reply(dumps(listing))

    def _place(self, route: str, ask: Ask, limit: int) -> tuple[int, int]:
        v2 = ask.path.startswith("/data/")
        cursor = ask.one("cursor" if v2 else "after_cursor")
        if cursor is None:
            return 0, limit
        try:
            inside = self._signer.read(route, cursor)
        except BadCursor:
            if v2:
                raise v2_problem("invalid cursor", "cursor") from None
            raise gamma_problem("invalid after_cursor") from None
        return int(inside["o"]), int(inside["l"])


def listed(folder: Path) -> list[Payload]:
    """The routes of `routes.toml`; an unknown key or missing file is an error."""
    path = folder / "routes.toml"
    if not path.exists():
        return []
    entries = tomllib.loads(path.read_text()).get("route", [])
    payloads = []
    for entry in entries:
        unknown = set(entry) - {
            "path",
            "file",
            "query",
            "wrap",
            "rows",
            "match",
            "status",
        }
        if unknown or entry.get("wrap", "") not in WRAPS:
            raise ValueError(f"{path}: cannot read {entry}")
        file = Path(entry["file"])
        file = file if file.is_absolute() else folder / file
        if not file.exists():
            raise ValueError(f"{path}: no file {file}")
        query = tuple((k, str(v)) for k, v in entry.get("query", {}).items())
        payloads.append(
            Payload(
                entry["path"], file, query, entry.get("wrap", ""),
                entry.get("rows", ""), tuple(entry.get("match", {}).items()),
                entry.get("status", 200),
            )
        )  # fmt: skip
    return payloads


def found(folder: Path) -> list[Payload]:
    """The files whose place names their route, such as `gamma/markets.json.gz`."""
    payloads = []
    for file in sorted(folder.rglob("*")):
        suffix = next((s for s in SUFFIXES if file.name.endswith(s)), None)
        if suffix is not None and file.is_file():
            path = "/" + file.relative_to(folder).as_posix().removesuffix(suffix)
            payloads.append(Payload(re.escape(path), file))
    return payloads


def histories(captured: Json, ask: Ask) -> Json:
    """The answer of `/batch-prices-history` out of captured points.

    `captured` has `fidelity`, in minutes, and `history`, points by token; at another
    fidelity there are none.
    """
    asked = ask.json()
    start, end = asked["start_ts"], asked["end_ts"]
    is_captured = int(asked["fidelity"]) == captured["fidelity"]
    return {
        "history": {
            token: [
                point
                for point in captured["history"].get(token, [])
                if is_captured and start <= point["t"] <= end
            ]
            for token in asked["markets"]
        }
    }


def read(file: Path) -> bytes:
    """The file's bytes, unzipped."""
    raw = file.read_bytes()
    return gzip.decompress(raw) if file.name.endswith(".gz") else raw


def rows_of(payload: Payload) -> list[Json]:
    """The rows of a file: a list, a list under a key, or one JSON object a line."""
    text = read(payload.file).decode("utf-8-sig")
    if payload.file.name.removesuffix(".gz").endswith(".jsonl"):
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        return [line[payload.rows] for line in lines] if payload.rows else lines
    value = json.loads(text)
    for key in payload.rows.split(".") if payload.rows else ():
        value = value[key]
    if not isinstance(value, list):
        raise ValueError(f"{payload.file} holds no list of rows")
    return [v2_names(row) for row in value] if payload.wrap == "v2" else value


def v2_names(row: Json) -> Json:
    """A trade row of v1 under its v2 names; other rows as they are."""
    if not isinstance(row, dict) or "proxyWallet" not in row:
        return row
    renamed = {"asset": "token_id"}
    return {
        renamed.get(key) or re.sub("[A-Z]", lambda c: "_" + c[0].lower(), key): value
        for key, value in row.items()
    }
