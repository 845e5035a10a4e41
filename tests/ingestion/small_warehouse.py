"""A warehouse to build from a small lake and to ask."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bronze_lake import BronzeLake

from ingestion.publish import Turns
from ingestion.run import ingest
from ingestion.summary import Summary
from warehouse.connect import open_to_read

FILLS = """
create or replace temp view fills as
select
    MarketKey.condition_id, MarketTokenDim.token_id, TraderDim.trader_address,
    '0x' || lower(hex(transaction_hash)) as transaction_hash,
    case when is_buy then 'BUY' else 'SELL' end as side,
    TradeFact.* exclude (market_key, token_key, trader_key, transaction_hash, is_buy,
        walk_key),
    WalkFact.walk_id
from silver.TradeFact
inner join silver.MarketKey on TradeFact.market_key = MarketKey.market_key
inner join silver.MarketTokenDim on TradeFact.token_key = MarketTokenDim.token_key
inner join silver.TraderDim on TradeFact.trader_key = TraderDim.trader_key
inner join silver.WalkFact on TradeFact.walk_key = WalkFact.walk_key
"""


@dataclass(frozen=True)
class SmallWarehouse:
    """The warehouse at `path`, of the lake at `lake`."""

    lake: Path
    path: Path

    def ingest(self, **options: Any) -> Summary:
        """Take in what is new."""
        return ingest(self.lake, self.path, **options)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the published file; `fills` is TradeFact with natural keys."""
        with open_to_read(self.path) as db:
            db.execute(FILLS)
            return db.execute(query).fetchall()

    def fills(self, columns: str, order: str = "all") -> list[tuple[Any, ...]]:
        """Ingest, then return columns of all fills."""
        self.ingest()
        return self.ask(f"select {columns} from fills order by {order}")


def begun_warehouse(bronze: BronzeLake, laid_out: Path) -> SmallWarehouse:
    """The warehouse of a lake, not published yet, its tables and views made."""
    path = bronze.root / "warehouse.duckdb"
    begun = Turns(path).next()
    begun.parent.mkdir(parents=True)
    shutil.copyfile(laid_out, begun)
    return SmallWarehouse(bronze.root, path)
