"""Dying before any durable step of a run changes nothing in the end."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from small_lake import SmallLake, notes, page

from lake.storage import Step

# m1 has equal fills on both sides of its seams; m2 sees the same but for one second.
A, B, C = ("a", "m", 90, 1), ("b", "m", 80, 2), ("c", "m", 70, 3)
PAGES = {
    "m1": [[A, B], [B, B, C], [C]],
    "m2": [[A, A, B], [B, B, C, C]],
}


class Death(BaseException):
    """The machine dies here: nobody cleans up."""


class Fuse:
    """Dies before step number `at`, and before all later ones."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.seen = 0

    def __call__(self, step: Step) -> None:
        if self.at is not None and self.seen >= self.at:
            raise Death(str(step))
        self.seen += 1


def fetch(lake: SmallLake) -> None:
    """Fetch what the cursor says is left, as a run would."""
    with lake.cursor() as cursor, lake.writer(cursor) as writer:
        assert cursor.problems == []
        for walk_id, pages in PAGES.items():
            if walk_id in cursor.values:
                continue
            state = cursor.walks.get(walk_id, {"page_no": 0})
            for number in range(state["page_no"], len(pages)):
                last = number == len(pages) - 1
                batch = page(walk_id, number, pages[number], ended=last)
                if last:
                    over = replace(batch.cursor, values={walk_id: "over"})
                    batch = replace(batch, cursor=over)
                writer.put(batch)
                if number == 1:
                    writer.fold()
        if "notes" not in cursor.values:
            batch = notes("one", "two")
            over = replace(batch.cursor, values={"notes": "over"})
            writer.put(replace(batch, cursor=over))
            writer.flush()


def state(lake: SmallLake) -> tuple[Counter, Counter, dict]:
    folded = lake.bronze("walks").filter(kind="folded")
    return (
        lake.lines("fills"),
        Counter(lake.bronze("notes")["text"]),
        {
            walk_id: (
                folded.filter(walk_id=walk_id)["rows_stored"].sum(),
                folded.filter(walk_id=walk_id)["rows_confirmed"].sum(),
            )
            for walk_id in PAGES
        },
    )


def places(steps: list[Step]) -> list[int]:
    """One step of each kind and place; POLYLAKE_EVERY_STEP=1 takes all of them."""
    if os.environ.get("POLYLAKE_EVERY_STEP"):
        return list(range(len(steps)))
    found = {}
    for number, step in enumerate(steps):
        name = re.sub(r"[0-9a-f]{12}|\d+", "", step.name)
        found[step.kind, re.sub("fills|notes|walks", "", name)] = number
    return sorted(found.values())


@pytest.mark.parametrize("share", range(4))  # so that they run side by side
def test_a_run_that_dies_anywhere_and_is_run_again_ends_as_if_undisturbed(
    tmp_path, share
):
    steps: list[Step] = []
    undisturbed = SmallLake(tmp_path / "undisturbed", observe=steps.append)
    fetch(undisturbed)
    expected = state(undisturbed)
    assert expected[2] == {"m1": (6, 0), "m2": (2, 5)}
    for number in places(steps)[share::4]:
        root = tmp_path / str(number)
        with suppress(Death, RuntimeError):
            fetch(SmallLake(root, observe=Fuse(number)))
        fetch(SmallLake(root))
        assert state(SmallLake(root)) == expected, f"died before {steps[number]}"
        leftovers = [
            path
            for pattern in ("_folding/*/*", "_landing/*/*/*.arrow", "**/.*.unfinished")
            for path in (root / "lake").glob(pattern)
        ]
        assert not leftovers, f"died before {steps[number]}"
        shutil.rmtree(root)


def test_a_log_entry_lost_to_a_power_cut_is_folded_again(tmp_path):
    """The entry is synced before landing files go; until then they are all there."""
    lake = SmallLake(tmp_path)
    kept: list[Path] = []

    def observe(step: Step) -> None:
        if step.kind == "remove" and "_landing/fills" in step.name:
            entry = sorted((tmp_path / "lake/fills/_delta_log").glob("*.json"))[-1]
            kept.append(entry)
            raise Death

    lake = SmallLake(tmp_path, observe=observe)
    try:
        fetch(lake)
    except (Death, RuntimeError):
        kept[0].unlink()
    fetch(SmallLake(tmp_path))
    assert sum(lake.lines("fills").values()) == 8
    assert set(lake.lines("fills").values()) == {1}
