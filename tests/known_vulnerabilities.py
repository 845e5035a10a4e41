"""Ask for known vulnerabilities of the locked packages; a part of `make lint`.

pip-audit asks the package index for the advisories of each package (PyPI's JSON API,
which takes them from the Python Packaging Advisory Database). One that is found fails.
Where there is no such index to ask, as behind most mirrors, that is said, and it is no
failure: what it means is that nobody looked.

It looks at the packages of the lock files: not at Python itself, at C libraries inside
of wheels that have no advisory of their own, or at the system.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

SECONDS = 120


def judged(name: str, report: dict[str, Any]) -> tuple[bool, list[str]]:
    """Whether nothing is known against the packages of a report, and what to say."""
    packages = report["dependencies"]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    found = [
        f"{name}: {one['name']} {one['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in packages
        for hole in one.get("vulns", [])
    ]
    looked = len(packages) - len(skipped)
    lines = [*found, f"{name}: {looked} of {len(packages)} packages looked up"]
    if skipped:
        some = ", ".join(skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        lines[-1] += (
            f"; the index has no advisories to ask for the others ({some}): NOT "
            "CHECKED. Run `make audit` where https://pypi.org/pypi answers."
        )
    return not found, lines


def audited(lock: Path) -> tuple[bool, list[str]]:
    """What pip-audit says of one lock file."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
    command += ["--disable-pip", "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "5"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        return judged(str(lock), json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        why = f"no answer within {SECONDS} seconds"
    except (ValueError, KeyError, TypeError):
        why = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
    return True, [f"{lock}: the advisories cannot be reached ({why}): NOT CHECKED."]


def main(locks: list[str]) -> int:
    """Audit the lock files, say what came of it, and return the exit code."""
    good = True
    for lock in locks:
        is_good, lines = audited(Path(lock))
        good &= is_good
        click.echo("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
