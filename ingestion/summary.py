"""What a run of `ingest` did, to be told to people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingestion.intake import Intake
from ingestion.load import TOGETHER
from lake.delta_log import Changes

NAMES = [name for names in TOGETHER for name in names]

# The files that the published warehouse lacks, by dataset; None: it lacks all.
News = Mapping[str, set[str]] | None


@dataclass
class DatasetSummary:
    """What one dataset brought beyond what was published before the run.

    Of an intake that also makes up for the turn of the other file, `rows_new` is the
    most that can be new.
    """

    rows_seen: int = 0
    rows_new: int = 0
    files: int = 0
    seconds: float = 0.0


@dataclass
class Summary:
    """What a run did; `problems` are for people to read."""

    datasets: dict[str, DatasetSummary] = field(
        default_factory=lambda: {name: DatasetSummary() for name in NAMES}
    )
    rebuilt: bool = False
    published: bool = False
    problems: list[str] = field(default_factory=list)

    def add(self, names: Sequence[str], intake: Intake, gained: int, news: News) -> int:
        """Count an intake of these datasets; return how many of its rows are news."""
        read = 0
        for name, files in intake.files.items():
            its = [one for one in files if news is None or one.name in news[name]]
            rows = sum(file.rows for file in its)
            dataset = self.datasets[name]
            dataset.files += len(its)
            dataset.rows_seen += rows
            read += rows
        self.datasets[names[0]].rows_new += min(gained, read)
        return read


def news_of(changes: Mapping[str, Changes]) -> News:
    """The files of these changes."""
    return {
        name: {file.name for file in change.files} for name, change in changes.items()
    }
