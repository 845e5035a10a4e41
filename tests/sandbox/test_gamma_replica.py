"""Gamma's listings: clamps, cursors, defaults and omissions of the real ones."""

import json

import polars as pl
import pytest

KEYSET = "/gamma/markets/keyset"


def ids(rows):
    return [int(row["id"]) for row in rows]


def test_both_passes_give_every_listed_market_once_and_no_hidden_one(small):
    truth = small.box.truth()["markets"].filter(~pl.col("combo"))
    walked = small.markets(closed="true", limit=100) + small.markets(closed="false")
    assert len(ids(walked)) == len(set(ids(walked)))
    listed = truth.filter(~pl.col("hidden"))["id"].cast(pl.Int64)
    assert set(ids(walked)) == set(listed)


def test_without_closed_only_open_markets_come(tiny):
    assert all(row["closed"] is False for row in tiny.markets())
    assert all(row["closed"] is True for row in tiny.markets(closed="true"))


def test_limit_is_clamped_to_100_without_a_word(small):
    page = small.json(KEYSET, closed="true", limit=500)
    assert len(page["markets"]) == 100
    assert "next_cursor" in page
    assert len(small.json(KEYSET, closed="true")["markets"]) == 20


def test_an_exactly_full_last_page_is_followed_by_an_empty_one(tiny):
    total = len(tiny.markets())
    page = tiny.json(KEYSET, limit=total)
    assert len(page["markets"]) == total
    empty = tiny.json(KEYSET, limit=total, after_cursor=page["next_cursor"])
    assert empty["markets"] == []
    assert "next_cursor" not in empty


@pytest.mark.parametrize("name", ["cursor", "next_cursor"])
def test_a_cursor_under_another_name_gives_page_one_for_ever(tiny, name):
    page = tiny.json(KEYSET, limit=3)
    again = tiny.json(KEYSET, limit=3, **{name: page["next_cursor"]})
    assert ids(again["markets"]) == ids(page["markets"])


@pytest.mark.parametrize(
    ("path", "params", "text"),
    [
        (KEYSET, {"offset": 1}, "offset is not allowed on keyset endpoints"),
        (KEYSET, {"after_cursor": "nonsense"}, "cursor"),
        (KEYSET, {"order": "volume_num"}, "order"),
        (KEYSET, {"condition_ids": [f"0x{i:064x}" for i in range(101)]}, "100"),
        ("/gamma/markets", {"offset": 2001}, "offset too large, use /markets/keyset"),
        ("/gamma/events", {"offset": 2001}, "offset too large, use /events/keyset"),
    ],
)
def test_a_refusal_is_a_422_in_gammas_words(tiny, path, params, text):
    answer = tiny.get(path, **params)
    assert answer.status_code == 422
    assert answer.json()["type"] == "validation error"
    assert text in answer.json()["error"]


def test_unknown_filters_are_ignored(tiny):
    assert tiny.json(KEYSET, negRiskMarketID="0x00") == tiny.json(KEYSET)


def test_lists_are_in_ascending_id_order_unless_asked_otherwise(small):
    assert ids(small.markets(closed="true")) == sorted(
        ids(small.markets(closed="true"))
    )
    down = small.markets(closed="true", order="id", ascending="false", limit=30)
    assert ids(down) == sorted(ids(down), reverse=True)


@pytest.mark.parametrize(
    "order", ["volumeNum", "closedTime", "startDate", "endDate", "createdAt"]
)
def test_an_ordered_walk_gives_every_market_once(small, order):
    walked = small.markets(closed="true", order=order, ascending="false", limit=33)
    assert sorted(ids(walked)) == sorted(ids(small.markets(closed="true")))
    if order == "volumeNum":
        volumes = [row["volumeNum"] for row in walked]
        assert volumes == sorted(volumes, reverse=True)


def test_a_hidden_market_answers_by_slug_and_id_and_in_no_list(tiny):
    hidden = tiny.box.truth()["markets"].filter(pl.col("hidden")).row(0, named=True)
    by_slug = tiny.json(f"/gamma/markets/slug/{hidden['slug']}")
    assert by_slug["conditionId"] == hidden["condition_id"]
    assert tiny.json(f"/gamma/markets/{hidden['id']}")["id"] == hidden["id"]
    for closed in ("true", "false"):
        for name in ("slug", "condition_ids"):
            value = hidden["slug" if name == "slug" else "condition_id"]
            listed = tiny.json(KEYSET, closed=closed, **{name: value})
            assert listed["markets"] == []
        assert hidden["id"] not in map(str, ids(tiny.markets(closed=closed)))


def test_an_unknown_market_is_a_404(tiny):
    assert tiny.get("/gamma/markets/999999999").status_code == 404
    assert tiny.get("/gamma/markets/slug/no-such").status_code == 404


def test_markets_are_found_by_condition_token_position_and_tag(tiny):
    truth = tiny.box.truth()["markets"].filter(~pl.col("hidden") & ~pl.col("combo"))
    for row in truth.group_by("kind").first().to_dicts():
        closed = str(row["closed"]).lower()
        found = tiny.json(KEYSET, closed=closed, condition_ids=row["condition_id"])
        assert ids(found["markets"]) == [int(row["id"])]
        name = "position_ids" if row["version"] == "v2" else "clob_token_ids"
        found = tiny.json(KEYSET, closed=closed, **{name: row["token_ids"][0]})
        assert ids(found["markets"]) == [int(row["id"])]
    crypto = tiny.markets(tag_id=21, closed="true", include_tag="true")
    assert crypto
    assert all("21" in [tag["id"] for tag in row["tags"]] for row in crypto)


def test_two_ids_may_be_asked_at_once_by_repeating_the_parameter(tiny):
    first, second = tiny.markets()[:2]
    wanted = [first["conditionId"], second["conditionId"]]
    found = tiny.json(KEYSET, condition_ids=wanted)["markets"]
    assert ids(found) == ids([first, second])


def test_dates_and_volumes_bound_a_listing(small):
    rows = small.markets(closed="true")
    edge = "2026-06-01T00:00:00Z"
    late = small.markets(closed="true", end_date_min=edge)
    assert set(ids(late)) == {int(r["id"]) for r in rows if r["endDate"] >= edge}
    big = small.markets(closed="true", volume_num_min=1000)
    assert set(ids(big)) == {int(r["id"]) for r in rows if r["volumeNum"] >= 1000}


def test_lists_inside_strings_numbers_inside_strings_and_absent_keys(small):
    rows = small.markets(closed="true") + small.markets()
    for row in rows:
        assert isinstance(json.loads(row["outcomes"]), list)
        assert isinstance(row.get("volume", "0"), str)
        assert isinstance(row["volumeNum"], int | float)
    assert len({frozenset(row) for row in rows}) > 10
    modern = [row for row in rows if int(row["id"]) > 10_000]
    assert any("outcomePrices" not in row for row in modern)
    assert any("clobTokenIds" not in row for row in rows)
    assert any(row["feeType"] is None for row in rows)
    assert {type(row["volumeNum"]) for row in rows} == {int, float}


def test_legacy_markets_have_many_outcomes_zero_prices_and_volume_without_trades(small):
    rows = [row for row in small.markets(closed="true") if int(row["id"]) < 10_000]
    assert rows[0]["id"] == "12"
    assert any(len(json.loads(row["outcomes"])) > 2 for row in rows)
    assert any(set(json.loads(row["outcomePrices"])) == {"0"} for row in rows)
    assert all(
        row["marketMakerAddress"] != row["marketMakerAddress"].lower() for row in rows
    )
    traded = next(row for row in rows if row["volumeNum"] > 0)
    assert small.trades(condition=traded["conditionId"]) == []


def test_protocol_v2_markets_carry_position_ids(small):
    rows = [row for row in small.markets() if row.get("version") == "v2"]
    assert rows
    for row in rows:
        assert len(row["conditionId"]) == 64
        number = int(row["conditionId"], 16) << 8
        assert row["positionIds"] == [str(number), str(number | 1)]


def test_neg_risk_siblings_share_their_question_id_but_for_the_last_byte(small):
    events = small.json("/gamma/events/keyset", limit=100, closed="false")["events"]
    event = next(e for e in events if e["negRisk"] and len(e["markets"]) > 1)
    stems = {market["questionID"][:-2] for market in event["markets"]}
    assert stems == {event["negRiskMarketID"][:-2]}


def test_closed_time_has_a_blank_and_may_lie_before_the_deadline(small):
    rows = small.markets(closed="true")
    assert all(row["closedTime"].endswith("+00") for row in rows)
    early = [row for row in rows if row["closedTime"][:10] < row["endDate"][:10]]
    assert 0.1 < len(early) / len(rows) < 0.6


def test_statuses_split_payouts_and_odd_blanks_occur(small):
    rows = small.markets(closed="true") + small.markets()
    statuses = {row.get("umaResolutionStatus") for row in rows}
    assert statuses == {None, "proposed", "disputed", "resolved"}
    assert any(row.get("outcomePrices") == '["0.5", "0.5"]' for row in rows)
    assert any(not row["question"].isascii() for row in rows)
    assert any(row["question"] != " ".join(row["question"].split()) for row in rows)


def test_an_event_has_number_volumes_and_leaves_its_markets_out_when_asked(tiny):
    page = tiny.json("/gamma/events/keyset", limit=5)
    assert all(isinstance(e["volume"], int | float) for e in page["events"])
    assert all("markets" in e for e in page["events"])
    bare = tiny.json("/gamma/events/keyset", limit=5, include_markets="false")
    assert all("markets" not in e for e in bare["events"])
    event = page["events"][0]
    assert tiny.json(f"/gamma/events/slug/{event['slug']}")["id"] == event["id"]


def test_old_listings_say_that_they_are_deprecated_and_are_bare_arrays(tiny):
    answer = tiny.get("/gamma/markets", limit=3)
    assert answer.headers["deprecation"] == "true"
    assert isinstance(answer.json(), list)


def test_updown_markets_are_found_by_series_and_by_their_clock_slug(tiny):
    page = tiny.json("/gamma/events/keyset", series_id=10684, limit=100)
    event = page["events"][0]
    opens = int(event["slug"].rsplit("-", 1)[1])
    assert opens % 300 == 0
    assert tiny.json(f"/gamma/markets/slug/{event['slug']}")["slug"] == event["slug"]
