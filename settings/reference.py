"""The configuration reference, made from config.toml so that it cannot be out of date.

`python -m settings.reference > docs/configuration.md`
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from settings.reading import shipped_file

INTRODUCTION = """\
# Configuration

Made from `config.toml` by `python -m settings.reference > docs/configuration.md`.

Every command reads one TOML file: the one named by `--config`, else `config.toml` in
the folder it is started from, else the one that comes with polylake. The file need hold
only the keys that differ from the defaults below. An unknown key, a value of the wrong
type, or one that makes no sense ends the command with exit code 2 and a sentence that
names it, before anything is started.

Relative paths are relative to the folder of the file that is read, also those that it
leaves at their default: with `--config /srv/poly/mine.toml` the lake is
`/srv/poly/data` unless the file says otherwise. A leading `~` is the home folder.

All runs of one host share their rate limits, however they are started, through small
files in `paths.runtime`. Runs on several hosts behind one address each take their
part with `--shard 2/8`.
"""

_KEY = re.compile(
    r"(?P<key>\w+) = (?P<value>\"[^\"]*\"|[^#]*?)\s*(#\s*(?P<about>.*))?$"
)
_SECTION = re.compile(r"\[(?P<name>[\w.]+)\]\s*(#\s*(?P<about>.*))?$")


def reference(toml: str) -> str:
    """Return the reference as Markdown, from the text of config.toml."""
    return INTRODUCTION + "".join(_sections(toml.splitlines()))


def _sections(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if section := _SECTION.match(line):
            about = section["about"]
            yield f"\n## `[{section['name']}]`\n\n"
            if about:
                yield f"{about[:1].upper()}{about[1:]}.\n\n"
            yield "| key | default | what it is |\n| --- | --- | --- |\n"
        elif key := _KEY.match(line):
            about = (key["about"] or "").replace("|", "\\|")
            yield f"| `{key['key']}` | `{key['value']}` | {about} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference(shipped_file().read_text(encoding="utf-8")))
