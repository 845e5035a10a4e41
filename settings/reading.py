"""Read `config.toml`: the shipped one, and over it the keys of the user's file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomli

from settings import model
from settings.errors import UsageError
from settings.wording import meant

Toml = dict[str, Any]

VERSIONS = ("auto", "v2", "v1")


def load(path: Path | str | None = None) -> model.Settings:
    """Return the settings of `path`, else of `./config.toml`, else the shipped ones.

    Only keys that the shipped file has are allowed, and with its types.
    """
    shipped = shipped_file()
    chosen = Path(path) if path is not None else Path("config.toml")
    if path is None and not chosen.is_file():
        chosen = shipped
    defaults = _read(shipped)
    values = defaults
    if not (chosen.exists() and chosen.samefile(shipped)):
        values = _merge(defaults, _read(chosen), file=chosen)
    for problem in _problems(values):
        raise UsageError(f"{chosen}: {problem}")
    return _settings(values, chosen, folder=_folder(chosen, shipped))


def shipped_file() -> Path:
    """The config.toml that came with this installation."""
    package = Path(__file__).resolve().parent
    inside = package / "config.toml"  # in a wheel; in a checkout it is at the root
    return inside if inside.is_file() else package.parent / "config.toml"


def _read(path: Path) -> Toml:
    try:
        with path.open("rb") as file:
            return tomli.load(file)
    except FileNotFoundError:
        raise UsageError(f"There is no configuration file {path}.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except tomli.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}.") from error


def _merge(defaults: Toml, given: Toml, *, file: Path, above: str = "") -> Toml:
    merged = dict(defaults)
    for key, value in given.items():
        name = above + key
        if key not in defaults:
            where = f"section [{name}]" if isinstance(value, dict) else f"key {name}"
            raise UsageError(f"{file} has the unknown {where}.{meant(key, defaults)}")
        default = defaults[key]
        if isinstance(default, dict) and isinstance(value, dict):
            merged[key] = _merge(default, value, file=file, above=name + ".")
        else:
            merged[key] = _typed(default, value, name=name, file=file)
    return merged


def _typed(default: Any, value: Any, *, name: str, file: Path) -> Any:
    """Return `value` if it is of the type of `default`; a whole number may be a float.

    A shipped whole number that measures time may be given with a fraction.
    """
    fits = type(value) is type(default) or (
        type(value) in (int, float)
        and type(default) in (int, float)
        and (type(default) is float or name.endswith("_timeout_seconds"))
    )
    if not fits:
        raise UsageError(
            f"{file}: {name} must be {_word(default)}, but it is {_word(value)}."
        )
    return value


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return "a section"
    words = {str: "a text", bool: "true or false", int: "a whole number"}
    return words.get(type(value), "a number" if type(value) is float else "a list")


def _problems(values: Toml) -> Iterator[str]:
    for section in ("limits", "workers"):
        for key, value in values[section].items():
            if value < 1:
                yield f"{section}.{key} must be at least 1, but it is {value}."
    for section, keys in POSITIVE.items():
        for key in keys:
            value = values[section][key]
            if not 0 < value < float("inf"):
                yield f"{section}.{key} must be above zero, but it is {value}."
    for section, keys in NOT_NEGATIVE.items():
        for key in keys:
            value = values[section][key]
            if not 0 <= value < float("inf"):
                yield f"{section}.{key} must not be negative, but it is {value}."
    if values["trades"]["pack_markets"] > 20:
        yield "trades.pack_markets must be at most 20: the service takes no more."
    if values["prices"]["fidelity_minutes"] > 720:
        yield "prices.fidelity_minutes must be at most 720: there is nothing coarser."
    if values["leaderboard"]["page_rows"] > 1000:
        yield "leaderboard.page_rows must be at most 1000: the service takes no more."
    if values["capture"]["connections"] > 2:
        yield "capture.connections must be 1 or 2: no more are merged."
    if values["capture"]["shard_tokens"] > 500:
        yield (
            "capture.shard_tokens must be at most 500: above, the service sends no "
            "snapshots, and does not say so."
        )
    if not 0 <= values["capture"]["port"] < 65_536:
        port = values["capture"]["port"]
        yield f"capture.port must be a port, or 0 for none, but it is {port}."
    for key, days in values["retention"].items():
        if 0 < days < FEWEST_DAYS:
            yield (
                f"retention.{key} must be 0 (keep all) or at least {FEWEST_DAYS}, but "
                f"it is {days}: what is younger may still be walked again."
            )
    for name, api in values["apis"].items():
        key = "base_url" if "base_url" in api else "url"
        schemes = ("http", "https") if key == "base_url" else ("ws", "wss")
        if not _is_url(api[key], schemes):
            yield (
                f"apis.{name}.{key} must be a URL that begins with "
                f"{schemes[1]}:// or {schemes[0]}://, but it is {api[key]!r}."
            )
    if values["apis"]["data"]["version"] not in VERSIONS:
        version = values["apis"]["data"]["version"]
        yield f"apis.data.version must be auto, v2 or v1, but it is {version!r}."
    agent = values["http"]["user_agent"]
    if not agent.strip() or not agent.isprintable() or not agent.isascii():
        yield f"http.user_agent must be printable ASCII, but it is {agent!r}."
    for key, value in values["paths"].items():
        if "://" in value:
            yield (
                f"paths.{key} is {value!r}, but object stores are not built yet: "
                "name a folder."
            )
        elif (not value.strip() and key != "runtime") or "\0" in value:
            yield f"paths.{key} must name a path, but it is {value!r}."


POSITIVE = {
    "http": (
        "connect_timeout_seconds",
        "read_timeout_seconds",
        "max_attempts",
        "max_response_mb",
    ),
    "trades": ("pack_markets", "pack_rows"),
    "prices": ("fidelity_minutes",),
    "lake": ("landing_max_gb", "log_days"),
    "capture": (
        "shard_tokens",
        "connections",
        "memory_mb",
        "max_frame_mb",
        "reconnect_min_seconds",
        "reconnect_max_seconds",
        "silent_seconds",
        "stale_seconds",
        "resync_seconds",
        "poll_after_failures",
        "poll_seconds",
        "fold_minutes",
        "health_seconds",
        "discover_minutes",
        "resolve_attempts",
        "positions_seconds",
        "positions_wallets",
    ),
    "leaderboard": ("depth", "page_rows"),
}
NOT_NEGATIVE = {
    "trades": ("overlap_seconds", "margin_seconds"),
    "prices": ("history_days", "every_minutes", "sweep_hours", "mirror_sample"),
    "resolutions": ("near_end_hours", "sweep_hours"),
    "checks": ("stale_hours",),
    "silver": ("dust_usd",),
    "open_interest": ("sweep_hours",),
    "leaderboard": ("interval_minutes",),
    "lake": ("grace_minutes",),
    "retention": (
        "trades_days",
        "prices_days",
        "open_interest_days",
        "leaderboard_days",
        "book_events_days",
        "crypto_prices_days",
        "position_snapshots_days",
    ),
}
FEWEST_DAYS = 30


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port  # raises when it is no number
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and port != 0


def _folder(chosen: Path, shipped: Path) -> Path:
    """The folder that relative paths start from.

    That of the file; but a shipped file inside an installed package stands for the
    defaults only, and data does not belong among the packages.
    """
    inside_package = shipped.parent == Path(__file__).resolve().parent
    if inside_package and chosen == shipped:
        return Path.cwd()
    return chosen.resolve().parent


def _settings(values: Toml, file: Path, *, folder: Path) -> model.Settings:
    paths = {
        key: folder / Path(value).expanduser()
        for key, value in values["paths"].items()
        if key != "runtime" or value
    }
    paths.setdefault("runtime", Path(f"/tmp/polylake-{os.getuid()}"))
    apis = values["apis"]
    return model.Settings(
        paths=model.Paths(**paths),
        apis=model.Apis(
            gamma=model.RestApi(**apis["gamma"]),
            data=model.DataApi(**apis["data"]),
            clob=model.RestApi(**apis["clob"]),
            clob_stream=model.StreamApi(**apis["clob_stream"]),
            rtds=model.StreamApi(**apis["rtds"]),
            coinbase=model.StreamApi(**apis["coinbase"]),
            coinbase_rest=model.RestApi(**apis["coinbase_rest"]),
            polybolt=model.StreamApi(**apis["polybolt"]),
        ),
        http=model.Http(**values["http"]),
        limits=_whole(values["limits"]),
        workers=_whole(values["workers"]),
        trades=model.Trades(**values["trades"]),
        prices=model.Prices(**values["prices"]),
        resolutions=model.Resolutions(**values["resolutions"]),
        capture=model.Capture(**values["capture"]),
        checks=model.Checks(**values["checks"]),
        silver=model.Silver(**values["silver"]),
        open_interest=model.OpenInterest(**values["open_interest"]),
        leaderboard=model.Leaderboard(**values["leaderboard"]),
        lake=model.Lake(**values["lake"]),
        retention=model.Retention(**values["retention"]),
        file=file,
    )


def _whole(section: Toml) -> Mapping[str, int]:
    return {key: int(value) for key, value in section.items()}
