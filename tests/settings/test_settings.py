"""A settings file need hold only what differs, and every mistake in it is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import tomli

from settings import load
from settings.errors import UsageError
from settings.reading import shipped_file
from settings.reference import reference

CONTRACT = """
[paths]
lake = "data"
warehouse = "data/warehouse.duckdb"
cursors = "cursor.json"
[apis.gamma]
base_url = "https://gamma-api.polymarket.com"
[apis.data]
base_url = "https://data-api.polymarket.com"
version = "auto"
[apis.clob]
base_url = "https://clob.polymarket.com"
[apis.clob_stream]
url = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
[apis.rtds]
url = "wss://ws-live-data.polymarket.com"
[apis.coinbase]
url = "wss://ws-feed.exchange.coinbase.com"
[http]
connect_timeout_seconds = 5
read_timeout_seconds = 30
max_attempts = 6
max_response_mb = 64
[limits]
gamma_all = 3000
gamma_markets = 240
gamma_events = 400
gamma_listings = 720
data_v1_all = 800
data_v1_trades = 150
data_v2_all = 640
data_v2_trades = 150
data_v2_positions = 150
clob_all = 7000
clob_books = 400
clob_prices_history = 800
[workers]
markets = 4
events = 4
trades = 8
prices = 8
leaderboard = 2
"""


@pytest.fixture
def written(tmp_path):
    """Write a settings file and return its path."""

    def write(text: str, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_keys_that_others_rely_on_keep_their_defaults():
    shipped = tomli.loads(shipped_file().read_text(encoding="utf-8"))
    for section, keys in tomli.loads(CONTRACT).items():
        for key, value in keys.items():
            found = shipped[section][key]
            if section == "apis":
                assert value.items() <= found.items()
            else:
                assert (found, type(found)) == (value, type(value)), f"{section}.{key}"


def test_every_setting_has_a_comment():
    lines = shipped_file().read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if " = " in line and " # " not in line]


def test_a_file_need_hold_only_what_differs(written):
    mine = load(written('[workers]\ntrades = 3\n[apis.gamma]\nbase_url = "http://h:1"'))
    shipped = load(shipped_file())
    assert mine.workers == {**shipped.workers, "trades": 3}
    assert mine.apis.gamma.base_url == "http://h:1"
    assert mine.apis.data == shipped.apis.data
    assert (mine.http, mine.limits) == (shipped.http, shipped.limits)


def test_an_empty_file_is_all_defaults(written):
    assert load(written("")).limits == load(shipped_file()).limits


def test_relative_paths_are_relative_to_the_file(written, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    mine = load(written('[paths]\nlake = "deep/lake"\nwarehouse = "/else/w.duckdb"'))
    assert mine.paths.lake == tmp_path / "deep/lake"
    assert mine.paths.warehouse == Path("/else/w.duckdb")
    assert mine.paths.cursors == tmp_path / "cursor.json"


def test_a_home_folder_is_understood(written):
    assert load(written('[paths]\nlake = "~/lake"')).paths.lake == Path.home() / "lake"


def test_without_a_path_the_file_in_the_folder_is_read(written, tmp_path, monkeypatch):
    written("[workers]\ntrades = 5", name="config.toml")
    monkeypatch.chdir(tmp_path)
    assert load().workers["trades"] == 5
    assert load().paths.lake == tmp_path / "data"


def test_without_any_file_the_shipped_one_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load() == load(shipped_file())


def test_times_may_have_a_fraction(written):
    http = load(written("[http]\nread_timeout_seconds = 0.5")).http
    assert http.read_timeout_seconds == 0.5


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(shipped_file()).http.max_attempts = 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[path]\nlake = 'x'", r"unknown section \[path\]"),
        ("lakes = 'x'", "unknown key lakes"),
        ("[paths]\nlakes = 'x'", r"unknown key paths\.lakes\. Did you mean lake\?"),
        ("[apis.gama]\nbase_url = 'http://x'", r"unknown section \[apis\.gama\]"),
        ("[limits]\ngamma = 1", r"unknown key limits\.gamma"),
        ("[http]\nattempts = 1", r"http\.attempts\. Did you mean max_attempts\?$"),
        ("[http]\nzzz = 1", r"unknown key http\.zzz\.$"),
        ("paths = 'data'", "paths must be a section, but it is a text"),
        ("[paths]\nlake = 3", r"paths\.lake must be a text, but it is a whole number"),
        ("[http]\nmax_attempts = '6'", r"http\.max_attempts must be a whole number"),
        ("[http]\nmax_attempts = true", r"http\.max_attempts .* it is true or false"),
        ("[http]\nmax_attempts = 1.5", r"http\.max_attempts .* it is a number"),
        ("[http]\nmax_attempts = 0", r"http\.max_attempts must be above zero"),
        ("[http]\nread_timeout_seconds = -1", r"read_timeout_seconds must be above"),
        ("[http]\nread_timeout_seconds = nan", r"read_timeout_seconds must be above"),
        ('[http]\nuser_agent = "a\\nb"', r"http\.user_agent must be printable"),
        ("[limits]\ngamma_all = 0", r"limits\.gamma_all must be at least 1"),
        ("[workers]\ntrades = -2", r"workers\.trades must be at least 1"),
        ("[trades]\npack_markets = 21", r"pack_markets must be at most 20"),
        ("[trades]\ntaker_walk = 1", r"taker_walk must be true or false"),
        ("[apis.gamma]\nbase_url = 'gamma'", r"apis\.gamma\.base_url must be a URL"),
        ("[apis.gamma]\nbase_url = 'ftp://x'", r"apis\.gamma\.base_url must be a URL"),
        ("[apis.gamma]\nbase_url = 'http://x:y'", r"base_url must be a URL"),
        ("[apis.rtds]\nurl = 'https://x'", r"apis\.rtds\.url must be a URL"),
        ("[apis.data]\nversion = 'v3'", r"apis\.data\.version must be auto, v2 or v1"),
        ("[paths]\nlake = 's3://b/k'", r"paths\.lake .*object stores are not built"),
        ("[paths]\nlake = ''", r"paths\.lake must name a path"),
        ("[paths", "not valid TOML"),
        ("[paths]\nlake = 'a'\nlake = 'b'", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(written, text, said):
    path = written(text)
    with pytest.raises(UsageError, match=said) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no configuration file .*absent\.toml"):
        load(tmp_path / "absent.toml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        load(path)


def test_the_reference_is_current_and_names_every_key():
    text = shipped_file().read_text(encoding="utf-8")
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == reference(text)
    for section, keys in tomli.loads(text).items():
        for key, value in keys.items():
            names = value if isinstance(value, dict) else [key]
            for name in names:
                assert f"| `{name}` | `" in reference(text), f"{section}.{name}"


def test_a_connection_has_no_more_tokens_than_get_snapshots(written):
    with pytest.raises(UsageError, match=r"capture\.shard_tokens must be at most 500"):
        load(written("[capture]\nshard_tokens = 501\n"))


@pytest.mark.parametrize("line", ["connections = 3", "port = 65536", "memory_mb = 0"])
def test_what_capture_cannot_do_is_named(written, line):
    with pytest.raises(UsageError, match=rf"capture\.{line.split()[0]}"):
        load(written(f"[capture]\n{line}\n"))
