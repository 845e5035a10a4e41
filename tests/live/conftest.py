"""What the tests of live capture share."""

from __future__ import annotations

import pytest

from sandbox.testing import sandbox_server


@pytest.fixture
def box():
    """A sandbox whose clock stands still until it is told to go on."""
    with sandbox_server() as box:
        yield box
