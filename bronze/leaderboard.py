"""Bronze leaderboard: the boards of traders, whole, as they stood when taken.

The two versions of the service count volume in different units, so each has a column
of its own: `volume` is v2's shares, `vol` is v1's dollars.
"""

from __future__ import annotations

from bronze.field import columns, flag, number, text
from lake.dataset import BOOL, INT64, LINEAGE, STRING, TIMESTAMP, Column, Dataset

FIELDS = (
    text("user_id", "the trader's wallet; proxyWallet in v1"),
    number("pnl", "profit and loss in the period, dollars"),
    number("volume", "v2: traded in the period, shares of both sides"),
    number("vol", "v1: traded in the period, dollars"),
    text("user_name", "the name shown"),
    text("profile_image", "URL"),
    text("x_username", "name on X; blank for none"),
    flag("verified", "verified account; verifiedBadge in v1"),
)

LEADERBOARD = Dataset(
    name="leaderboard",
    about="The boards of traders by period, category and order, whole at each capture.",
    columns=(
        Column("time_period", STRING, "day, week, month or all"),
        Column("category", STRING, "OVERALL, POLITICS, SPORTS, ..."),
        Column("sort_by", STRING, "PNL or VOLUME"),
        Column("rank", INT64, "place on the board, from 1"),
        *columns(FIELDS),
        Column("captured_at", TIMESTAMP, "when the capture of the board began (UTC)"),
        Column("has_moved", BOOL, "the board was computed anew between two pages"),
        Column("version", STRING, "v2 or v1: which service answered"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("time_period", "category", "sort_by", "captured_at", "rank"),
)
