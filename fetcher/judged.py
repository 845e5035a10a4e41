"""Which markets the warehouse knows to lack fills that another walk may bring.

Data flows from the fetchers down to the warehouse. This is the one look back: what is
short of the exchange's own totals can be told only where totals and fills meet.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

log = logging.getLogger(__name__)

# Reasons that another walk may mend. Two whole walks that agree end it: what they do
# not show is the exchange's own hole, and no third one is tried.
_MENDABLE = """
select completeness.condition_id, coverage.walked_to_end_at
from gold.market_completeness as completeness
inner join gold.market_coverage as coverage using (condition_id)
where
    completeness.status <> 'complete'
    and completeness.reason in (
        'walk_unfinished', 'windowed', 'never_walked', 'missing_rows', 'excess_rows'
    )
    and not (
        coalesce(coverage.walks_agree, false)
        and coalesce(coverage.rows_missing, 0) = 0
    )
order by completeness.condition_id
"""
_HOLES = """
select count(*) from gold.market_completeness where reason = 'exchange_hole'
"""


@dataclass(frozen=True)
class Judged:
    """Markets to walk again, each with the start of the last whole walk that the
    warehouse knows of; and how many have holes that are the exchange's own."""

    mendable: dict[str, datetime | None]
    exchange_holes: int = 0


def judged(warehouse: Path) -> Judged:
    """Ask the warehouse; nothing where there is none, or none that can be asked."""
    if not warehouse.exists():
        log.info("there is no warehouse at %s to say what is short", warehouse)
        return Judged({})
    try:
        with duckdb.connect(str(warehouse), read_only=True) as db:
            found = db.execute(_MENDABLE).fetchall()
            holes = db.execute(_HOLES).fetchall()[0][0]
    except duckdb.Error as error:
        cause = str(error).strip().splitlines()[0]
        log.warning("%s does not say what is short: %s", warehouse, cause)
        return Judged({})
    return Judged(
        {
            condition: None if walked is None else walked.replace(tzinfo=UTC)
            for condition, walked in found
        },
        int(holes),
    )
