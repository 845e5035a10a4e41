"""Damage to what is stored: data files, logs, the cursor file, the warehouse.

Each round begins with a whole lake and its warehouse, damages something, looks at what
the commands say, and runs them to the end. Nothing may be lost then that the exchange
still serves, and nobody may be shown a traceback.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .cases import Bench, End, Outcome, case
from .home import Home
from .warm import Ran
from .yardstick import judged

CHAPTER = "Stored files"
FETCH_ALL = ("fetch", "--mode", "all")
INGEST = ("ingest",)
VERIFY = ("fetch", "verify", "--deep")
REPAIR = ("fetch", "repair")
DATASETS = ("trades", "walks", "markets", "prices", "taker_trades", "events")
TIMES = len(DATASETS)

Strike = Callable[[Path, random.Random], None]


def said(home: Home, *command: str, code: int | None = None) -> Ran:
    """Run a command of which nobody knows how it ends, but that it says so."""
    ran = home.run(*command, code=code)
    assert "Traceback" not in ran.err, ran.err[-3000:]
    return ran


def plain(home: Home, text: str) -> str:
    """What was said, without the folder of this round."""
    return text.removeprefix("Error: ").replace(f"{home.folder}/", "")


@contextmanager
def whole(bench: Bench) -> Iterator[Home]:
    """A home that has fetched and taken in everything, an hour later."""

    def fetched() -> str:
        with bench.home() as home:
            home.run(*FETCH_ALL)
            home.run(*INGEST)
            home.save("whole")
        return "whole"

    bench.kept("a whole lake", fetched)
    with bench.home(at=3_600) as home:
        home.restore("whole")
        yield home


def files(home: Home, dataset: str) -> list[Path]:
    """The data files of a dataset."""
    return sorted((home.lake / dataset).glob("dt=*/*.parquet"))


def entries(home: Home, dataset: str) -> list[Path]:
    """The entries of a dataset's log."""
    return sorted((home.lake / dataset / "_delta_log").glob("0*.json"))


# Data files


def cut(path: Path, choose: random.Random) -> None:
    """Leave a part of the file."""
    content = path.read_bytes()
    path.write_bytes(content[: choose.randrange(len(content))])


def flip(path: Path, choose: random.Random) -> None:
    """Flip one bit anywhere."""
    content = bytearray(path.read_bytes())
    content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    path.chmod(0o644)
    path.write_bytes(content)


def lose(path: Path, choose: random.Random) -> None:
    """Remove the file."""
    path.unlink()


def _damaged(bench: Bench, seed: int, strike: Strike) -> Outcome:
    choose = random.Random(seed)
    dataset = DATASETS[seed % len(DATASETS)]
    with whole(bench) as home:
        path = choose.choice(files(home, dataset))
        strike(path, choose)
        if seed // len(DATASETS) % 2:  # unnoticed at first
            said(home, "fetch", "--mode", "trades", "--fresh")
        found = said(home, *VERIFY, code=1)
        assert [one["name"] for one in found.json["set_aside"]] == [
            str(path.relative_to(home.lake / dataset))
        ]
        home.run(*REPAIR)
        home.run("ingest", "--rebuild")
        (problem,) = found.json["problems"]
        why = f"{dataset}: … {problem['why']}"
        return Outcome(1, judged(home), End.REPORTED, why, (dataset,))


def _all_datasets(_: Bench) -> set[str]:
    return set(DATASETS)


@case(
    "file-cut",
    chapter=CHAPTER,
    about="a Parquet file cut short",
    times=TIMES,
    places=_all_datasets,
    end=End.REPORTED,
)
def file_cut(bench: Bench, seed: int) -> Outcome:
    """Cut a file at any byte."""
    return _damaged(bench, seed, cut)


@case(
    "file-flipped",
    chapter=CHAPTER,
    about="a Parquet file with one flipped bit, anywhere",
    times=2 * TIMES,
    places=_all_datasets,
    end=End.REPORTED,
)
def file_flipped(bench: Bench, seed: int) -> Outcome:
    """Flip a bit of data, header or footer."""
    return _damaged(bench, seed, flip)


@case(
    "file-missing",
    chapter=CHAPTER,
    about="a Parquet file that is gone",
    times=TIMES,
    places=_all_datasets,
    end=End.REPORTED,
)
def file_missing(bench: Bench, seed: int) -> Outcome:
    """Remove a file that the log names."""
    return _damaged(bench, seed, lose)


# The Delta log


@case(
    "log-torn",
    chapter=CHAPTER,
    about="the last entry of a Delta log cut short, and what it named is gone",
    times=TIMES,
    places=_all_datasets,
    end=End.REPORTED,
)
def log_torn(bench: Bench, seed: int) -> Outcome:
    """Cut the last entry at any byte: its landing files went long ago."""
    choose = random.Random(seed)
    dataset = DATASETS[seed % len(DATASETS)]
    with whole(bench) as home:
        cut(entries(home, dataset)[-1], choose)
        found = said(home, *VERIFY)
        home.run(*REPAIR)
        home.run(*FETCH_ALL)
        home.run("ingest", "--rebuild")
        warned = [line for line in found.err.splitlines() if " WARNING " in line]
        end = End.REPORTED if warned else End.UNSEEN
        sentence = plain(home, "".join(warned[:1]).partition(" WARNING ")[2])
        return Outcome(1, judged(home), end, sentence, (dataset,))


@case(
    "log-broken",
    chapter=CHAPTER,
    about="an earlier entry of a Delta log damaged, no checkpoint after it",
    end=End.STOPPED,
)
def log_broken(bench: Bench, seed: int) -> Outcome:
    """Every command says which log it is; with the entry back all goes on."""
    with whole(bench) as home:
        entry = entries(home, "trades")[0]
        content = entry.read_bytes()
        entry.write_bytes(b"{")
        stopped = [said(home, *c, code=1) for c in (FETCH_ALL, VERIFY, INGEST)]
        entry.write_bytes(content)
        home.run(*FETCH_ALL)
        home.run(*INGEST)
        return Outcome(1, judged(home), End.STOPPED, plain(home, stopped[0].sentence))


# The cursor file


@case(
    "cursor-damaged",
    chapter=CHAPTER,
    about="`cursor.json` missing, empty or cut short",
    times=3,
    places=lambda _: {"missing", "empty", "cut"},
    end=End.REPORTED,
)
def cursor_damaged(bench: Bench, seed: int) -> Outcome:
    """A missing one is survived unseen, since it is the beginning; others are told."""
    how = ("missing", "empty", "cut")[seed % 3]
    with whole(bench) as home:
        path = home.folder / "cursor.json"
        content = path.read_bytes()
        path.unlink()
        if how != "missing":
            size = 0 if how == "empty" else random.Random(seed).randrange(1, 100)
            path.write_bytes(content[:size])
        ran = said(home, *FETCH_ALL, code=0)
        warned = [line for line in ran.err.splitlines() if " WARNING " in line]
        assert warned or how == "missing", ran.err
        home.run(*INGEST)
        sentence = plain(home, "".join(warned[:1]).partition(" WARNING ")[2])
        return Outcome(1, judged(home), End.REPORTED, sentence, (how,))


@case(
    "cursor-older",
    chapter=CHAPTER,
    about="`cursor.json` older than the lake",
    end=End.REPORTED,
)
def cursor_older(bench: Bench, seed: int) -> Outcome:
    """What a restored backup looks like."""
    with whole(bench) as home:
        path = home.folder / "cursor.json"
        content = path.read_bytes()
        home.run("fetch", "--mode", "trades")
        path.write_bytes(content)
        home.box.advance(600)
        ran = said(home, *FETCH_ALL, code=0)
        home.run(*INGEST)
        warned = [line for line in ran.err.splitlines() if " WARNING " in line]
        end = End.REPORTED if warned else End.UNSEEN
        sentence = plain(home, "".join(warned[:1]).partition(" WARNING ")[2])
        return Outcome(1, judged(home), end, sentence)


@case(
    "cursor-newer",
    chapter=CHAPTER,
    about="`cursor.json` of a newer version of the program",
    end=End.STOPPED,
)
def cursor_newer(bench: Bench, seed: int) -> Outcome:
    """It is left as it is."""
    with whole(bench) as home:
        path = home.folder / "cursor.json"
        content = path.read_text()
        path.write_text(content.replace('"version": 1', '"version": 99'))
        changed = path.read_text()
        ran = said(home, *FETCH_ALL, code=2)
        assert path.read_text() == changed
        path.write_text(content)
        home.run(*FETCH_ALL)
        home.run(*INGEST)
        return Outcome(1, judged(home), End.STOPPED, plain(home, ran.sentence))


# The warehouse


def _published(home: Home, choose: random.Random) -> str:
    path = home.warehouse
    how = choose.choice(("flipped", "empty", "cut to its head"))
    content = bytearray(path.read_bytes())
    if how == "flipped":
        for place in range(0, len(content), 4_096):
            content[place] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content if how == "flipped" else content[: len(how) % 5 * 1_000])
    return how


@case(
    "warehouse-missing",
    chapter=CHAPTER,
    about="the warehouse deleted, with or without the file whose turn comes",
    times=2,
)
def warehouse_missing(bench: Bench, seed: int) -> Outcome:
    """It is made again."""
    with whole(bench) as home:
        home.warehouse.unlink()
        if seed % 2:
            for path in (home.warehouse.parent / ".warehouse").glob("*.duckdb"):
                path.unlink()
        home.run(*FETCH_ALL)
        home.run(*INGEST)
        return Outcome(1, judged(home))


@case(
    "warehouse-damaged",
    chapter=CHAPTER,
    about="the published warehouse with flipped bytes, empty, or cut to its head",
    times=4,
    end=End.REPORTED,
)
def warehouse_damaged(bench: Bench, seed: int) -> Outcome:
    """`ingest` builds it anew from bronze, and says so."""
    with whole(bench) as home:
        _published(home, random.Random(seed))
        ran = said(home, *INGEST, code=0)
        home.run(*FETCH_ALL)
        home.run(*INGEST)
        (problem,) = ran.json["problems"]
        sentence = problem.partition(": ")[0].rpartition("/")[2]
        return Outcome(1, judged(home), End.REPORTED, sentence)
