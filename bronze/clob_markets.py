"""Bronze CLOB markets: the order book's own list, which says who won.

It also names markets that no Gamma listing shows. Condition ids may be blank.
"""

from __future__ import annotations

from bronze.field import columns, flag, json_text, number, text
from lake.dataset import LINEAGE, STRING, Column, Dataset

FIELDS = (
    text("condition_id", "the market; blank on some old rows"),
    text("question_id", "0x hex"),
    text("market_slug", "name in URLs"),
    text("question", "the question, as people read it"),
    text("description", "the rules of resolution"),
    text("fpmm", "legacy market maker's address; blank for none"),
    text("neg_risk_market_id", "the neg-risk event on chain; blank for none"),
    text("neg_risk_request_id", "the neg-risk question on chain; blank for none"),
    text("end_date_iso", "nominal deadline, ISO 8601 UTC"),
    text("game_start_time", "start of the game, ISO 8601 UTC"),
    text("accepting_order_timestamp", "since when orders are taken, ISO 8601 UTC"),
    flag("enable_order_book", "has an order book"),
    flag("active", "stays true after closing"),
    flag("closed", "settled"),
    flag("archived", "hidden"),
    flag("accepting_orders", "takes orders; may be true on closed markets"),
    flag("notifications_enabled", "site notifications"),
    flag("neg_risk", "one of several markets of which one wins"),
    flag("is_50_50_outcome", "settled half and half"),
    number("minimum_order_size", "shares"),
    number("minimum_tick_size", "dollars, smallest step of a price"),
    number("maker_base_fee", "not the fee"),
    number("taker_base_fee", "not the fee"),
    number("seconds_delay", "seconds an order waits before it matches"),
    json_text("tokens", "list of token_id, outcome, price, winner"),
    json_text("rewards", "object: rates, min_size, max_spread"),
    json_text("tags", "list of tag labels"),
    text("icon", "URL"),
    text("image", "URL"),
)

CLOB_MARKETS = Dataset(
    name="clob_markets",
    about="The order book's list of markets with winners, a row at each change (CLOB).",
    columns=(
        *columns(FIELDS),
        Column("content_hash", STRING, "of the object; prices count once closed"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("condition_id", "fetched_at"),
)
