"""Bronze trades: the rows of Data API v2 `/v2/trades`, both sides of every match."""

from __future__ import annotations

from lake.dataset import (
    DOUBLE,
    INT32,
    INT64,
    LINEAGE,
    STRING,
    Chain,
    Column,
    Dataset,
)

IDENTITY = (
    Column("transaction_hash", STRING, "0x + 64 hex; one match, so many rows share it"),
    Column("proxy_wallet", STRING, "the trader's wallet, 0x + 40 hex, lower case"),
    Column("condition_id", STRING, "the market, 0x hex; 62 digits for combos"),
    Column("token_id", STRING, "the outcome's token, a 256-bit decimal"),
    Column("side", STRING, "BUY or SELL, as seen from proxy_wallet"),
    Column("timestamp", INT64, "when it was traded, unix seconds"),
    Column("size", DOUBLE, "shares"),
    Column("price", DOUBLE, "dollars a share, 0 to 1"),
)

CHAIN = Chain(
    clock="timestamp",
    group="condition_id",
    identity=tuple(column.name for column in IDENTITY),
)

TRADES = Dataset(
    name="trades",
    about="Every fill, both sides of each match.",
    columns=(
        *IDENTITY,
        Column("title", STRING, "the market's question, as the trade row says it"),
        Column("slug", STRING, "the market's slug"),
        Column("icon", STRING, "URL of the market's icon"),
        Column("event_slug", STRING, "the event's slug; empty until labelled"),
        Column("outcome", STRING, "the outcome's name"),
        Column("outcome_index", INT32, "place of the outcome; 999 until labelled"),
        Column("name", STRING, "the trader's public name"),
        Column("pseudonym", STRING, "the trader's generated name"),
        Column("bio", STRING, "the trader's words about themselves"),
        Column("profile_image", STRING, "URL"),
        Column("profile_image_optimized", STRING, "URL"),
        *LINEAGE,
    ),
    day_of="timestamp",
    sort_by=("condition_id", "timestamp", "transaction_hash"),
    chain=CHAIN,
)

TAKER_TRADES = Dataset(
    name="taker_trades",
    about="The taker's row of every match: which of the trades crossed the book.",
    columns=(*IDENTITY, *LINEAGE),
    day_of="timestamp",
    sort_by=("condition_id", "timestamp", "transaction_hash"),
    chain=CHAIN,
)
