"""Prove P&L: what gold says every trader made, against the replica's own ledger.

`python -m benchmarks.prove_pnl --folder /tmp/pnl` serves a replica of 100,000 fills,
fetches and ingests it by the commands a user types, and compares gold.trader_pnl with
the ledger, which keeps each trader's cash, shares, fees, splits and redemptions.

Prints one JSON object; exit 1 if a trader differs by a millionth of a dollar or more.
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

# What of a trader's markets are complete is compared to the last digit; what the
# service does not show as a whole is flagged in the view, and counted here. The ledger
# marks open markets to the middle of the book, gold to the latest fill: for the
# comparison both use the ledger's price.
BOTH = """
create or replace temp table compared as
with

ledger as (
    select * from read_parquet('{ledger}')
),

prices as (
    select token_id, any_value(price) as price
    from ledger
    group by token_id
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
),

-- complete as of a moment: what happened later may not have been served yet
complete as (
    select condition_id
    from gold.market_completeness
    inner join (
        select condition_id, make_timestamp(max(last_at) * 1000000) as last_at
        from ledger
        where bought_shares + sold_shares > 0
        group by condition_id
    ) as latest using (condition_id)
    where status = 'complete' and last_at <= as_of
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
    complete.condition_id is not null
    and coalesce(held.fees_unknown_trades, 0) = 0 as is_whole
from told
full join held
    on told.proxy_wallet = held.proxy_wallet
    and told.condition_id = held.condition_id
left join complete
    on coalesce(told.condition_id, held.condition_id) = complete.condition_id
"""

FOUND = """
with

traders as (
    select
        proxy_wallet,
        sum(told_usd) filter (where is_whole) as told_usd,
        sum(held_usd) filter (where is_whole) as held_usd,
        sum(told_fees_usd) filter (where is_whole) as told_fees_usd,
        sum(held_fees_usd) filter (where is_whole) as held_fees_usd,
        sum(rest_usd) as rest_usd,
        bool_and(is_whole) as is_whole
    from compared
    group by proxy_wallet
)

select
    count(*) as traders,
    count(*) filter (where is_whole) as traders_shown_whole,
    count(told_usd) as traders_compared,
    count(*) filter (where abs(held_usd - told_usd) >= {limit}) as traders_that_differ,
    max(abs(held_usd - told_usd)) as greatest_difference_usd,
    count(*) filter (where abs(held_fees_usd - told_fees_usd) >= {limit})
        as traders_whose_fees_differ,
    max(abs(rest_usd)) as greatest_rest_usd,
    rows.*
from traders, (
    select
        count(*) as wallets_and_markets,
        count(*) filter (where not is_whole) as flagged,
        flagged / count(*) as flagged_share,
        count(*) filter (where not is_whole and abs(held_usd - told_usd) < {limit})
            as flagged_and_equal_nonetheless,
        count(*) filter (where assumed_split_shares > 0) as with_assumed_splits,
        sum(held_fees_usd) filter (where is_whole) as fees_usd,
        sum(abs(told_usd)) filter (where is_whole) as sum_of_absolute_pnl_usd,
        sum(abs(marked_usd - held_usd)) filter (where is_whole)
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
            found |= compared(db, truth / "ledger.parquet")
    sys.stdout.write(json.dumps(found, indent=1, default=str) + "\n")
    return 0 if proven(found) else 1


def compared(db: duckdb.DuckDBPyConnection, ledger: Path) -> dict[str, Any]:
    """Hold gold.trader_pnl against the ledger, trader by trader."""
    db.execute(BOTH.format(ledger=ledger))
    answer = db.execute(FOUND.format(limit=LIMIT_USD))
    names = [column[0] for column in answer.description or ()]
    [row] = answer.fetchall()
    return dict(zip(names, row, strict=True))


def proven(found: dict[str, Any]) -> bool:
    """Whether every trader's P&L and fees are the ledger's."""
    return bool(
        found["traders_compared"] > 0
        and found["traders_that_differ"] == 0
        and found["traders_whose_fees_differ"] == 0
        and found["greatest_rest_usd"] < LIMIT_USD
    )


if __name__ == "__main__":
    sys.exit(main())
