"""A run costs what happened since the last one, not how many markets exist."""

from __future__ import annotations


def requests_for_news(user) -> int:
    """Fetch all, let twenty matches happen, and count what the next run asks."""
    user.fetch()
    user.box.advance(7_200)
    user.fetch()
    user.box.admin("inject", kind="late", seconds=60, count=20, purge=True)
    user.box.advance(600)
    user.box.forget_requests()
    summary = user.fetch()
    assert summary["datasets"]["trades"]["rows_new"] >= 40
    asked = user.box.requests()["routes"]
    return sum(asked.values())


def test_the_same_news_costs_the_same_in_a_small_and_in_a_large_universe(home):
    with home(size="tiny", ahead_days=0.0) as user:
        small = requests_for_news(user)
    (user.folder / "cursor.json").unlink()
    (user.folder / "data").rename(user.folder / "small")
    with home(size="tiny", ahead_days=0.0, markets=240, fills=2_400) as user:
        large = requests_for_news(user)
    # The large one has news of its own: some markets are new in that time, and
    # resolutions and open interest ask about twenty of them a request.
    assert large <= small + 20, (small, large)
