"""Bronze live volume: the exchange's own totals, to prove completeness against."""

from __future__ import annotations

from lake.dataset import DOUBLE, INT32, LINEAGE, STRING, Column, Dataset

LIVE_VOLUME = Dataset(
    name="live_volume",
    about="Shares traded per market as the exchange counts them (Data API v2).",
    columns=(
        Column("event_id", STRING, "the event that was asked for"),
        Column("condition_id", STRING, "the market"),
        Column("taker_volume", DOUBLE, "shares, each match once"),
        Column("age_seconds", INT32, "the answer's Age header: how old the total is"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("condition_id", "fetched_at"),
)
