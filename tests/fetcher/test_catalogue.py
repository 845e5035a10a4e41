"""The catalogue answers from the lake's commits and from what this run has put."""

from __future__ import annotations

import gc
import sqlite3
from datetime import UTC, datetime

import pytest
from catalogue_rig import PlainLake
from fake_gamma import SPACING, T0, clob_market, iso, market

from bronze import DATASETS
from fetcher.polymarket.catalogue import Catalogue
from fetcher.polymarket.catalogue_tables import token_ids
from fetcher.polymarket.holes import (
    events_without_row,
    missing_ids,
    not_absent,
    note_absent,
    unlisted_clob_markets,
)
from fetcher.polymarket.market_rows import clob_market_row, event_row, market_row
from fetcher.polymarket.typed_rows import arrow_table
from lake.batch import Batch

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Book:
    """Lakes and catalogues of one folder."""

    def __init__(self, root) -> None:
        self.lake = PlainLake(root)

    def catalogue(self) -> Catalogue:
        return Catalogue(self.lake)

    def rows(self, items, convert=market_row) -> list[dict]:
        rows = [convert(item) for item in items]
        for number, row in enumerate(rows):
            row |= {"fetched_at": NOW, "walk_id": "l", "page_no": 0, "row_no": number}
        return rows

    def store(self, items, dataset="markets", convert=market_row) -> None:
        table, _ = arrow_table(DATASETS[dataset], self.rows(items, convert))
        self.lake.put(Batch({dataset: table}))
        self.lake.fold()


@pytest.fixture
def book(tmp_path) -> Book:
    return Book(tmp_path)


def test_a_market_is_found_by_condition_slug_and_id_in_any_case(book):
    book.store([market(n) for n in range(1, 2_000)])
    known = book.catalogue()
    condition = f"0x{1_234:064X}".replace("0X", "0x")
    assert known.market(condition).id == "1234"
    assert known.by_slug(["market-7", "nothing", ""])["market-7"].token_ids == (
        "70",
        "71",
    )
    assert set(known.by_id(str(n) for n in range(1_500, 2_500))) == {
        str(n) for n in range(1_500, 2_000)
    }
    assert known.never_listed([condition, "0xAB", "0xab", ""]) == ["0xab"]


def test_each_commit_is_read_once_and_the_last_row_stands(book):
    book.store([market(1), market(2)])
    known = book.catalogue()
    book.store([market(1, closed=True)])
    assert known.by_id(["1"])["1"].closed is False
    known.catch_up()
    assert known.by_id(["1"])["1"].closed is True
    (book.lake.root / "markets").rename(book.lake.root / "gone")
    assert book.catalogue().counts()["markets"] == 2  # nothing is read again


@pytest.mark.parametrize("harm", [b"", b"this is no database" * 100])
def test_a_damaged_file_is_built_anew(book, harm):
    book.store([market(1)])
    book.catalogue()
    (book.lake.root / "_state" / "catalogue.sqlite").write_bytes(harm)
    for suffix in ("-wal", "-shm"):
        (book.lake.root / "_state" / f"catalogue.sqlite{suffix}").unlink(
            missing_ok=True
        )
    assert book.catalogue().counts()["markets"] == 1


def test_damage_behind_the_first_page_is_built_anew(book):
    book.store([market(1)])
    book.catalogue()
    gc.collect()
    path = book.lake.root / "_state" / "catalogue.sqlite"
    whole = path.read_bytes()
    page = int.from_bytes(whole[16:18], "big")
    path.write_bytes(whole[:page] + b"U" * (len(whole) - page))
    book.store([market(2)])
    assert book.catalogue().counts()["markets"] == 2


def test_a_file_of_another_format_is_built_anew(book):
    book.store([market(1)])
    path = book.lake.root / "_state" / "catalogue.sqlite"
    book.catalogue()
    db = sqlite3.connect(path)
    db.execute("pragma user_version = 99")
    db.execute("drop table markets")
    db.commit()
    db.close()
    assert book.catalogue().counts()["markets"] == 1


def test_what_a_run_has_put_counts_for_it_and_is_forgotten_if_it_never_lands(book):
    book.store([market(1)])
    known = book.catalogue()
    fresh = known.changed("markets", book.rows([market(1), market(2), market(2)]))
    assert [row["id"] for row in fresh] == ["2"]
    assert known.changed("markets", book.rows([market(2)])) == []
    assert known.by_slug(["market-2"])["market-2"].id == "2"
    assert book.catalogue().by_slug(["market-2"]) == {}


def test_an_older_row_is_no_change_and_an_embedded_one_gives_way(book):
    book.store([market(1, question="Now?", updatedAt=iso(T0 + 50))])
    known = book.catalogue()
    older = book.rows([market(1, question="Then?", updatedAt=iso(T0 + 40))])
    same = book.rows([market(1, question="Else?", updatedAt=iso(T0 + 50))])
    newer = book.rows([market(1, question="Next?", updatedAt=iso(T0 + 60))])
    assert known.changed("markets", older) == []
    assert known.changed("markets", same, embedded=True) == []
    assert known.changed("markets", newer, embedded=True) == newer
    assert known.changed("markets", same) == []


def test_two_markets_of_one_condition_are_told_apart(book):
    shared = {"conditionId": "0xAA"}
    book.store([market(1, **shared, volumeNum=5), market(2, **shared, volumeNum=9)])
    known = book.catalogue()
    assert known.market("0xaa").id == "2"
    assert set(known.by_id(["1", "2"])) == {"1", "2"}


def test_a_protocol_v2_condition_is_found_by_its_short_form(book):
    short = "0x" + "ab" * 31
    item = market(1, conditionId=short + "00", version="v2", positionIds=["8", "9"])
    book.store([item])
    assert book.catalogue().market(short).token_ids == ("8", "9")
    assert token_ids(market_row(item)) == ["8", "9"]


def test_all_markets_come_by_id_also_those_of_this_run(book):
    book.store([market(n) for n in range(1, 30)])
    known = book.catalogue()
    known.changed("markets", book.rows([market(5, closed=True), market(40)]))
    each = list(known.each())
    assert [int(m.id) for m in each] == [*range(1, 30), 40]
    assert each[4].closed is True
    assert known.counts() == {"markets": 30, "events": 0}


def test_overdue_and_watched_markets(book):
    book.store(
        [
            market(1, endDate=iso(T0)),
            market(2, endDate=iso(T0), closed=True),
            market(3, endDate=iso(T0 + 9_999_999)),
            market(4, conditionId=""),
            market(5, clobTokenIds=None),
            market(6, closed=True, umaResolutionStatus="disputed"),
            market(7, closed=True, umaResolutionStatus="resolved"),
        ]
    )
    known, now = book.catalogue(), T0 + 7 * SPACING
    assert [m.id for m in known.overdue(now)] == ["1"]
    assert [m.id for m in known.watched(now)] == ["4", "5", "6"]
    assert known.watched(now + 30 * 86_400) == []


def test_holes_are_seen(book):
    listed = market(1) | {"events": [{"id": "3", "slug": "e"}]}
    book.store([listed, market(4), market(5)])
    book.store([clob_market(1), clob_market(2), clob_market(9, condition_id="")],
               "clob_markets", clob_market_row)  # fmt: skip
    known = book.catalogue()
    assert list(missing_ids(known, below=8)) == [7, 6, 3, 2]
    assert unlisted_clob_markets(known) == [
        ("", "market-9"),
        (f"0x{2:064x}", "market-2"),
    ]
    assert events_without_row(known, of_this_run=False) == ["3"]
    assert events_without_row(known, of_this_run=True) == []
    known.changed("events", book.rows([{"id": "3"}], event_row))
    assert events_without_row(known, of_this_run=False) == []


def test_what_the_service_lacks_is_remembered(book):
    known = book.catalogue()
    note_absent(known, ["id:1"], asked_us=5_000_000)
    assert not_absent(known, ["id:1", "id:2"]) == ["id:2"]
    assert not_absent(known, ["id:1"], asked_since=6) == ["id:1"]


def test_blank_clob_markets_of_the_same_content_are_stored_once(book):
    blank = clob_market(0, condition_id="", market_slug="", question_id="")
    other = blank | {"question": "Q?"}
    known = book.catalogue()
    rows = book.rows([blank, blank, other], clob_market_row)
    assert len(known.changed("clob_markets", rows)) == 2
    assert known.changed("clob_markets", rows) == []
