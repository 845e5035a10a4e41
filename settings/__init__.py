"""Read `config.toml` into plain values; the errors that a person is shown."""

from __future__ import annotations

from settings.model import Settings
from settings.reading import load

__all__ = ["Settings", "load"]
