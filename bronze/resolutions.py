"""Bronze resolutions: how the exchange says that markets were settled.

A row is stored when what it says has changed. Rows asked for by question tell what was
proposed first and second; only disputed markets are asked for so.
"""

from __future__ import annotations

from bronze.field import columns, flag, json_text, text
from lake.dataset import INT64, LINEAGE, STRING, Column, Dataset

FIELDS = (
    text("condition_id", "the market; absent on rows asked for by question"),
    text("question_id", "the oracle's question, 0x hex; absent on markets of none"),
    text(
        "status",
        "initialized, posed, proposed, challenged, reproposed, disputed, active, "
        "arbitration or resolved",
    ),
    json_text("payouts", "list of payouts by outcome, in millionths of a dollar"),
    text("proposed_price", "the first proposal; 69: none, 1e18: the first outcome"),
    text("reproposed_price", "the second proposal, likewise"),
    text("price", "what the oracle settled on, likewise"),
    flag("was_disputed", "was disputed at any time"),
    flag("was_arbitrated", "arbitration was called for"),
    flag("extended_review", "a managed proposal past its expiry"),
    flag("new_version_q", "the rules were changed after the question was posed"),
    text("resolution_source", "reported, or derived from a neg-risk sibling"),
    text("reporter", "UMA_OO, CHAINLINK or EOA"),
    text("market_type", "BINARY, INCREMENTAL_NEGRISK or ATOMIC_NEGRISK"),
    text("transaction_hash", "of the latest event; blank for none"),
    text("log_index", "of the latest event; blank for none"),
    text(
        "last_update_timestamp",
        "of the latest event: unix seconds by question, RFC 3339 by condition",
    ),
    text("resolved_at", "RFC 3339 UTC"),
    text("expected_settlement_time", "an estimate, RFC 3339 UTC"),
    text(
        "settlement_time_basis",
        "managed_proposal_expiration, proposal_expiration, liveness, "
        "dvm_round_estimate",
    ),
)
BLOCK = "resolved_block"

RESOLUTIONS = Dataset(
    name="resolutions",
    about="How markets were proposed, disputed and settled, a row at each change "
    "(Data API v2).",
    columns=(
        Column("asked_condition_id", STRING, "the market asked about, lower case"),
        Column("selector", STRING, "what it was asked for by: condition or question"),
        *columns(FIELDS),
        Column(BLOCK, INT64, "block in which the condition was settled"),
        Column("content_hash", STRING, "of the object"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("asked_condition_id", "fetched_at"),
)
