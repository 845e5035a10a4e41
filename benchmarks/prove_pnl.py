"""Prove P&L: what gold says every trader made, against the replica's own ledger.

`python -m benchmarks.prove_pnl --folder /tmp/pnl` serves a replica of 100,000 fills,
fetches and ingests it by the commands a user types, and compares gold.trader_pnl with
the ledger, which keeps each trader's cash, shares, fees, splits and redemptions.

Prints one JSON object; exit 1 if a trader differs by a millionth of a dollar or more,
or if something that the service does not show is not flagged.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.prove_road import Lake, replica

LIMIT_USD = 1e-6

# A wallet's markets are compared where the service shows all of its fills in them; the
# rest must be flagged in the view, and is counted. The ledger marks open markets to the
# middle of the book, gold to the latest fill: for the comparison both use the ledger's
# price. A settlement at half a dollar is paid in whole millionths, and fills do not
# tell whether sets were merged before it: each may be a millionth off.
BOTH = """
create or replace temp table compared as
with

ledger as (
    select * from read_parquet('{truth}/ledger.parquet')
),

fills as (
    select * from read_parquet('{truth}/fills.parquet')
),

halved as (
    select condition_id
    from read_parquet('{truth}/markets.parquet')
    where closed and list_contains(payouts, 0.5)
),

prices as (
    select token_id, any_value(price) as price
    from ledger
    group by token_id
),

hidden as (
    select
        proxy_wallet,
        condition_id,
        bool_and(reason = 'not_indexed_yet') as is_late
    from fills
    where gone_at is null and reach not in ('market', 'feed', 'condition')
    group by all
),

told as (
    select
        proxy_wallet,
        condition_id,
        sum(pnl_usdc) as pnl_usd,
        sum(fees_usdc) as fees_usd
    from ledger
    group by all
),

held as (
    select
        pnl.proxy_wallet,
        pnl.condition_id,
        sum(
            pnl.sold_usd - pnl.bought_usd - pnl.assumed_split_usd - pnl.fees_usd
            + case
                when pnl.is_settled then pnl.value_usd
                else pnl.shares_held * coalesce(prices.price, pnl.price)
            end
        ) as pnl_usd,
        sum(pnl.net_pnl_usd) as net_pnl_usd,
        sum(pnl.realized_usd + pnl.unrealized_usd - pnl.gross_pnl_usd) as rest_usd,
        sum(pnl.fees_usd) as fees_usd,
        sum(pnl.fees_unknown_trades) as fees_unknown_trades,
        sum(pnl.assumed_split_shares) as assumed_split_shares,
        bool_and(pnl.is_market_complete) as is_complete
    from gold.trader_pnl as pnl
    left join prices on pnl.token_id = prices.token_id
    group by all
)

select
    coalesce(told.proxy_wallet, held.proxy_wallet) as proxy_wallet,
    coalesce(told.condition_id, held.condition_id) as condition_id,
    coalesce(told.pnl_usd, 0) as told_usd,
    coalesce(held.pnl_usd, 0) as held_usd,
    coalesce(held.net_pnl_usd, 0) as marked_usd,
    coalesce(told.fees_usd, 0) as told_fees_usd,
    coalesce(held.fees_usd, 0) as held_fees_usd,
    coalesce(held.rest_usd, 0) as rest_usd,
    coalesce(held.assumed_split_shares, 0) as assumed_split_shares,
    coalesce(held.fees_unknown_trades, 0) as fees_unknown_trades,
    hidden.condition_id is null as is_shown,
    -- a wallet of which no fill is shown has no row that could be flagged; fills that
    -- the service has not indexed yet are later than what a market is complete as of
    coalesce(not held.is_complete, true) or coalesce(hidden.is_late, false)
        as is_flagged,
    halved.condition_id is not null as is_halved
from told
full join held
    on told.proxy_wallet = held.proxy_wallet
    and told.condition_id = held.condition_id
left join hidden
    on coalesce(told.proxy_wallet, held.proxy_wallet) = hidden.proxy_wallet
    and coalesce(told.condition_id, held.condition_id) = hidden.condition_id
left join halved
    on coalesce(told.condition_id, held.condition_id) = halved.condition_id
"""

FOUND = """
with

traders as (
    select
        proxy_wallet,
        sum(told_usd) filter (where is_shown) as told_usd,
        sum(held_usd) filter (where is_shown) as held_usd,
        sum(told_fees_usd - held_fees_usd)
        filter (where is_shown and fees_unknown_trades = 0) as fees_difference_usd,
        {limit} * (1 + count(*) filter (where is_shown and is_halved)) as limit_usd,
        sum(rest_usd) as rest_usd,
        bool_and(is_shown) as is_shown
    from compared
    where fees_unknown_trades = 0 or not is_shown
    group by proxy_wallet
)

select
    count(*) as traders,
    count(told_usd) as traders_compared,
    count(*) filter (where is_shown) as traders_shown_whole,
    count(*) filter (where abs(held_usd - told_usd) >= limit_usd)
        as traders_that_differ,
    max(abs(held_usd - told_usd)) as greatest_difference_usd,
    count(*) filter (where abs(fees_difference_usd) >= {limit})
        as traders_whose_fees_differ,
    max(abs(rest_usd)) as greatest_rest_usd,
    rows.*
from traders, (
    select
        count(*) as wallets_and_markets,
        count(*) filter (where not is_shown) as not_shown_whole,
        not_shown_whole / count(*) as not_shown_share,
        count(*) filter (where not is_shown and not is_flagged)
            as not_shown_and_not_flagged,
        count(*) filter (where is_flagged) / count(*) as flagged_share,
        count(*) filter (where fees_unknown_trades > 0) / count(*)
            as fee_unknown_share,
        count(*) filter (where assumed_split_shares > 0) as with_assumed_splits,
        sum(held_fees_usd) filter (where is_shown) as fees_usd,
        sum(abs(told_usd)) filter (where is_shown) as sum_of_absolute_pnl_usd,
        sum(abs(marked_usd - held_usd)) filter (where is_shown)
            as difference_of_marks_usd
    from compared
) as rows
group by all
"""


def main() -> int:
    """Run the proof; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fills", default="100000")
    parser.add_argument("--markets", default="600")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    folder.mkdir(parents=True)
    options = ["--fills", chosen.fills, "--markets", chosen.markets]
    options += ["--seed", chosen.seed, "--pace", "20"]
    found: dict[str, Any] = {"options": options}
    with replica(options) as box:
        lake = Lake(folder / "lake", box)
        for mode in ("markets", "events", "trades"):
            found[f"fetch_{mode}"] = lake.run("fetch", "--mode", mode)["seconds"]
        found["ingest"] = lake.run("ingest")["seconds"]
        truth = box.truth(folder / "truth")
        with lake.db() as db:
            found |= compared(db, truth)
    sys.stdout.write(json.dumps(found, indent=1, default=str) + "\n")
    return 0 if proven(found) else 1


def compared(db: duckdb.DuckDBPyConnection, truth: Path) -> dict[str, Any]:
    """Hold gold.trader_pnl against the ledger in folder `truth`, trader by trader."""
    db.execute(BOTH.format(truth=truth))
    answer = db.execute(FOUND.format(limit=LIMIT_USD))
    names = [column[0] for column in answer.description or ()]
    [row] = answer.fetchall()
    return dict(zip(names, row, strict=True))


def proven(found: dict[str, Any]) -> bool:
    """Whether P&L and fees are the ledger's, and what is not shown is flagged."""
    return bool(
        found["traders_compared"] > 0
        and found["traders_that_differ"] == 0
        and found["traders_whose_fees_differ"] == 0
        and found["not_shown_and_not_flagged"] == 0
        and found["greatest_rest_usd"] < LIMIT_USD
    )


if __name__ == "__main__":
    sys.exit(main())
