"""Bronze prices: midpoints of each token's order book, as its history gives them.

A point is no trade: it is the middle between the best bid and the best ask, carried on
while nothing moves. The spacing of points is not exact, and the same point may be there
several times, from windows that touch.
"""

from __future__ import annotations

from lake.dataset import DOUBLE, INT32, INT64, LINEAGE, STRING, Column, Dataset

PRICES = Dataset(
    name="prices",
    about="Midpoints of each token's order book, at the fidelity that was obtained.",
    columns=(
        Column("token_id", STRING, "the outcome's token, a 256-bit decimal"),
        Column("condition_id", STRING, "the market that the token was asked for"),
        Column("timestamp", INT64, "when the price held, unix seconds"),
        Column("price", DOUBLE, "midpoint, dollars a share, 0 to 1"),
        Column(
            "resolution_seconds",
            INT32,
            "seconds a point, as obtained; 0: what the market settled at",
        ),
        *LINEAGE,
    ),
    day_of="timestamp",
    sort_by=("condition_id", "token_id", "resolution_seconds", "timestamp"),
    plain=("price",),
    dense=True,
)
