"""The settings as plain values; `config.toml` says what each one means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Where things lie; every path is absolute."""

    lake: Path
    warehouse: Path
    cursors: Path
    runtime: Path


@dataclass(frozen=True)
class RestApi:
    """A service that is asked by HTTP."""

    base_url: str


@dataclass(frozen=True)
class DataApi:
    """The Data API, and which of its versions to use."""

    base_url: str
    version: str


@dataclass(frozen=True)
class StreamApi:
    """A service that is listened to by WebSocket."""

    url: str


@dataclass(frozen=True)
class Apis:
    """The services."""

    gamma: RestApi
    data: DataApi
    clob: RestApi
    clob_stream: StreamApi
    rtds: StreamApi
    coinbase: StreamApi
    coinbase_rest: RestApi
    polybolt: StreamApi


@dataclass(frozen=True)
class Http:
    """How a service is asked."""

    connect_timeout_seconds: float
    read_timeout_seconds: float
    max_attempts: int
    max_response_mb: int
    user_agent: str


@dataclass(frozen=True)
class Trades:
    """How trades are walked."""

    taker_walk: bool
    overlap_seconds: int
    margin_seconds: int
    pack_markets: int
    pack_rows: int


@dataclass(frozen=True)
class Prices:
    """How often price histories are asked for, and how fine."""

    fidelity_minutes: int
    history_days: float
    every_minutes: float
    sweep_hours: float
    mirror_sample: int


@dataclass(frozen=True)
class Resolutions:
    """How often it is asked how markets were settled."""

    near_end_hours: float
    sweep_hours: float


@dataclass(frozen=True)
class OpenInterest:
    """How often open interest is read."""

    sweep_hours: float


@dataclass(frozen=True)
class Leaderboard:
    """How deep boards are taken, and how often."""

    depth: int
    page_rows: int
    interval_minutes: float


@dataclass(frozen=True)
class Capture:
    """How live services are listened to."""

    assets: str
    shard_tokens: int
    connections: int
    memory_mb: int
    max_frame_mb: int
    reconnect_min_seconds: float
    reconnect_max_seconds: float
    silent_seconds: float
    stale_seconds: float
    resync_seconds: float
    poll_after_failures: int
    poll_seconds: float
    fold_minutes: float
    health_seconds: float
    discover_minutes: float
    resolve_attempts: int
    positions_seconds: float
    positions_wallets: int
    port: int


@dataclass(frozen=True)
class Silver:
    """What `ingest` leaves in bronze."""

    dust_usd: float


@dataclass(frozen=True)
class Checks:
    """What `warehouse check` takes for sound."""

    stale_hours: float


@dataclass(frozen=True)
class Lake:
    """How bronze files are kept."""

    landing_max_gb: float
    grace_minutes: float
    log_days: float


@dataclass(frozen=True)
class Retention:
    """How many days of each dataset are kept; 0: all of them, for ever."""

    trades_days: int
    prices_days: int
    open_interest_days: int
    leaderboard_days: int
    book_events_days: int
    crypto_prices_days: int
    position_snapshots_days: int


@dataclass(frozen=True)
class Settings:
    """All of `config.toml`; `limits` and `workers` are by group and by dataset."""

    paths: Paths
    apis: Apis
    http: Http
    limits: Mapping[str, int]
    workers: Mapping[str, int]
    trades: Trades
    prices: Prices
    resolutions: Resolutions
    open_interest: OpenInterest
    leaderboard: Leaderboard
    capture: Capture
    checks: Checks
    lake: Lake
    retention: Retention
    silver: Silver
    file: Path
