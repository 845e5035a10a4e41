"""Each test has a user's folder of its own, beside a replica of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from user_home import Home

from sandbox.testing import sandbox_server


@pytest.fixture
def home(tmp_path: Path):
    """Open a folder beside a sandbox: `with home(size="tiny") as user:`."""

    @contextmanager
    def opened(*, more: str = "", **options: Any) -> Iterator[Home]:
        with sandbox_server(**options) as box:
            yield Home(tmp_path, box, more)

    return opened
