"""What bronze looks like: one schema a dataset, and the table of all of them."""

from __future__ import annotations

from bronze.activity import ACTIVITY
from bronze.books import BOOK_COVERAGE, BOOK_EVENTS, BOOK_SNAPSHOTS
from bronze.clob_markets import CLOB_MARKETS
from bronze.crypto_prices import CRYPTO_PRICES
from bronze.events import EVENTS
from bronze.leaderboard import LEADERBOARD
from bronze.live_volume import LIVE_VOLUME
from bronze.markets import MARKETS
from bronze.open_interest import OPEN_INTEREST
from bronze.position_snapshots import POSITION_POLLS, POSITION_SNAPSHOTS
from bronze.positions import POSITIONS
from bronze.price_windows import PRICE_WINDOWS
from bronze.prices import PRICES
from bronze.resolutions import RESOLUTIONS
from bronze.service_errors import SERVICE_ERRORS
from bronze.trades import TAKER_TRADES, TRADES
from bronze.updown_windows import UPDOWN_WINDOWS
from bronze.user_pnl import USER_PNL
from lake.dataset import Dataset
from lake.walks import WALKS

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        MARKETS,
        EVENTS,
        CLOB_MARKETS,
        TRADES,
        TAKER_TRADES,
        LIVE_VOLUME,
        PRICES,
        PRICE_WINDOWS,
        RESOLUTIONS,
        OPEN_INTEREST,
        LEADERBOARD,
        ACTIVITY,
        POSITIONS,
        USER_PNL,
        BOOK_EVENTS,
        BOOK_SNAPSHOTS,
        BOOK_COVERAGE,
        CRYPTO_PRICES,
        UPDOWN_WINDOWS,
        POSITION_POLLS,
        POSITION_SNAPSHOTS,
        SERVICE_ERRORS,
        WALKS,
    )
}
