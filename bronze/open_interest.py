"""Bronze open interest: the dollars in markets, a row a reading."""

from __future__ import annotations

from lake.dataset import DOUBLE, INT32, LINEAGE, STRING, Column, Dataset

OPEN_INTEREST = Dataset(
    name="open_interest",
    about="Open interest of markets as the exchange counts it, a row a reading.",
    columns=(
        Column("condition_id", STRING, "the market; GLOBAL for the whole exchange"),
        Column("value", DOUBLE, "dollars"),
        Column("age_seconds", INT32, "the answer's Age header: how old the value is"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("condition_id", "fetched_at"),
)
