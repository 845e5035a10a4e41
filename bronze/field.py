"""How the keys of a JSON object become the columns of a bronze dataset."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from lake.dataset import BOOL, DOUBLE, STRING, Column


class Kind(Enum):
    """What a value must be; the types that the service mixes up are fixed here.

    `TEXT` takes numbers too (an id is text), `NUMBER` integers and numbers in a
    string, `JSON` anything, decoded first where the service puts JSON in a string.
    """

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    JSON = "json"


_ARROW = {
    Kind.TEXT: STRING,
    Kind.NUMBER: DOUBLE,
    Kind.FLAG: BOOL,
    Kind.JSON: STRING,
}

_LOWER_UPPER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake_case(key: str) -> str:
    """Return the column of a camelCase key: `questionID` becomes `question_id`."""
    return _LOWER_UPPER.sub("_", key).lower()


@dataclass(frozen=True)
class Field:
    """One key of the service's object, as the service spells it."""

    key: str
    kind: Kind
    about: str
    column_name: str = ""

    @cached_property
    def name(self) -> str:
        """The column's name."""
        return self.column_name or snake_case(self.key)

    @property
    def column(self) -> Column:
        """The bronze column that holds the key."""
        return Column(self.name, _ARROW[self.kind], self.about)


def text(key: str, about: str, column_name: str = "") -> Field:
    """A key that holds text, an id or a time as the service writes it."""
    return Field(key, Kind.TEXT, about, column_name)


def number(key: str, about: str) -> Field:
    """A key that holds a number, integer or not."""
    return Field(key, Kind.NUMBER, about)


def flag(key: str, about: str) -> Field:
    """A key that holds true or false."""
    return Field(key, Kind.FLAG, about)


def json_text(key: str, about: str) -> Field:
    """A key that holds a list or an object; the column holds compact JSON text."""
    return Field(key, Kind.JSON, about)


def columns(fields: Iterable[Field]) -> tuple[Column, ...]:
    """The columns of these fields, in their order."""
    return tuple(field.column for field in fields)
