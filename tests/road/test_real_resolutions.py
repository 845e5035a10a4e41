"""Real settled markets, their captured fills and how they ended, through to gold.

The captures are of several hands: market objects reduced to a dozen fields with the
outcome that won, a list of markets with outcomes and closing times, the order book's
winner flags of the markets that one wallet traded, and fills of some of all these.
Every value is as captured; what the service sends and the captures left out (Gamma's
id, the flags closed and resolved of what is said to be resolved) is filled in here.
"""

from __future__ import annotations

import gzip
import json
from datetime import datetime

import pytest
import real_payloads as real
from user_home import Home

from sandbox.testing import sandbox_server

SETTINGS = """
[workers]
markets = 1
events = 1
[trades]
taker_walk = false
pack_rows = 1000000000
"""
REDUCED = "johnstew324__polymarket-whale-watch/gamma_resolved_markets_subset.json.gz"
LISTED = "anthonylin99__polymarket-insider-detection/markets_discovered.csv.gz"
WINNERS = f"{real.ACHENZY}/market_resolution_59.json.gz"
PEACE_PRIZE = "Will {} win the Nobel Peace Prize in 2025?"


def reduced_markets() -> dict[str, dict]:
    """The reduced market objects by condition, the first of equal ones."""
    found: dict[str, dict] = {}
    for item in real.rows_of(REDUCED):
        if item["conditionId"]:
            found.setdefault(item["conditionId"], item)
    return found


def winners() -> dict[str, dict[str, bool]]:
    return json.loads(gzip.decompress(real.path_of(WINNERS).read_bytes()))


def captured_fills() -> list[dict]:
    return [*real.capped_rows()[:1_500], *real.rows_of(real.TRADES[0])]


def as_served(number: int, item: dict, tokens: dict[int, str]) -> dict:
    """A reduced market object with what Gamma sends besides."""
    served = {key: value for key, value in item.items() if key != "resolvedOutcome"}
    if len(tokens) == 2:
        served["clobTokenIds"] = json.dumps([tokens[0], tokens[1]])
    return served | {
        "id": str(8_000_000 + number),
        "slug": f"captured-{number}",
        "closed": True,
        "umaResolutionStatus": "resolved",
    }


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A user who has fetched these markets and fills over HTTP."""
    fills = captured_fills()
    tokens: dict[str, dict[int, str]] = {}
    for row in fills:
        tokens.setdefault(row["conditionId"], {})[row["outcomeIndex"]] = row["asset"]
    listed = {row["condition_id"]: row for row in real.table_of(LISTED)}
    items = list(reduced_markets().values())
    for condition, won in winners().items():
        item = {"conditionId": condition, "question": "?"}
        if condition in listed:
            row = listed[condition]
            item |= {
                "question": row["market_question"],
                "closedTime": row["closed_time"],
                "outcomes": json.dumps(row["outcomes"].split("|")),
            }
        items.append(item | {"clobTokenIds": json.dumps(list(won))})
    books = [
        {
            "condition_id": condition,
            "question": "?",
            "closed": True,
            "tokens": [
                {
                    "token_id": token,
                    "outcome": ("Yes", "No")[place],
                    "winner": is_winner,
                }
                for place, (token, is_winner) in enumerate(won.items())
            ],
        }
        for condition, won in winners().items()
    ]
    folder = real.Folder(tmp_path_factory.mktemp("payloads"))
    folder.catalogue(
        [
            as_served(number, item, tokens.get(item["conditionId"], {}))
            for number, item in enumerate(items)
        ]
    )
    folder.trades(fills)
    folder.route("/clob/markets", books, wrap="clob")
    folder.route("/data/v2/resolutions", [], wrap="v2")
    with sandbox_server(
        payloads=folder.path, size="tiny", pace=100.0, cdn=False
    ) as box:
        user = Home(tmp_path_factory.mktemp("home"), box, SETTINGS)
        user.fetch("--mode", "markets")
        user.fetch("--mode", "trades")
        user.ingest()
        yield user


def test_the_captured_outcome_of_every_resolved_market_is_the_winner(user):
    items = reduced_markets()
    rows = user.ask(
        "select condition_id, winning_outcome, is_split, payouts "
        "from gold.market_resolutions"
    )
    held = {row["condition_id"]: row for row in rows.to_dicts()}
    named, unnamed = 0, []
    for condition, item in items.items():
        row = held[condition]
        if row["winning_outcome"] is None:
            unnamed.append((item["outcomePrices"], row["is_split"]))
            continue
        assert row["winning_outcome"] == item["resolvedOutcome"], item["question"]
        named += 1
    assert (named, len(items)) == (2_694, 2_781)
    # the capture has a word for those too, made of the greater price: a price is
    # no payout, and one that is missing is none at all
    assert all(
        prices is None or set(json.loads(prices)).isdisjoint({"0", "1"})
        for prices, _ in unnamed
    )
    assert [prices for prices, is_split in unnamed if is_split] == [
        '["0.5", "0.5"]'
    ] * 2


def test_the_order_books_winners_are_what_their_tokens_pay(user):
    rows = user.ask("select token_id, payout from gold.market_outcomes")
    paid = dict(rows.rows())
    told = {token: won for pair in winners().values() for token, won in pair.items()}
    assert len(told) == 118
    assert {token: paid.get(token) for token in told} == {
        token: float(won) for token, won in told.items()
    }


def test_real_prices_before_real_resolutions(user):
    """Of ten settled markets fills from before their end are captured.

    Nine closed at 12:16:24 on 2025-10-10, so the price an hour before is that of the
    last fill up to 11:16:24; all of them came false. The last fill of the tenth was on
    its second outcome, at 0.8, 15:44:03 before the day before its end.
    """
    rows = user.ask(
        "select question, horizon, round(price, 9) as price, payout, "
        "round(brier_score, 9) as brier_score, "
        "price_at, round(price_age_hours, 6) as hours "
        "from gold.calibration order by question, horizon_hours"
    ).rows()
    found = {(question, horizon): rest for question, horizon, *rest in rows}
    assert len(found) == 11
    prize = {
        "Greta Thunberg": (0.001, "10:39:28"),
        "International Court of Justice": (0.001, "10:31:42"),
        "Julian Assange": (0.001, "08:23:54"),
        "Marco Rubio": (0.001, "09:00:44"),
        "Pope Leo XIV": (0.001, "09:30:24"),
        " Sudan's Emergency Response Rooms": (0.001, "11:00:46"),
        "UNRWA": (0.001, "11:10:36"),
        "Ursula von der Leyen": (0.004, "08:34:00"),
        "Zuriel Oduwole": (0.004719314, "08:57:56"),
    }
    asked = datetime.fromisoformat("2025-10-10 11:16:24")
    for who, (price, time) in prize.items():
        at = datetime.fromisoformat(f"2025-10-10 {time}")
        age = round((asked - at).total_seconds() / 3600, 6)
        brier = round(price**2, 9)
        row = found[PEACE_PRIZE.format(who), "1h"]
        assert row == [price, 0.0, pytest.approx(brier, abs=2e-9), at, age], who
    mamdani = "Will Zohran Mamdani be the #2 searched person on Google this year?"
    at = datetime.fromisoformat("2025-12-02 16:04:32")
    assert found[mamdani, "1h"] == [0.2, 0.0, 0.04, at, round(38 + 2643 / 3600, 6)]
    assert found[mamdani, "1d"] == [0.2, 0.0, 0.04, at, round(15 + 2643 / 3600, 6)]
