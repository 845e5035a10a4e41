"""Bronze positions: what the exchange says a wallet holds and held (`/v2/positions`).

A snapshot, not history: each fetch adds all rows of the wallet as they are then.
"""

from __future__ import annotations

from bronze.field import columns, flag, number, text
from lake.dataset import LINEAGE, STRING, Column, Dataset

FIELDS = (
    text("proxy_wallet", "the wallet, 0x + 40 hex, lower case"),
    text("token_id", "the outcome's token, a 256-bit decimal"),
    text("condition_id", "the market, 0x hex"),
    number("current_size", "shares held"),
    number("avg_price", "average price paid, dollars a share, 4 decimals"),
    number("entry_cost_usdc", "dollars paid for what is held, without fees"),
    number("entry_fees_usdc", "dollars of fees paid"),
    number("total_cost_usdc", "the two together"),
    number("current_price", "dollars a share now"),
    number("current_value", "dollars that current_size is worth now"),
    number("total_size", "shares ever bought"),
    number("realized_pnl", "dollars"),
    number("unrealized_pnl", "dollars"),
    number("total_pnl", "dollars, the two together"),
    number("percent_pnl", "percent of the cost"),
    number("percent_realized_pnl", "percent of the cost"),
    text("status", "OPEN, REDEEMABLE, REDEEMABLE_LOST, MERGEABLE or CLOSED"),
    flag("redeemable", "may be redeemed"),
    flag("mergeable", "may be merged"),
    flag("negative_risk", "of a negRisk event"),
    flag("archived", "hidden on the site"),
    text("title", "the market's question"),
    text("slug", "the market's slug"),
    text("icon", "URL"),
    text("event_id", "the event, as Gamma numbers it"),
    text("event_slug", "the event's slug"),
    text("outcome", "the outcome's name"),
    number("outcome_index", "place of the outcome; 999: not labelled"),
    text("opposite_outcome", "name of the other outcome"),
    text("opposite_token_id", "token of the other outcome"),
    text("end_date", "YYYY-MM-DD; 1970-01-01: none"),
    number("last_event_at", "when the position last changed, unix seconds"),
    number("first_entry_at", "when it was first entered, unix seconds"),
    text("name", "the trader's public name"),
    text("profile_image", "URL"),
    flag("verified", "verified trader"),
)

POSITIONS = Dataset(
    name="positions",
    about="What the exchange says the wallets that were asked for hold and held.",
    columns=(
        Column("asked_status", STRING, "the status asked for: OPEN or CLOSED"),
        *columns(FIELDS),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("proxy_wallet", "fetched_at", "condition_id", "token_id"),
)
