"""Which version of the Data API serves trades, and how far behind now it is.

Decided once, at the start of a run: v1 is used only where v2 says 404 or 410, never
because it is slow or broken today.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from fetcher.errors import FetchError, Gone, HostUnreachable
from fetcher.http import Api
from fetcher.polymarket.asking import GROUPS, PATH
from fetcher.polymarket.trade_layout import Version
from fetcher.polymarket.trade_rows import read_page
from settings.errors import PolylakeError

if TYPE_CHECKING:
    from fetcher.run import Run

log = logging.getLogger(__name__)

STATUS_PATH = "/v2/status"
STATUS_GROUPS = ("data_v2_all",)
V1_PATH = "/trades"
V1_GROUPS = ("data_v1_all", "data_v1_trades")

# What the feed is taken to be behind by when nobody says: as much as a slow minute.
UNKNOWN_LAG_SECONDS = 60


@dataclass(frozen=True)
class DataService:
    """The Data API as this run found it.

    What is covered is told by the exchange's clock, for that is the one its rows are
    stamped with. It is known as well as its status says: `skew` is the least that it
    is ahead of ours, in seconds, and `slack` how much more it may be.
    """

    version: Version
    lag_seconds: int
    skew: float
    clock: Callable[[], float]
    slack: float = 0.0

    def now(self) -> float:
        """The earliest that it can be there, in unix seconds."""
        return self.clock() + self.skew

    def latest(self) -> float:
        """The latest that it can be there, in unix seconds."""
        return self.clock() + self.skew + self.slack


def service_of(run: Run) -> DataService:
    """The Data API as this run found it when it was first asked for."""
    if run.lake not in _FOUND:
        wanted = run.settings.apis.data.version
        _FOUND[run.lake] = find_service(run.data, wanted, run.clock)
    return _FOUND[run.lake]


_FOUND: WeakKeyDictionary[Any, DataService] = WeakKeyDictionary()


def find_service(api: Api, wanted: str, clock: Callable[[], float]) -> DataService:
    """Find out which version to use (`wanted` is auto, v2 or v1), and its lag."""
    version = _version(api, wanted)
    if version == "v1":
        return DataService("v1", UNKNOWN_LAG_SECONDS, 0.0, clock)
    try:
        answer = api.get(STATUS_PATH, groups=STATUS_GROUPS)
        asked_at = clock()
        lag, skew, slack = read_status(answer.json(), asked_at=asked_at)
        if answer.served_at is not None:  # of two clocks that differ the earlier counts
            ahead = answer.served_at.timestamp() - asked_at
            slack, skew = slack + max(0.0, skew - ahead), min(skew, ahead)
    except HostUnreachable:
        raise
    except FetchError as error:
        log.warning(
            "%s does not say how far behind it is (%s); taken as %d seconds",
            STATUS_PATH,
            error,
            UNKNOWN_LAG_SECONDS,
        )
        lag, skew, slack = UNKNOWN_LAG_SECONDS, 0.0, 0.0
    return DataService("v2", lag, skew, clock, slack)


def read_status(value: Any, *, asked_at: float) -> tuple[int, float, float]:
    """Lag of the trades feed, the service's clock minus ours, and how much more."""
    data = value.get("data") if isinstance(value, dict) else None
    status = data if isinstance(data, dict) else {}
    serving = status.get("serving")
    serving = serving if isinstance(serving, dict) else {}
    ages = [serving.get("lag_seconds")] + [
        one.get("age_seconds")
        for one in serving.get("mechanisms") or []
        if isinstance(one, dict) and one.get("name") == "activity_feed"
    ]
    known = [age for age in ages if isinstance(age, int | float) and age >= 0]
    lag = int(max(known)) + 1 if known else UNKNOWN_LAG_SECONDS
    try:
        computed = datetime.fromisoformat(status["computed_at"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return lag, 0.0, 0.0
    age = status.get("age_seconds")
    slack = float(age) if isinstance(age, int | float) and age > 0 else 0.0
    return lag, computed - asked_at, slack


def _version(api: Api, wanted: str) -> Version:
    if wanted == "v1":
        return "v1"
    if wanted == "v2":
        return "v2"
    try:
        api.load(
            PATH, [("taker_only", "false"), ("limit", "1")], read_page, groups=GROUPS
        )
    except Gone as v2_is_gone:
        try:
            api.get(V1_PATH, [("limit", "1")], groups=V1_GROUPS)
        except Gone as v1_is_gone:
            raise PolylakeError(
                f"The Data API serves trades neither as v2 ({v2_is_gone}) nor as v1 "
                f"({v1_is_gone}). Check apis.data.base_url in the configuration."
            ) from v1_is_gone
        log.warning(
            "Data API v2 is gone (%s): using v1, which cannot reach all trades of "
            "large markets; those will be partial",
            v2_is_gone,
        )
        return "v1"
    return "v2"
