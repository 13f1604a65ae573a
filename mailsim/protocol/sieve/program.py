"""A script as it runs: checked calls, whose strings are octets or templates of variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from mailsim.protocol.sieve.spec import Spec
from mailsim.protocol.sieve.syntax import Place


class Variable(NamedTuple):
    """A reference: a name in lower case in a namespace ("" or "global"), or a match's number."""

    namespace: str
    name: str
    number: int = -1


class Template(NamedTuple):
    """A string with references to variables, in the order of its parts."""

    parts: tuple[bytes | Variable, ...]
    source: bytes


Value: TypeAlias = bytes | Template


@dataclass(slots=True)
class Unit:
    """One script: the main one, or one that is included."""

    name: str
    loaded: frozenset[str] = frozenset()
    """The extensions that it requires."""
    calls: list[Call] = field(default_factory=list)
    shared: set[str] = field(default_factory=set)
    """Its variables that are global (RFC 6609 §3.4.1)."""
    number: int = 0
    """0 for the main script."""
    parsed: bool = False


@dataclass(slots=True)
class Call:
    """A command or test, its arguments made ready.

    `tags` has each option's value by the option's key (True where it takes none), `args` the
    positional arguments: Value, tuple of Values, or int.
    """

    spec: Spec
    place: Place
    unit: Unit
    tags: dict[str, Any] = field(default_factory=dict)
    args: list[Any] = field(default_factory=list)
    tests: list[Call] = field(default_factory=list)
    block: list[Call] = field(default_factory=list)
    constant: bool | None = None
    """What the test gives whatever the message is; None: the message decides."""
    extra: Any = None
    """What a command's check has made ready."""

    @property
    def name(self) -> str:
        """The command's name."""
        return self.spec.name
