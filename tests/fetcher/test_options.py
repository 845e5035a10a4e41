"""What the user writes is checked before anything is started."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fetcher.options import (
    Options,
    amount_of,
    market_of,
    seconds_of,
    shard_of,
    wallet_of,
)
from settings.errors import UsageError

NEW_YEAR = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01", NEW_YEAR),
        (" 2026-01-01 ", NEW_YEAR),
        ("2026-01-01T00:00:10Z", NEW_YEAR + 10),
        ("2026-01-01 00:00:10", NEW_YEAR + 10),
        ("2026-01-01T02:00:00+02:00", NEW_YEAR),
        ("2026-01-01T00:00:10.001Z", NEW_YEAR + 11),
        ("1970-01-01", 0),
    ],
)
def test_days_and_times_are_utc(text, seconds):
    assert seconds_of(text, option="--since") == seconds


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-02-30", "1969-12-31", "01/02/2026"]
)
def test_what_is_no_date_is_named(text):
    with pytest.raises(UsageError, match="--until must"):
        seconds_of(text, option="--until")


def test_since_must_be_before_until():
    assert Options(since=NEW_YEAR, until=NEW_YEAR + 1).since == NEW_YEAR
    with pytest.raises(UsageError, match=r"--since \(2026-01-01\) must be before"):
        Options(since=NEW_YEAR, until=NEW_YEAR)
    with pytest.raises(UsageError, match="--ends-after"):
        Options(ends_after=2, ends_before=1)


def test_a_shard_is_a_part_of_so_many():
    assert shard_of("2/8") == (2, 8)
    for text in ("0/8", "9/8", "2", "a/b", "1/0", "-1/2", "1/2/3", ""):
        with pytest.raises(UsageError, match="--shard"):
            shard_of(text)


def test_a_market_is_named_by_id_slug_or_url():
    for name in ("0x" + "aB" * 32, "0x" + "a" * 62, "will-it-rain", "0xavier-wins"):
        assert market_of(f" {name} ") == name
    for name in ("", " ", "two words", "0x12", "0x" + "a" * 65):
        with pytest.raises(UsageError, match="--market"):
            market_of(name)


def test_a_wallet_is_an_address_in_any_case():
    assert wallet_of("0x" + "AB" * 20) == "0x" + "ab" * 20
    with pytest.raises(UsageError, match="--wallet"):
        wallet_of("0x" + "AB" * 19)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_amounts_are_finite_and_not_negative(value):
    assert amount_of(None, option="--timeout") is None
    assert amount_of(0.0, option="--timeout") == 0.0
    with pytest.raises(UsageError, match="--timeout"):
        amount_of(value, option="--timeout")
