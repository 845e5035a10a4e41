"""Bugs put in on purpose, each into a copy of the code: the harness notices them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from .home import TREE

CODE = ("bronze", "fetcher", "ingestion", "lake", "settings", "warehouse")


@dataclass(frozen=True)
class Edit:
    """One place in a file where `before`, which is there once, becomes `after`."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Mutant:
    """A bug, and the case that notices it."""

    bug: str
    case: str
    edits: tuple[Edit, ...]


_BEGUN = "        numbers = dict(landed.files)\n        written = 0\n"
_JOINED = "and uncontested.row_no is not distinct from repeated_row.row_no"
_KNOWN = "if last is not None and last {} new:"
_CLEANED = "            self._clean(snapshot, folded)\n"
_NUMBERS = "[n for n in self._landing.numbers() if {}n <= upto]"

MUTANTS = {
    "cursor-before-rows": Mutant(
        "the cursor is saved before its rows",
        "kill-fetch",
        (
            Edit(
                "lake/writer.py",
                _BEGUN,
                f"{_BEGUN}        self._cursor.save(buffer.changes)\n",
            ),
        ),
    ),
    "set-union": Mutant(
        "a set in the place of the multiset maximum",
        "kill-fetch",
        (
            Edit(
                "warehouse/sql/silver/TradeFact/number.sql",
                f"{_JOINED};",
                f"{_JOINED}\nwhere repeated_row.occurrence is null;",
            ),
        ),
    ),
    "no-sync": Mutant(
        "files are written without fsync",
        "power-fetch",
        (Edit("lake/storage.py", "os.fsync(file.fileno())\n", "pass\n"),),
    ),
    "no-rename": Mutant(
        "files are written in place, without a rename",
        "kill-commit",
        (Edit("lake/storage.py", "aside = _aside(name)", "aside = name"),),
    ),
    "append-twice": Mutant(
        "a fold that is tried again appends again",
        "kill-commit",
        (
            Edit("lake/delta_log.py", _KNOWN.format(">="), _KNOWN.format(">")),
            Edit("lake/fold.py", _CLEANED, ""),
            Edit("lake/fold.py", _NUMBERS.format("folded < "), _NUMBERS.format("")),
        ),
    ),
}


def mutated(mutant: Mutant, place: Path) -> Path:
    """Copy the code to `place` and put the bug in; returns the copy."""
    for name in CODE:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(TREE / name, place / name, ignore=ignored)
    shutil.copy(TREE / "config.toml", place)
    for edit in mutant.edits:
        path = place / edit.file
        text = path.read_text(encoding="utf-8")
        found = text.count(edit.before)
        if found != 1:
            raise ValueError(f"{edit.file} has {found} of {edit.before!r}, not one")
        path.write_text(text.replace(edit.before, edit.after), encoding="utf-8")
    return place
