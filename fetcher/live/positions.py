"""The recorder of positions: the largest wallets of each active market, all the time.

`/v2/positions` is asked every few seconds; `/v2/holders`, which the service renews
every two minutes, at that pace: what the one leaves out the other may have. An empty
answer is recorded as empty, and a failed one as failed.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fetcher.answer import Answer, parse_json
from fetcher.errors import FetchError, Stopped, UnexpectedPayload
from fetcher.http import Api
from fetcher.live.failures import Failures
from fetcher.live.store import Row
from fetcher.polymarket.numbers import finite

log = logging.getLogger(__name__)

SERVICE = "positions"
TICK_SECONDS = 0.5
HOLDERS_SECONDS = 120.0
ALERT_AFTER = 5  # failures in a row
POSITIONS, HOLDERS = "positions", "holders"
_PATHS = {POSITIONS: "/v2/positions", HOLDERS: "/v2/holders"}
_GROUPS = {
    POSITIONS: ("data_v2_all", "data_v2_positions"),
    HOLDERS: ("data_v2_all",),
}
MOST_ROWS = 1_000  # of one answer
ASKING_THREADS = 8


@dataclass(frozen=True)
class Holding:
    """What a wallet holds of a token."""

    token_id: str
    proxy_wallet: str
    size: float
    avg_price: float | None = None
    current_value: float | None = None
    realized_pnl: float | None = None
    outcome_index: int | None = None


class Positions:
    """Polls the markets that `active` names; runs in the loop."""

    def __init__(
        self,
        data: Api,
        failures: Failures,
        add: Callable[[str, Iterable[Row]], None],
        now: Callable[[], int],
        active: Callable[[], Iterable[str]],
        *,
        run_id: str,
        every_seconds: float,
        wallets: int,
    ) -> None:
        self._data = data
        self._failures = failures
        self._add = add
        self._now = now
        self._active = active
        self._run_id = run_id
        self._every = {POSITIONS: every_seconds, HOLDERS: HOLDERS_SECONDS}
        self._wallets = wallets
        self._due: dict[tuple[str, str], float] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[None]] = {}
        # How often in a row each question failed, and when it first did (unix ns).
        self._failed: dict[tuple[str, str], tuple[int, int]] = {}
        self._threads = ThreadPoolExecutor(ASKING_THREADS, "capture-positions")
        self._alerts: dict[str, str] = {}
        self._polls = 0
        self.counts = {"whole": 0, "partial": 0, "empty": 0, "failed": 0}

    async def run(self) -> None:
        """Go on until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                now = loop.time()
                active = set(self._active())
                for key in [key for key in self._due if key[0] not in active]:
                    del self._due[key]
                    self._succeeded(key)  # nobody asks any more
                for market in active:
                    for source in (POSITIONS, HOLDERS):
                        key = (market, source)
                        if key not in self._asking and self._due.get(key, 0.0) <= now:
                            self._due[key] = now + self._every[source]
                            self._ask(key)
                await asyncio.sleep(TICK_SECONDS)
        finally:
            for task in self._asking.values():
                task.cancel()
            await asyncio.gather(*self._asking.values(), return_exceptions=True)
            self._due.clear()

    def _ask(self, key: tuple[str, str]) -> None:
        task = asyncio.create_task(self._poll(*key))
        self._asking[key] = task
        task.add_done_callback(lambda _: self._asking.pop(key, None))

    async def _poll(self, market: str, source: str) -> None:
        asked_ns = self._now()
        try:
            age, holdings, whole = await asyncio.get_running_loop().run_in_executor(
                self._threads, largest, self._data, market, source, self._wallets
            )
        except Stopped:
            return
        except Exception as error:  # an answer nobody foresaw is a failure, too
            if not isinstance(error, FetchError):
                log.exception("positions: /v2/%s of %s cannot be read", source, market)
            why = str(error) or type(error).__name__
            self._keep(market, source, "failed", asked_ns, None, (), why)
            self._count_failure((market, source), asked_ns, why)
            return
        self._succeeded((market, source))
        state = state_of(holdings, whole)
        self._keep(market, source, state, asked_ns, age, holdings, None)

    def _count_failure(self, key: tuple[str, str], asked_ns: int, why: str) -> None:
        """One alert a source, however many of its markets fail."""
        market, source = key
        failed, since = self._failed.get(key, (0, asked_ns))
        self._failed[key] = (failed + 1, since)
        if failed + 1 >= ALERT_AFTER and source not in self._alerts:
            log.error("positions: %s failed %d times: %s", source, failed + 1, why)
            self._alerts[source] = self._failures.begin(
                SERVICE, "failing", f"/v2/{source} of {market}: {why}", since_ns=since
            )

    def _succeeded(self, key: tuple[str, str]) -> None:
        """What failed is over with the last market that did."""
        self._failed.pop(key, None)
        source = key[1]
        if source not in self._alerts or any(
            one == source and failed >= ALERT_AFTER
            for (_, one), (failed, _) in self._failed.items()
        ):
            return
        alert = self._alerts.pop(source)
        self._failures.end(alert, rate=1 / self._every[source])

    def _keep(
        self,
        market: str,
        source: str,
        state: str,
        asked_ns: int,
        age: int | None,
        holdings: Sequence[Holding],
        problem: str | None,
    ) -> None:
        self.counts[state] += 1
        self._polls += 1
        rows = poll_rows(
            market,
            source,
            state,
            asked_ns,
            age,
            holdings,
            problem,
            now_ns=self._now(),
            walk_id=self._run_id,
            number=self._polls,
        )
        for dataset, some in rows.items():
            self._add(dataset, some)


def state_of(holdings: Sequence[Holding], whole: bool) -> str:
    """How an answer is recorded."""
    if not holdings:
        return "empty"
    return "whole" if whole else "partial"


def poll_rows(
    market: str,
    source: str,
    state: str,
    asked_ns: int,
    age: int | None,
    holdings: Sequence[Holding],
    problem: str | None,
    *,
    now_ns: int,
    walk_id: str,
    number: int,
) -> dict[str, list[Row]]:
    """The rows of one question, by dataset; the largest wallets first."""
    fetched = now_ns // 1_000
    ranks: dict[str, int] = {}
    rows = []
    for place, one in enumerate(sorted(holdings, key=lambda one: -one.size)):
        ranks[one.token_id] = ranks.get(one.token_id, 0) + 1
        rows.append(
            (
                market,
                one.token_id,
                one.proxy_wallet,
                source,
                asked_ns,
                ranks[one.token_id],
                one.size,
                one.avg_price,
                one.current_value,
                one.realized_pnl,
                one.outcome_index,
                *(fetched, walk_id, number, place, None),
            )
        )
    poll = (
        *(market, source, state, asked_ns, age),
        len({one.proxy_wallet for one in holdings}),
        math.fsum(one.size for one in holdings),
        *(problem, fetched, walk_id, number, 0, None),
    )
    return {"position_snapshots": rows, "position_polls": [poll]}


def largest(
    data: Api, market: str, source: str, wallets: int
) -> tuple[int | None, list[Holding], bool]:
    """The largest holdings of a market, how old they are, whether there are no more.

    The answer's rows name several tokens; those of each are the largest of it.
    """
    params = [("condition", market), ("limit", str(min(wallets, MOST_ROWS)))]
    if source == POSITIONS:
        params += [
            ("status", "OPEN"),
            ("sort_by", "TOKENS"),
            ("sort_direction", "DESC"),
        ]
    found: list[Holding] = []
    age: int | None = None
    cursor: str | None = None
    while True:
        position = [] if cursor is None else [("cursor", cursor)]
        answer, (holdings, after) = data.load(
            _PATHS[source],
            [*params, *position],
            _positions if source == POSITIONS else _holders,
            groups=_GROUPS[source],
        )
        age = _oldest(age, answer)
        found += holdings
        names = {one.proxy_wallet for one in found}
        if after is None or after == cursor or not holdings:
            return age, found, True
        if len(names) >= wallets:
            return age, found, False
        cursor = after


def _oldest(age: int | None, answer: Answer) -> int | None:
    ages = [one for one in (age, answer.age_seconds) if one is not None]
    return max(ages, default=None)


def _parts(body: bytes) -> tuple[list[Any], str | None]:
    value = parse_json(body)
    rows = value.get("data") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(rows, list):
        raise UnexpectedPayload("it is no list of positions")
    paging = value.get("pagination")
    paging = paging if isinstance(paging, dict) else {}
    after = paging.get("next_cursor")
    return rows, after if isinstance(after, str) and after else None


def _positions(body: bytes) -> tuple[list[Holding], str | None]:
    rows, after = _parts(body)
    return [one for row in rows if (one := _holding(row, "current_size"))], after


def _holders(body: bytes) -> tuple[list[Holding], str | None]:
    rows, after = _parts(body)
    return [
        one
        for token in rows
        if isinstance(token, dict)
        for row in token.get("holders") or ()
        if (one := _holding({"token_id": token.get("token_id"), **row}, "amount"))
    ], after


def _holding(row: Any, size_key: str) -> Holding | None:
    if not isinstance(row, dict):
        return None
    token, wallet = row.get("token_id"), row.get("proxy_wallet")
    size = finite(row.get(size_key))
    if not isinstance(token, str) or not isinstance(wallet, str) or size is None:
        return None
    index = row.get("outcome_index")
    return Holding(
        token,
        wallet.lower(),
        size,
        finite(row.get("avg_price")),
        finite(row.get("current_value")),
        finite(row.get("realized_pnl")),
        index if isinstance(index, int) else None,
    )
