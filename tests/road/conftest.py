"""Each test has a user's folder of its own, beside a replica of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from user_home import Home

from sandbox.testing import sandbox_server


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk():
    """These tests cut no power, and hundreds of small files are synced in each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        yield


@pytest.fixture
def home(tmp_path: Path):
    """Open a folder beside a sandbox: `with home(size="tiny") as user:`."""

    @contextmanager
    def opened(*, more: str = "", **options: Any) -> Iterator[Home]:
        # Young markets: a day of fills costs a file of each dataset.
        with sandbox_server(**{"age_days": 15.0, **options}) as box:
            yield Home(tmp_path, box, more)

    return opened
