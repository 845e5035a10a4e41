"""Bronze service errors: what went wrong with a service, since when, how long."""

from __future__ import annotations

from lake.dataset import INT64, LINEAGE, STRING, Column, Dataset

SERVICE_ERRORS = Dataset(
    name="service_errors",
    about="Disconnects, silences and failures of services, a row at each end of one.",
    columns=(
        Column("error_id", STRING, "one error; its last row says how it ended"),
        Column("service", STRING, "books, coinbase, rtds_chainlink, updown, disk, ..."),
        Column("error_type", STRING, "disconnected, silent, refused, malformed, ..."),
        Column("started_at_ns", INT64, "last moment all was well, unix nanoseconds"),
        Column("ended_at_ns", INT64, "when it was over; null: it was not yet"),
        Column("estimated_missed", INT64, "messages, by the pace before; null: none"),
        Column("details", STRING, "what was seen, as a sentence"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("service", "started_at_ns", "error_id", "row_no"),
)
