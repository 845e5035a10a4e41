"""What rounds came to, kept as JSON lines, and the page that is written from them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .cases import Case


@dataclass(frozen=True)
class Result:
    """One round of a case, of the code of a commit; `bug` says which was put in."""

    case: str
    seed: int
    times: int
    lost: int
    doubled: int
    end: str
    sentence: str = ""
    problems: tuple[str, ...] = ()
    struck: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    bug: str = ""
    commit: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled, or otherwise wrong."""
        return not (self.lost or self.doubled or self.problems)


def append(path: Path, result: Result) -> None:
    """Add a result to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(result)) + "\n")


def read(path: Path) -> list[Result]:
    """Read all results; none where there is no file."""
    if not path.exists():
        return []
    return [Result(**json.loads(line)) for line in path.open(encoding="utf-8")]


TEXT = Path(__file__).with_name("page.md")
HEADER = (
    "| fault | times | rows lost | rows doubled | how it ended |\n"
    "| --- | ---: | ---: | ---: | --- |\n"
)


def page(results: Iterable[Result], cases: Mapping[str, Case]) -> str:
    """The page in Markdown: the words of page.md, and tables between them."""
    results = list(results)
    sound = [result for result in results if not result.bug]
    bugs = [_bug(result) for result in results if result.bug]
    tables = []
    for chapter in dict.fromkeys(case.chapter for case in cases.values()):
        rows = [
            _row(case, [result for result in sound if result.case == case.name])
            for case in cases.values()
            if case.chapter == chapter
        ]
        if any(rows):
            tables.append(f"\n## {chapter}\n\n{HEADER}{''.join(rows)}")
    places = [_places(case, sound) for case in cases.values()]
    head, bug_head, how = TEXT.read_text("utf-8").split("<!-- cut -->\n")
    return "".join([head, _commits(results), *tables, bug_head, *bugs, how, *places])


def _commits(results: list[Result]) -> str:
    """A sentence on the code that was tried; none where nobody knows."""
    counts = Counter(result.commit for result in results if result.commit)
    told = [f"`{commit}` (rounds: {rounds:,})" for commit, rounds in counts.items()]
    return f"\nThe code that was tried: {', '.join(told)}.\n" if told else ""


def _row(case: Case, results: list[Result]) -> str:
    if not results:
        return ""
    lost, doubled = (sum(getattr(r, of) for r in results) for of in ("lost", "doubled"))
    ends = Counter(result.end for result in results if result.is_good)
    failed = [result for result in results if not result.is_good]
    how = [
        end if len(ends) == 1 else f"{end} ({count:,} rounds)"
        for end, count in ends.most_common()
    ]
    how += [f"**seed {one.seed}: {'; '.join(one.problems)[:200]}**" for one in failed]
    sentences = dict.fromkeys(r.sentence for r in results if r.sentence)
    shown = dict.fromkeys(_cell(sentence) for sentence in sentences)
    how += [f"“{sentence}”" for sentence in list(shown)[:2]]
    times = sum(result.times for result in results)
    return (
        f"| {_cell(case.about)} | {times:,} | {lost:,} | {doubled:,} |"
        f" {'; '.join(how)} |\n"
    )


def _bug(result: Result) -> str:
    caught = f"`{result.case}`, seed {result.seed}"
    what = _cell("; ".join(result.problems))[:300] or "**nothing: not caught**"
    return f"| {_cell(result.bug)} | {caught} | {what} |\n"


def _places(case: Case, results: list[Result]) -> str:
    struck: Counter[str] = Counter()
    for result in results:
        if result.case == case.name:
            struck.update(result.struck)
    if not struck:
        return ""
    rows = "".join(f"| `{at}` | {count:,} |\n" for at, count in sorted(struck.items()))
    return (
        f"\n### Where `{case.name}` struck\n\n| place | times |\n| --- | ---: |\n{rows}"
    )


_NOISE = (
    (re.compile(r"/\S*/polylake-(?:torture|mutant)-\w+/home/"), ""),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z (?:INFO|WARNING) "), ""),
    (re.compile(r"(cursor=\w{12})[\w=.-]+"), r"\1..."),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
)


def _cell(text: str) -> str:
    """The text on one line, without folders, moments, ports and cursors of the day."""
    for noise, instead in _NOISE:
        text = noise.sub(instead, text)
    return " ".join(text.replace("|", "\\|").split())
