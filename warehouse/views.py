"""What the gold views are: the header of each SQL file, read.

A header is comment lines: one sentence on what the rows are, then labelled lines
`Grain:`, `Key:`, `Units:` and `Sources:`, then whatever would surprise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from warehouse.models import Model, models

LABELS = ("Grain", "Key", "Units", "Sources")

_SOURCE = re.compile(r"\b(?:silver|gold)\.\w+")
_LABELLED = re.compile(rf"^({'|'.join(LABELS)}): ?", re.MULTILINE)


@dataclass(frozen=True)
class View:
    """A gold view as its header tells it."""

    name: str
    sentence: str
    grain: str
    key: tuple[str, ...]
    units: str
    sources: tuple[str, ...]
    remarks: str


def gold_views() -> list[View]:
    """Every gold view, by name."""
    return [described(model) for model in models("gold").values()]


def described(model: Model) -> View:
    """Read a view's header; ValueError if a part of it is missing."""
    first, *parts = _LABELLED.split(model.header)
    told = dict(zip(parts[::2], parts[1::2], strict=True))
    for label in LABELS:
        if not told.get(label, "").strip():
            raise ValueError(f"The header of gold/{model.name}.sql has no {label}:")
    sources, remarks = _list_and_rest(told["Sources"])
    key, _ = _list_and_rest(told["Key"])
    return View(
        name=model.name,
        sentence=" ".join(first.split()),
        grain=" ".join(told["Grain"].split()),
        key=tuple(part.strip() for part in key.split(",")),
        units=" ".join(told["Units"].split()),
        sources=tuple(_SOURCE.findall(sources)),
        remarks=" ".join(remarks.split()),
    )


def _list_and_rest(text: str) -> tuple[str, str]:
    """Split off the list at the start: its lines end with a comma, but the last."""
    lines = text.strip().splitlines()
    end = 0
    while end < len(lines) - 1 and lines[end].rstrip().endswith(","):
        end += 1
    return " ".join(lines[: end + 1]), "\n".join(lines[end + 1 :])
