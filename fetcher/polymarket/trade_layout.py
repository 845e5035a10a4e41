"""What the rows of a page of trades look like, and which values cannot be theirs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

from bronze.trades import IDENTITY, TRADES
from lake.dataset import LINEAGE, Column, Dataset

Version = Literal["v2", "v1"]


@dataclass(frozen=True)
class Layout:
    """What the rows of a dataset's pages look like.

    A row without one of the `required` values is none. `group` is the column that names
    what a walk is of: the market, or the wallet.
    """

    dataset: Dataset
    required: frozenset[str]
    group: str

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the service serves."""
        return tuple(c for c in self.dataset.columns if c not in LINEAGE)

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of what is served."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    @cached_property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """The least and the greatest value that a row may have, by column."""
        amounts = {c.name for c in self.columns if c.type == pa.float64()}
        bounds = dict.fromkeys(amounts & self.required, (-MOST, MOST))
        return {"timestamp": (EARLIEST, LATEST)} | bounds


OF_TRADES = Layout(TRADES, frozenset(c.name for c in IDENTITY), "condition_id")

V1_NAMES = {
    "proxy_wallet": "proxyWallet",
    "token_id": "asset",
    "condition_id": "conditionId",
    "event_slug": "eventSlug",
    "outcome_index": "outcomeIndex",
    "profile_image": "profileImage",
    "profile_image_optimized": "profileImageOptimized",
    "transaction_hash": "transactionHash",
    "usdc_size": "usdcSize",
    "is_combo": "isCombo",
}

PAGINATION = pa.struct(
    [
        pa.field("limit", pa.int64()),
        pa.field("offset", pa.int64()),
        pa.field("has_more", pa.bool_()),
        pa.field("next_cursor", pa.string()),
    ]
)

# Unix seconds that can be a trade's: outside, a unit was mistaken (milliseconds), and
# `dt` would be a day that no calendar has.
EARLIEST, LATEST = 1_000_000_000, 8_000_000_000
MOST = 1e12  # size or price: silver counts millionths in 64 bits, to 9.2e12


def served_name(column: Column, version: Version) -> str:
    """The key under which rows have it."""
    return V1_NAMES.get(column.name, column.name) if version == "v1" else column.name
