"""What goes wrong, how often and where: by chance from a seed, or by script."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass
from typing import Any

# before the handler: what the answer is instead, or what happens to the question
BEFORE = (
    "429", "429-retry-after", "500", "503", "404", "410", "reset", "timeout", "html",
    "error-200", "invalid-cursor", "filters-dropped", "filters-ignored", "stale-page",
    "repeated-page", "swapped-page", "new-keys", "clock-jump",
)  # fmt: skip
# after it: what happens to the answer on its way
AFTER = (
    "slow", "trickle", "truncated", "invalid-json", "wrong-type", "bad-gzip", "huge",
    "gzip-bomb",
)  # fmt: skip
NAMES = BEFORE + AFTER


@dataclass
class Fault:
    """One rule: this fault, with chance `p`, on paths that match, so many times."""

    fault: str
    p: float = 1.0
    path: str = ""  # a regular expression, searched in path and query
    times: int | None = None  # None: for ever
    skip: int = 0  # matching requests to leave alone first
    seconds: float = 3_600  # how far a clock-jump goes

    def __post_init__(self) -> None:
        if self.fault not in NAMES:
            raise ValueError(f"no fault {self.fault!r}; there are {', '.join(NAMES)}")
        re.compile(self.path)


class Faults:
    """The rules in force, asked once a request."""

    def __init__(self, seed: int, rules: tuple[tuple[str, float], ...] = ()) -> None:
        self._rng = random.Random(f"faults {seed}")
        self.rules = [Fault(name, p) for name, p in rules]
        self.struck: dict[str, int] = {}

    def add(self, rule: dict[str, Any]) -> Fault:
        """Put a rule in force."""
        fault = Fault(**rule)
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """From here on nothing goes wrong."""
        self.rules.clear()

    def strike(self, url: str) -> Fault | None:
        """The fault of this request, None for most."""
        for rule in self.rules:
            if rule.times == 0 or not re.search(rule.path, url):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.p < 1 and self._rng.random() >= rule.p:
                continue
            if rule.times is not None:
                rule.times -= 1
            self.struck[rule.fault] = self.struck.get(rule.fault, 0) + 1
            return rule
        return None

    def report(self) -> dict[str, object]:
        """The rules and how often each fault has struck."""
        return {"rules": [asdict(rule) for rule in self.rules], "struck": self.struck}
