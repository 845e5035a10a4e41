"""A known vulnerability fails `make lint`; when nobody can be asked, it says so."""

from __future__ import annotations

from known_vulnerabilities import judged

GOOD = {"name": "click", "version": "8.3", "vulns": []}
BAD = {
    "name": "requests",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}],
}
UNKNOWN = {"name": "polars", "skip_reason": "Dependency not found on PyPI"}


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it():
    is_good, lines = judged("lock", {"dependencies": [GOOD, BAD, UNKNOWN]})
    assert not is_good
    assert lines[0] == "lock: requests 2.0: PYSEC-1, mended in 2.1"


def test_what_could_not_be_looked_up_is_said_and_is_no_failure():
    is_good, lines = judged("lock", {"dependencies": [GOOD, UNKNOWN]})
    assert is_good
    assert "1 of 2 packages" in lines[-1]
    assert "NOT CHECKED" in lines[-1]
    assert judged("lock", {"dependencies": [GOOD]}) == (
        True,
        ["lock: 1 of 1 packages looked up"],
    )
