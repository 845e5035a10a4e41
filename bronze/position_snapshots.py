"""Bronze position snapshots: the largest wallets of a market, again and again."""

from __future__ import annotations

from lake.dataset import DOUBLE, INT32, INT64, LINEAGE, STRING, Column, Dataset

POSITION_POLLS = Dataset(
    name="position_polls",
    about="Each time the largest wallets of a market were asked for, and what came.",
    columns=(
        Column("condition_id", STRING, "the market, 0x hex"),
        Column("source", STRING, "positions (/v2/positions) or holders (/v2/holders)"),
        Column("state", STRING, "whole, partial, empty or failed"),
        Column("asked_at_ns", INT64, "when it was asked, unix nanoseconds"),
        Column("age_seconds", INT32, "the answer's Age header: how old it is"),
        Column("wallets", INT64, "wallets that came"),
        Column("shares", DOUBLE, "shares they hold together"),
        Column("problem", STRING, "why it failed or broke off; else null"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("condition_id", "asked_at_ns"),
)

POSITION_SNAPSHOTS = Dataset(
    name="position_snapshots",
    about="What the largest wallets of a market hold, a row a wallet and token.",
    columns=(
        Column("condition_id", STRING, "the market, 0x hex"),
        Column("token_id", STRING, "the outcome's token, a 256-bit decimal"),
        Column("proxy_wallet", STRING, "the wallet, 0x + 40 hex"),
        Column("source", STRING, "positions (/v2/positions) or holders (/v2/holders)"),
        Column("asked_at_ns", INT64, "when it was asked, unix nanoseconds"),
        Column("rank", INT32, "place by size within the token, from 1"),
        Column("size", DOUBLE, "shares held"),
        Column("avg_price", DOUBLE, "average price paid, dollars a share"),
        Column("current_value", DOUBLE, "dollars it is worth then"),
        Column("realized_pnl", DOUBLE, "dollars"),
        Column("outcome_index", INT32, "place of the outcome; 999: not labelled"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("condition_id", "token_id", "asked_at_ns", "rank"),
)
