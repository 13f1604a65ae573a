"""What the parser makes of a script: commands, tests and arguments, each with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias


class Place(NamedTuple):
    """Where something stands in a script: line and column, both from 1; a column counts octets."""

    line: int
    column: int


NOWHERE: Final = Place(0, 0)


class Text(NamedTuple):
    """A quoted string or multi-line, its escapes undone."""

    value: bytes
    place: Place


class Number(NamedTuple):
    """A number, its quantifier reckoned in."""

    value: int
    place: Place


class Tag(NamedTuple):
    """A tag's name, without the colon, as it was written."""

    name: str
    place: Place


class Texts(NamedTuple):
    """A string list in brackets."""

    items: tuple[Text, ...]
    place: Place


Argument: TypeAlias = Text | Number | Tag | Texts


@dataclass(slots=True)
class Node:
    """A command or a test."""

    name: str
    place: Place
    arguments: list[Argument] = field(default_factory=list)
    tests: list[Node] = field(default_factory=list)
    end: Place = NOWHERE
    """Where its own words and arguments end: just behind the last of them."""
    close: Place = NOWHERE
    """The same for its tests, parentheses and all."""
    listed: bool = False
    """Whether its tests stand in parentheses."""
    block: list[Node] | None = None
