"""The bronze dataset that says what was asked, what came back and what was stored.

Every other row of the lake carries `walk_id` and `page_no`, which lead to a row here:
that is the lineage of a number. `kind` says what a row speaks of:

page      one answer: its request, rows served, age, the cursor it named
walk      one finished walk: strategy, filter, how it ended, rows served in all
subject   one market of a finished walk: rows served for it
folded    one market of one fold: rows stored and rows confirmed (bronze held them)
absent    a second of a market that bronze holds and a walk passed without seeing a row
coverage  the stretch of time that the feed covers without a gap, after intervals joined
due       a market that must be walked, and why
lost      rows of a walk that were stored and are gone; its markets are due
"""

from __future__ import annotations

from lake.dataset import INT32, INT64, STRING, TIMESTAMP, Column, Dataset

WALKS = Dataset(
    name="walks",
    about="What was asked, what came back, and what of it was stored.",
    columns=(
        Column(
            "kind", STRING, "page, walk, subject, folded, absent, coverage, due or lost"
        ),
        Column("dataset", STRING, "the dataset that the walk fills"),
        Column("walk_id", STRING, "one unbroken chain of requests"),
        Column("page_no", INT32, "page rows: page of the walk, from 0"),
        Column("key", STRING, "the market (condition_id) or other subject spoken of"),
        Column("strategy", STRING, "feed, market, user, listing, totals, ..."),
        Column("filter", STRING, "JSON object of the request parameters of the walk"),
        Column("request", STRING, "page rows: path and query as sent, no host"),
        Column(
            "outcome",
            STRING,
            "walk and subject rows: end, floor, window, cap, cursor_refused, ...",
        ),
        Column("detail", STRING, "reason, or the ids that a listing page named"),
        Column("rows_served", INT64, "rows in the answer or the walk"),
        Column(
            "rows_stored",
            INT64,
            "folded rows: rows written to bronze; lost rows: rows gone",
        ),
        Column("rows_confirmed", INT64, "folded rows: rows that bronze held already"),
        Column("checksum", STRING, "folded rows: of the confirmed rows' identities"),
        Column("pages", INT32, "walk rows: pages of the walk"),
        Column("ts_oldest", INT64, "oldest event spoken of, unix seconds"),
        Column("ts_newest", INT64, "newest event spoken of, unix seconds"),
        Column("age_seconds", INT32, "page rows: the answer's Age header"),
        Column("trace_id", STRING, "page rows: the answer's x-trace-id header"),
        Column("next_cursor", STRING, "page rows: the cursor of the next page"),
        Column("started_at", TIMESTAMP, "when the walk began (UTC)"),
        Column("fetched_at", TIMESTAMP, "when this was known (UTC)"),
    ),
    day_of="fetched_at",
    sort_by=("kind", "walk_id", "page_no", "key"),
)
