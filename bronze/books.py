"""Bronze order books: every event heard, every book asked for, and what was covered.

Events come by WebSocket, in the order in which they were received; books asked for by
`POST /books` are kept apart from them. What was listened to, and when listening
broke off, is a dataset of its own: the events cannot tell silence from loss.
"""

from __future__ import annotations

from lake.dataset import DOUBLE, INT64, LINEAGE, STRING, Column, Dataset

_LEVEL = (
    Column("condition_id", STRING, "the market, 0x hex"),
    Column("token_id", STRING, "the outcome's token, a 256-bit decimal"),
    Column("side", STRING, "BUY: a bid, or a taker who bought; SELL"),
    Column("price", DOUBLE, "dollars a share; null: the message has none"),
    Column("size", DOUBLE, "shares: all that now rests at the price, or that traded"),
)
_BOOK = (
    Column("tick_size", DOUBLE, "dollars between two prices"),
    Column("min_order_size", DOUBLE, "shares"),
    Column("last_trade_price", DOUBLE, "dollars a share, as a book names it"),
    Column("hash", STRING, "the service's hash of the book"),
    Column("exchange_at_ms", INT64, "the message's own time, unix milliseconds"),
)
_RECEIVED = Column("received_at_ns", INT64, "when its frame arrived, unix nanoseconds")

BOOK_EVENTS = Dataset(
    name="book_events",
    about="Events of order books as they were heard, a row a level or a change.",
    columns=(
        _RECEIVED,
        Column("event_no", INT64, "one number a message, ascending as they arrived"),
        Column("event_type", STRING, "book, price_change, last_trade_price, ..."),
        *_LEVEL,
        Column("best_bid", DOUBLE, "dollars a share after the change"),
        Column("best_ask", DOUBLE, "dollars a share after the change"),
        Column("spread", DOUBLE, "dollars a share, as a message names it"),
        Column("old_tick_size", DOUBLE, "dollars, before a change of the tick"),
        *_BOOK,
        Column("fee_rate_bps", DOUBLE, "as served; it does not tell the fee"),
        Column("transaction_hash", STRING, "of a trade, where it is named"),
        Column("raw", STRING, "the whole message where its type is not read"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("token_id", "event_no", "row_no"),
)

BOOK_SNAPSHOTS = Dataset(
    name="book_snapshots",
    about="Order books as the service answered when asked, a row a level.",
    columns=(
        _RECEIVED,
        Column("reason", STRING, "batch, resync, stale or poll: why it was asked"),
        *_LEVEL,
        *_BOOK,
        Column("difference", STRING, "what the book held live had otherwise"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("token_id", "received_at_ns", "row_no"),
)

BOOK_COVERAGE = Dataset(
    name="book_coverage",
    about="What was listened to: stretches, their tokens, and how each of them ended.",
    columns=(
        Column("at_ns", INT64, "the moment it speaks of, unix nanoseconds"),
        Column(
            "state",
            STRING,
            "subscribed, alive, doubted, bridged, broken, unsubscribed or ended",
        ),
        Column("token_id", STRING, "the token; null: all tokens of the stretch"),
        Column("condition_id", STRING, "its market, where it is known"),
        Column("reason", STRING, "why a stretch broke: disconnected, silent, ..."),
        Column("messages", INT64, "messages heard in the stretch so far"),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("walk_id", "at_ns", "token_id"),
)
