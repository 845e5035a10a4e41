"""Bronze user_pnl: what the exchange says a wallet had made by when (`/v2/user-pnl`).

A snapshot of the whole series at each fetch; the exchange corrects older points.
"""

from __future__ import annotations

from bronze.field import columns, number
from lake.dataset import INT64, LINEAGE, STRING, Column, Dataset

FIELDS = (
    number("source_block", "block that the point is of"),
    number("realized_market_pnl", "dollars, fees taken off"),
    number("realized_lp_pnl", "dollars from pools"),
    number("realized_combo_pnl", "dollars from combos"),
    number("realized_pnl", "dollars, the three together"),
    number("unrealized_pnl", "dollars"),
    number("position_pnl", "dollars, realized and unrealized"),
    number("trade_pnl", "dollars, position_pnl before fees"),
    number("settled_pnl", "dollars, realized_pnl and wallet_income"),
    number("economic_pnl", "dollars, position_pnl and wallet_income"),
    number("wallet_income", "dollars of rebates, rewards, yield and referrals"),
    number("fees", "dollars, negative"),
    number("fees_paid", "dollars, negative"),
    number("fees_refunded", "dollars"),
    number("maker_rebate", "dollars"),
    number("taker_rebate", "dollars"),
    number("reward_income", "dollars"),
    number("sponsored_income", "dollars"),
    number("yield_income", "dollars"),
    number("referral_income", "dollars"),
    number("deposits", "dollars; null: not told"),
    number("withdrawals", "dollars; null: not told"),
    number("cashflow_net", "dollars; null: not told"),
    number("volume", "shares"),
    number("volume_usdc", "dollars"),
    number("trade_count", "trades"),
)

USER_PNL = Dataset(
    name="user_pnl",
    about="What the exchange says the wallets that were asked for had made by when.",
    columns=(
        Column("proxy_wallet", STRING, "the wallet, 0x + 40 hex, lower case"),
        Column("interval", STRING, "the stretch asked for: max"),
        Column("fidelity", STRING, "the spacing asked for: 1d"),
        Column("timestamp", INT64, "the moment of the point, unix seconds"),
        *columns(FIELDS),
        *LINEAGE,
    ),
    day_of="fetched_at",
    sort_by=("proxy_wallet", "fetched_at", "timestamp"),
)
