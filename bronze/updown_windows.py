"""Bronze up/down windows: what was known of each, a row each time that changed."""

from __future__ import annotations

from lake.dataset import INT32, INT64, LINEAGE, STRING, Column, Dataset

UPDOWN_WINDOWS = Dataset(
    name="updown_windows",
    about="The up/down markets of a series, from discovery to outcome.",
    columns=(
        Column("series", STRING, "btc-15m, btc-5m, ..."),
        Column("slug", STRING, "btc-updown-15m-<unix start>"),
        Column("condition_id", STRING, "the market, 0x hex; null: not found yet"),
        Column("up_token_id", STRING, "token of the outcome Up"),
        Column("down_token_id", STRING, "token of the outcome Down"),
        Column("window_start", INT64, "unix seconds"),
        Column("window_end", INT64, "unix seconds"),
        Column("state", STRING, "discovered, missing, ended, resolved or failed"),
        Column("strike", STRING, "price to beat, dollars, as served; null: not yet"),
        Column("final_price", STRING, "price at the end, dollars, as served"),
        Column("outcome", STRING, "Up or Down; null: not final"),
        Column("attempts", INT32, "times the outcome was asked for so far"),
        Column("resolved_at", INT64, "when the market closed, unix seconds"),
        Column("rule", STRING, "JSON of resolutionSource and cryptoMarketConfig"),
        Column("problem", STRING, "what went wrong with the last attempt; else null"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("series", "window_start", "fetched_at"),
)
