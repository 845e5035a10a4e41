"""What people type selects the markets they mean, fresh from Gamma, or is refused."""

from __future__ import annotations

import pytest
from catalogue_rig import Rig
from fake_gamma import SPACING, T0, FakeClob, FakeGamma, clob_market, event, iso, market

from fetcher.options import Options
from fetcher.polymarket.addresses import Address, event_address, market_address
from fetcher.polymarket.markets import fetch_markets
from fetcher.polymarket.selection import chosen, selects
from settings.errors import UsageError

NOW = T0 + 10_000_000
POLITICS = {"id": "2", "label": "US Politics", "slug": "us-politics"}
SPORTS = {"id": "9", "label": "Sports", "slug": "sports-tag"}
CONDITION = f"0x{7:064x}"


def exchange() -> FakeGamma:
    """30 markets, every third closed; five to an event, events 0 to 2 are politics."""
    markets = [
        market(
            n,
            closed=n % 3 == 0,
            endDate=iso(T0 + n * SPACING),
            tags=[POLITICS if n < 15 else SPORTS],
        )
        for n in range(30)
    ]
    events = [
        event(n, markets[n * 5 : n * 5 + 5], tags=[POLITICS if n < 3 else SPORTS])
        for n in range(6)
    ]
    gamma = FakeGamma(markets, events)
    gamma.tags = [POLITICS, SPORTS]
    return gamma


@pytest.fixture
def select(tmp_path):
    def ask(gamma=None, clob=None, **options) -> list[int] | None:
        rig = Rig(tmp_path)
        services = (gamma or exchange(), clob or FakeClob())
        with rig.run(*services, clock=lambda: NOW, **options) as run:
            found = chosen(run)
            assert chosen(run) == found  # asked for once
            assert run.tally.failures() == []
        return None if found is None else [int(m.id) for m in found]

    return ask


def test_without_options_nothing_is_selected_and_nothing_asked(select):
    gamma = exchange()
    assert select(gamma, wallets=("0xab",), since=5, full=True) is None
    assert gamma.asked == []
    assert not selects(Options(deep_history=True))


@pytest.mark.parametrize(
    "text",
    [
        CONDITION,
        CONDITION.upper().replace("0X", "0x"),
        "market-7",
        "https://polymarket.com/event/event-1/market-7",
        "polymarket.com/event/event-1/market-7?tid=17#comments",
        "https://www.polymarket.com/es/market/market-7/",
    ],
)
def test_a_market_is_named_by_condition_id_slug_or_url(select, text):
    assert select(markets=(text,)) == [7]


@pytest.mark.parametrize(
    "text", ["event-1", "https://polymarket.com/event/event-1",
             "https://polymarket.com/event/event-1/market-7",
             "https://polymarket.com/sports/nfl/games/week/1/event-1"],
)  # fmt: skip
def test_an_event_brings_all_its_markets_open_and_closed(select, text):
    assert select(events=(text,)) == [9, 8, 7, 6, 5]


def test_the_url_of_an_event_given_as_a_market_means_its_markets(select):
    assert select(markets=("https://polymarket.com/event/event-1",)) == [9, 8, 7, 6, 5]


def test_several_names_add_up_and_options_narrow_each_other_down(select):
    assert select(markets=("market-7", "market-9"), events=("event-1",)) == [9, 7]
    assert select(markets=("market-7",), events=("event-2",)) == []
    assert select(events=("event-2", "event-3"), tags=("sports-tag",)) == [
        19, 18, 17, 16, 15,
    ]  # fmt: skip
    assert select(markets=("market-3", "market-20"), tags=("us-politics",)) == [3]


@pytest.mark.parametrize("name", ["us-politics", "US Politics", "us politics"])
def test_a_tag_is_named_by_slug_or_label(select, name):
    assert select(tags=(name,)) == list(range(14, -1, -1))


def test_a_label_unlike_its_slug_is_found_in_the_list_of_tags(select):
    assert select(tags=("Sports",), limit=2) == [29, 28]


def test_ends_and_volume_narrow_down_after_is_inclusive_before_is_not(select):
    after, before = T0 + 10 * SPACING, T0 + 14 * SPACING
    assert select(ends_after=after, ends_before=before) == [13, 12, 11, 10]
    assert select(ends_after=after, ends_before=before, min_volume=12) == [13, 12]
    assert select(events=("event-2",), min_volume=13.0) == [14, 13]


def test_limit_takes_the_markets_with_most_volume_and_asks_for_no_more(select):
    gamma = exchange()
    gamma.markets += [market(n, volumeNum=n / 1000) for n in range(100, 900)]
    assert select(gamma, limit=4) == [29, 28, 27, 26]
    assert len(gamma.asked) == 2


def test_limit_beyond_all_volumes_takes_the_rest_too(select):
    gamma = FakeGamma([market(1), market(2, volumeNum=None), market(3, closed=True)])
    assert select(gamma, limit=10) == [3, 1, 2]


def test_a_market_in_no_listing_is_selected_by_condition_id_through_the_order_book(
    select,
):
    gamma = exchange()
    gamma.hidden = {"7"}
    assert select(gamma, FakeClob([clob_market(7)]), markets=(CONDITION,)) == [7]


@pytest.mark.parametrize(
    "options",
    [
        {"markets": ("no-such-market",)},
        {"markets": ("0x" + "f" * 64,)},
        {"markets": ("0x1234",)},
        {"markets": ("https://example.com/event/event-1",)},
        {"markets": ("https://polymarket.com/portfolio",)},
        {"events": ("no-such-event",)},
        {"events": ("two words",)},
        {"events": ("https://polymarket.com/market/market-7",)},
        {"tags": ("no-such-tag",)},
        {"tags": (" ",)},
    ],
)
def test_an_unknown_name_is_wrong_usage_that_names_it(select, options):
    ((_, (name,)),) = options.items()
    with pytest.raises(UsageError) as caught:
        select(**options)
    assert name in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("ignored", "options"),
    [
        ("tag_id", {"tags": ("us-politics",)}),
        ("include_tag", {"tags": ("us-politics",)}),
        ("end_date_min", {"ends_after": T0 + 9_000}),
        ("end_date_max", {"ends_before": T0 + 9_000}),
        ("volume_num_min", {"min_volume": 9.0}),
    ],
)
def test_a_filter_that_is_ignored_selects_nothing_and_is_reported(
    tmp_path, ignored, options
):
    gamma = exchange()
    gamma.ignored = {ignored}
    with Rig(tmp_path).run(gamma, clock=lambda: NOW, **options) as run:
        assert chosen(run) == []
    assert any("the filter was ignored" in f.why for f in run.tally.failures())


def test_selected_markets_are_stored_and_the_rest_of_the_exchange_left_alone(tmp_path):
    rig, gamma = Rig(tmp_path), exchange()
    with rig.run(gamma, clock=lambda: NOW, events=("event-1",)) as run:
        fetch_markets(run)
    assert sorted(map(int, rig.latest("markets"))) == [5, 6, 7, 8, 9]
    assert list(rig.latest("events")) == ["1"]
    assert gamma.asked == ["/events/slug/event-1"]


def test_addresses_are_read_without_asking_anybody():
    short = "0x" + "A" * 62
    assert market_address(f" {short} ") == Address(condition_id=short.lower())
    url = "http://polymarket.com/pt-br/event/Some-Event/Some-Market"
    both = Address(market_slug="some-market", event_slug="some-event")
    assert market_address(url) == both
    assert event_address(url) == Address(event_slug="some-event")
