"""Bronze price windows: what was asked of price histories, and what came of it.

An empty history says nothing: it may be too old for the fidelity, or the market had no
book. So what was asked is kept beside what came. Prices say which window brought them
by `walk_id` and `page_no`.
"""

from __future__ import annotations

from lake.dataset import (
    BOOL,
    DOUBLE,
    INT32,
    INT64,
    LINEAGE,
    STRING,
    TIMESTAMP,
    Column,
    Dataset,
)

PRICE_WINDOWS = Dataset(
    name="price_windows",
    about="What was asked of price histories and obtained, a row a token and window.",
    columns=(
        Column("token_id", STRING, "the outcome's token"),
        Column("condition_id", STRING, "the market that the token was asked for"),
        Column("asked_from", INT64, "first second that was wanted, unix"),
        Column("asked_to", INT64, "second before which it was wanted, unix"),
        Column("fidelity_asked", INT32, "minutes a point, as asked"),
        Column("fidelity_obtained", INT32, "minutes a point, as obtained; null: none"),
        Column("points", INT64, "points inside of the window"),
        Column("is_empty", BOOL, "whether there was none"),
        Column("first_at", INT64, "oldest point inside of it, unix seconds"),
        Column("last_at", INT64, "newest point inside of it, unix seconds"),
        Column("step_seconds", DOUBLE, "usual distance of two points, the median"),
        Column("refusal", STRING, "what the service said if it refused the token"),
        Column("mirror_points", INT64, "points compared with the other token's"),
        Column(
            "mirror_error",
            DOUBLE,
            "dollars by which the two tokens' prices miss 1, the mean; else null",
        ),
        Column("asked_at", TIMESTAMP, "when it was asked, by the service's clock"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("condition_id", "token_id", "asked_from"),
)
