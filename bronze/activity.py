"""Bronze activity: the rows of Data API v2 `/v2/activity`, all that a wallet did."""

from __future__ import annotations

from bronze.trades import TRADES
from lake.dataset import BOOL, DOUBLE, INT64, LINEAGE, STRING, Chain, Column, Dataset

IDENTITY = (
    Column("proxy_wallet", STRING, "the wallet, 0x + 40 hex, lower case"),
    Column("type", STRING, "TRADE, SPLIT, MERGE, REDEEM, REWARD, CONVERSION, ..."),
    Column("timestamp", INT64, "when it happened, unix seconds"),
    Column("transaction_hash", STRING, "0x + 64 hex; several rows may share it"),
    Column("condition_id", STRING, "the market, 0x hex; empty for rewards and rebates"),
    Column("token_id", STRING, "the outcome's token; empty where the row is of none"),
    Column("side", STRING, "BUY or SELL for TRADE, else empty"),
    Column("size", DOUBLE, "shares; dollars for rewards and rebates"),
    Column("price", DOUBLE, "dollars a share for TRADE, else 0"),
)

REQUIRED = ("proxy_wallet", "type", "timestamp", "size")

ACTIVITY = Dataset(
    name="activity",
    about="All that the wallets did that were asked for: trades, splits, redemptions.",
    columns=(
        *IDENTITY,
        Column("usdc_size", DOUBLE, "dollars that moved, a taker's fee included"),
        Column("is_combo", BOOL, "the market is a combo of others; null: not said"),
        *TRADES.columns[8 : -len(LINEAGE)],
        *LINEAGE,
    ),
    day_of="timestamp",
    sort_by=("proxy_wallet", "timestamp", "transaction_hash"),
    chain=Chain(
        clock="timestamp",
        group="proxy_wallet",
        identity=tuple(column.name for column in IDENTITY),
    ),
)
