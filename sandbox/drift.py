"""The service changes its rows: a field comes, goes, or has another type."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.web import Json, Reply, dumps

CHANGES = ("new", "retype", "gone")
LISTS = ("data", "markets", "events", "history")


@dataclass(frozen=True)
class Rule:
    """From now on rows of answers to `path` (a regular expression) are different.

    `new`: each has a `field` with this `value`; `retype`: those that have the field
    have this value there, or where it is null the old one as a string; `gone`: they
    lack it. `p` is the share of rows, the same ones whenever they are asked for.
    """

    path: str
    field: str
    change: str
    value: Json = None
    p: float = 1.0

    def __post_init__(self) -> None:
        if self.change not in CHANGES:
            raise ValueError(f"no change {self.change!r}; there are {CHANGES}")
        re.compile(self.path)


class Drift:
    """The changes in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, rule: dict[str, Any]) -> None:
        """Put a change in force."""
        self.rules.append(Rule(**rule))

    def clear(self) -> None:
        """Be as before."""
        self.rules.clear()

    def report(self) -> dict[str, object]:
        """The changes in force."""
        return {"rules": [asdict(rule) for rule in self.rules]}

    def applied(self, url: str, made: Reply) -> Reply:
        """The answer as it is now."""
        rules = [rule for rule in self.rules if re.search(rule.path, url)]
        if not rules or made.status != 200:
            return made
        body: Json = json.loads(made.body)
        for row in _rows(body):
            for rule in rules:
                if _struck(row, rule):
                    _change(row, rule)
        return replace(made, body=dumps(body))


def _rows(body: Json) -> list[dict[str, Json]]:
    """The objects of the answer's list, and the markets inside events."""
    found = body
    if isinstance(body, dict):
        found = next((body[k] for k in LISTS if isinstance(body.get(k), list)), [body])
    rows = [row for row in found if isinstance(row, dict)]
    inside = [row["markets"] for row in rows if isinstance(row.get("markets"), list)]
    return rows + [market for markets in inside for market in markets]


def _struck(row: dict[str, Json], rule: Rule) -> bool:
    if rule.p >= 1:
        return True
    told = json.dumps([row, rule.field], sort_keys=True, default=str)
    digest = hashlib.sha1(told.encode()).digest()
    return int.from_bytes(digest[:4], "big") < rule.p * 2**32


def _change(row: dict[str, Json], rule: Rule) -> None:
    if rule.change == "new":
        row[rule.field] = rule.value
    elif rule.field in row and rule.change == "gone":
        del row[rule.field]
    elif rule.field in row:
        old = row[rule.field]
        row[rule.field] = json.dumps(old) if rule.value is None else rule.value
