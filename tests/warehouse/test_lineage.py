"""From fills back to the bronze files and requests that brought them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from click.testing import CliRunner
from deltalake import write_deltalake
from exchange import NOON, Exchange, keep, minutes

from bronze import DATASETS
from settings.errors import UsageError
from warehouse.bronze_log import UnreadableLog, open_bronze
from warehouse.cli import main
from warehouse.lineage import NoSuchOrigin, Span, behind, find_subject, trace
from warehouse.views import gold_views

FETCHED = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
LATER = NOON + minutes(100)


@pytest.fixture
def traced(tmp_path):
    """A warehouse with two markets, and the lake with the rows that it came from."""
    exchange = Exchange()
    first, second = exchange.market(slug="first-market"), exchange.market()
    exchange.match(first, "10")
    exchange.match(second, "3")
    exchange.walk(first, second, at=LATER)
    rows = [
        {
            "transaction_hash": "0x" + fill.hash.hex().upper(),
            "condition_id": f"0x{fill.market:064x}",
            "timestamp": int(fill.at.replace(tzinfo=UTC).timestamp()),
            "fetched_at": FETCHED,
            "walk_id": "m1",
            "page_no": fill.market - 1,
            "row_no": number,
            "dt": NOON.date().isoformat(),
        }
        for number, fill in enumerate(exchange.fills)
    ]
    pages = [
        {
            "kind": "page",
            "dataset": "trades",
            "walk_id": "m1",
            "page_no": page,
            "request": f"/v2/trades?cursor={page}",
            "trace_id": f"trace {page}",
            "dt": FETCHED.date().isoformat(),
        }
        for page in (0, 1)
    ]
    for name, listed in (("trades", rows), ("walks", pages)):
        write_deltalake(
            tmp_path / name, pa.Table.from_pylist(listed), partition_by="dt"
        )
    return exchange, exchange.filled(), tmp_path


def origins(traced, text):
    _, db, lake = traced
    return trace(db, lake, find_subject(db, text), limit=10)


def test_a_market_leads_to_its_pages_and_requests(traced):
    (page,) = origins(traced, f"0x{1:064x}")
    assert (page.walk_id, page.page_no, page.rows) == ("m1", 0, 2)
    assert page.row_nos == (0, 1)
    assert page.request == "/v2/trades?cursor=0"
    assert page.trace_id == "trace 0"
    assert page.file.startswith(f"trades/dt={NOON.date()}/")


def test_a_slug_stands_for_its_market(traced):
    assert origins(traced, "first-market") == origins(traced, f"0X{1:064X}")


def test_a_transaction_leads_to_its_rows_alone(traced):
    exchange, _, _ = traced
    (page,) = origins(traced, "0x" + exchange.fills[2].hash.hex())
    assert (page.page_no, page.rows, page.row_nos) == (1, 2, (2, 3))


def test_a_day_leads_to_all_its_pages(traced):
    assert [page.page_no for page in origins(traced, "2026-11-01")] == [0, 1]
    assert origins(traced, "2026-11-05") == []


def test_only_files_that_the_log_lists_are_read(traced):
    _, _, lake = traced
    (file,) = (lake / "trades").glob("dt=*/*.parquet")
    (file.parent / "left-over.parquet").write_bytes(file.read_bytes())
    (page,) = origins(traced, "first-market")
    assert page.rows == 2
    assert len(open_bronze(lake, "trades").files([NOON.date()])) == 1


def test_a_page_leads_to_its_request_and_a_row_to_its_file(traced):
    (page,) = origins(traced, "m1/0")
    assert (page.rows, page.request) == (2, "/v2/trades?cursor=0")
    (row,) = origins(traced, "m1/1/3")
    assert (row.rows, row.row_nos, row.trace_id) == (1, (3,), "trace 1")
    with pytest.raises(NoSuchOrigin, match="m2"):
        origins(traced, "m2/0")


def test_a_span_of_time_leaves_out_other_fills(traced):
    _, db, lake = traced
    subject = find_subject(db, "first-market")
    for span, rows in (
        (Span(NOON, NOON + minutes(1)), 2),
        (Span(until=NOON), 0),
        (Span(since=NOON + minutes(1)), 0),
        (Span(NOON + minutes(2000)), 0),
    ):
        found = trace(db, lake, subject, limit=10, span=span)
        assert sum(page.rows for page in found) == rows


def test_a_view_rests_on_the_datasets_that_its_sources_read(traced):
    _, _, lake = traced
    for name in sorted(set(DATASETS) - {"trades", "walks"}):
        write_deltalake(lake / name, pa.table({"condition_id": ["0x"], "dt": ["1"]}))
    fills = {"trades", "taker_trades"}
    assert set(behind("gold.trades", lake)) >= {*fills, "markets"}
    assert set(behind("daily_volume", lake)) >= {*fills, "markets"}
    assert set(behind("market_completeness", lake)) >= {*fills, "live_volume"}
    assert set(behind("UnbalancedMatch", lake)) == fills
    for view in gold_views():
        assert behind(view.name, lake), view.name
    with pytest.raises(UsageError, match="no_such_view"):
        behind("no_such_view", lake)


@pytest.mark.parametrize("content", ["", '{"commitInfo"', "\0\0"])
def test_a_torn_log_entry_is_passed_over(traced, content):
    _, _, lake = traced
    before = origins(traced, "first-market")
    (lake / "trades" / "_delta_log" / f"{1:020d}.json").write_text(content)
    assert origins(traced, "first-market") == before


def test_a_log_torn_throughout_is_one_sentence(traced):
    _, _, lake = traced
    (lake / "trades" / "_delta_log" / f"{0:020d}.json").write_text("{")
    with pytest.raises(UnreadableLog, match="fetch"):
        origins(traced, "first-market")


@pytest.mark.parametrize("text", ["nonsense", "2026-13-01", "0x12"])
def test_what_cannot_be_traced_is_wrong_usage(traced, text):
    _, db, _ = traced
    with pytest.raises(UsageError, match=text):
        find_subject(db, text)


def test_a_hash_that_nobody_knows_is_named(traced):
    _, db, _ = traced
    with pytest.raises(NoSuchOrigin, match="ingest"):
        find_subject(db, "0x" + "ab" * 32)


def test_the_command_prints_file_walk_and_request(traced, tmp_path):
    _, db, _ = traced
    path = tmp_path / "warehouse.duckdb"
    keep(db, path)
    config = tmp_path / "config.toml"
    config.write_text('[paths]\nlake = "."\nwarehouse = "warehouse.duckdb"\n')
    call = ["lineage", "first-market", "--config", str(config)]
    shown = CliRunner().invoke(main, call)
    assert shown.exit_code == 0, shown.output
    assert "walk m1 page 0  GET /v2/trades?cursor=0" in shown.output
    found = json.loads(CliRunner().invoke(main, [*call, "--json"]).output)
    assert found["kind"] == "market"
    assert found["origins"][0]["request"] == "/v2/trades?cursor=0"
