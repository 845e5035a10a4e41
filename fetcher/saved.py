"""Read what the cursor file kept back into dataclasses, taking nothing on trust.

The file may be of an older version, of another program, or edited by hand: what does
not fit is none of ours, and whoever asked walks anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def restored(kind: type[T], saved: object) -> T | None:
    """Return the `kind` (a flat dataclass) that `saved` is the JSON of, or null."""
    return kind(**saved) if fits(kind, saved) else None  # type: ignore[arg-type]


def fits(kind: type, saved: object, *, but_for: tuple[str, ...] = ()) -> bool:
    """Whether `saved` is a JSON object with just the fields of the dataclass `kind`.

    Fields `but_for` are not asked for. A tuple is a list in JSON.
    """
    if not isinstance(saved, dict):
        return False
    known = {one.name: one for one in fields(kind) if one.name not in but_for}
    required = {
        name
        for name, one in known.items()
        if one.default is MISSING and one.default_factory is MISSING
    }
    if not required <= saved.keys() <= known.keys():
        return False
    hints = get_type_hints(kind)
    return all(_is_of(hints[name], value) for name, value in saved.items())


def _is_of(hint: Any, value: object) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_is_of(part, value) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is list or (origin is tuple and parts[-1] is Ellipsis):
        return isinstance(value, list) and all(_is_of(parts[0], v) for v in value)
    if origin is tuple:
        return (
            isinstance(value, list)
            and len(value) == len(parts)
            and all(map(_is_of, parts, value))
        )
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(
            _is_of(parts[1], v) for v in value.values()
        )
    if is_dataclass(hint):
        return fits(hint, value)  # type: ignore[arg-type]
    if hint in (None, NoneType):
        return value is None
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint
