"""A schema that drifts stops nothing, loses nothing, and is told once a run."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from trades_rig import Home, home_beside

import settings
from fetcher.commands import quarantined, taken_in
from fetcher.verify import verify
from lake.batch import CursorChange
from lake.cursor import CursorFile

TRADES = "^/data/v2/trades"


@pytest.fixture
def home(tmp_path: Path):
    options = {"size": "tiny", "cdn": False, "taker_walk": False}
    with home_beside(tmp_path, **options) as home:
        home.fetch(mode="markets")
        yield home


def loaded(home: Home) -> settings.Settings:
    return settings.load(home.folder / "config.toml")


def told(summary, dataset: str = "trades") -> dict[tuple[str, str], int]:
    found = [one for one in summary.drift if one.dataset == dataset]
    assert len({(one.change, one.field) for one in found}) == len(found)  # once
    return {(one.change, one.field): one.rows for one in found}


def test_what_is_new_or_has_another_type_is_kept_and_told_once(home):
    home.box.drift("new", "venue", path=TRADES, value={"id": 7})
    home.box.drift("retype", "outcome_index", path=TRADES, value="second")
    home.box.drift("new", "venue", path="/gamma/events", value="x")
    home.box.advance(3_600)
    summary = home.fetch(mode="trades")
    rows = summary.counts["trades"].rows_seen
    assert told(summary) == {("new", "venue"): rows, ("retyped", "outcome_index"): rows}
    extra = '{"outcome_index": "second", "venue": {"id": 7}}'
    assert set(home.rows("trades")["extra"]) == {extra}
    assert home.missing().is_empty()
    summary = home.fetch(mode="events", full=True)
    assert ("new", "venue") in told(summary, "events")


def test_a_field_that_came_with_nearly_all_rows_and_comes_no_more_is_told(home):
    assert told(home.fetch(mode="trades")) == {}
    home.box.advance(60)
    home.box.drift("gone", "pseudonym", path=TRADES)
    home.box.drift("gone", "icon", path=TRADES)
    summary = home.fetch(mode="trades", fresh=True)
    assert set(told(summary)) == {("gone", "pseudonym"), ("gone", "icon")}
    assert home.missing().is_empty()


def test_what_fits_no_schema_is_taken_in_once_it_can_be_read(home):
    """A price in quotes is set aside by the run, and is a number when asked for."""
    home.box.drift("retype", "price", path=TRADES, p=0.3)
    summary = home.fetch(mode="trades")
    (((change, reason), rows),) = told(summary).items()
    assert (change, reason) == ("set_aside", "price is no double")
    assert summary.exit_code == 0
    assert 0 < home.missing().height <= rows
    (shown,) = quarantined(loaded(home)).json["rows"]
    assert (shown["dataset"], shown["rows"]) == ("trades", rows)

    file = min((home.folder / "data/_quarantine/trades").iterdir())
    text = file.read_text()
    done = taken_in(loaded(home))
    assert (done.exit_code, done.json["left"]) == (0, {})
    assert done.json["taken_in"] == {"trades": rows}
    assert home.missing().is_empty()
    lineage = home.rows("trades").select("walk_id", "page_no", "row_no")
    assert lineage.is_unique().all()
    report = verify(home.lake, deep=True, stop=threading.Event())
    assert report.problems == []
    assert quarantined(loaded(home)).json["rows"] == []
    # one that dies when the rows are stored, before they are out of the quarantine
    file.write_text(text)
    places = [json.loads(line)["row_no"] for line in text.splitlines()]
    name = str(file.relative_to(home.folder / "data"))
    with CursorFile.open(home.folder / "cursor.json") as cursor:
        cursor.save([CursorChange(values={"taken_in": {name: places}})])
    assert taken_in(loaded(home)).json == {"taken_in": {}, "left": {}}
    assert home.rows("trades").height == lineage.height


def test_what_cannot_be_read_stays_set_aside_with_its_text(home):
    home.box.drift("retype", "size", path=TRADES, p=0.2, value={"amount": 3})
    home.box.drift("retype", "price", path=TRADES, p=0.2, value="abc")
    summary = home.fetch(mode="trades")
    reasons = {("set_aside", "size is no double"), ("set_aside", "price is no double")}
    assert set(told(summary)) == reasons
    done = taken_in(loaded(home))
    assert (done.exit_code, done.json["taken_in"]) == (1, {})
    assert done.json["left"] == {"trades": sum(told(summary).values())}
    raw = {one["latest"]["raw"] for one in quarantined(loaded(home)).json["rows"]}
    assert any('"size": {"amount": 3}' in text for text in raw)
    assert any('"price": "abc"' in text for text in raw)
    home.box.heal()
    home.box.advance(60)
    home.fetch(mode="trades", fresh=True)
    assert home.missing().is_empty()  # and walking again brings them as well
