"""What takers paid, and since when: Gamma shows the latest rates alone."""

from __future__ import annotations

import numpy as np

from sandbox.fills import I4, I8, Bools
from sandbox.market import Market
from sandbox.options import DAY

JANUARY_5 = 1_767_571_200  # 2026, the first fees at all
FEBRUARY_18 = JANUARY_5 + 44 * DAY
MARCH_30 = FEBRUARY_18 + 40 * DAY
MARCH_31 = MARCH_30 + DAY
JULY_10 = MARCH_31 + 101 * DAY

# from when; thousandths a share; power of p (1 - p); whether p itself is a factor, too
ERAS: dict[str, list[tuple[int, float, float, bool]]] = {
    "crypto_fees_v2": [
        (JANUARY_5, 250, 2, True),
        (MARCH_30, 72, 1, True),
        (MARCH_31, 72, 1, False),
        (JULY_10, 70, 1, False),
    ],
    "sports_fees_v2": [
        (FEBRUARY_18, 17.5, 1, True),
        (MARCH_30, 30, 1, True),
        (MARCH_31, 30, 1, False),
        (JULY_10, 50, 1, False),
    ],
    "politics_fees": [(MARCH_30, 40, 1, True), (MARCH_31, 40, 1, False)],
}


def fees(
    markets: list[Market], market: I4, timestamp: I8, size: I8, usdc: I8, taker: Bools
) -> I8:
    """The takers' fees in hundred-thousandths of a dollar, halves rounded up."""
    number = {kind: n for n, kind in enumerate(ERAS)}
    kind_of = np.array([number.get(m.fee_type or "", -1) for m in markets])[market]
    price = usdc / size
    paid = np.zeros(len(size), dtype=np.float64)
    for kind, eras in ERAS.items():
        for since, thousandths, power, times_price in eras:
            mine = taker & (kind_of == number[kind]) & (timestamp >= since)
            rows = np.flatnonzero(mine)
            p = price[rows]
            curve = (p * (1 - p)) ** power * (p if times_price else 1.0)
            paid[rows] = size[rows] * curve * (thousandths / 1e4)
    result: I8 = np.floor(paid + 0.5 + 1e-7).astype(np.int64)
    return result
