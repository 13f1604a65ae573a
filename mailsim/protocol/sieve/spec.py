"""What a command or test takes: tags, arguments, tests, a block; each stands with its extension."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from mailsim.protocol.sieve.complaint import Term, Wrong
from mailsim.protocol.sieve.syntax import Argument, Node, Number, Tag, Text, Texts

if TYPE_CHECKING:
    from mailsim.protocol.sieve.checker import Checker
    from mailsim.protocol.sieve.program import Call

Check = Callable[["Checker", Node, "Call"], None]
Run = Callable[[Any, Any], Any]


class Type(Enum):
    """An argument's type."""

    STRING = Term("sieve.term-string", "a string")
    STRINGS = Term("sieve.term-strings", "a string list")
    NUMBER = Term("sieve.term-number", "a number")
    TAG = Term("sieve.term-tag", "a tag")


_TYPES: Final = {Text: Type.STRING, Texts: Type.STRINGS, Number: Type.NUMBER, Tag: Type.TAG}


def type_of(argument: Argument) -> Type:
    """The type that an argument is written in."""
    return _TYPES[type(argument)]


def fits(argument: Argument, wanted: Type) -> bool:
    """Whether it may stand where `wanted` does: a string is a list of one (RFC 5228 §2.4.2.1)."""
    given = type_of(argument)
    return given is wanted or (given is Type.STRING and wanted is Type.STRINGS)


class Sort(Enum):
    """Control and action commands are commands to the grammar."""

    COMMAND = Term("sieve.term-command", "command")
    TEST = Term("sieve.term-test", "test")
    BOTH = Term("sieve.term-both", "command or test")
    """error and the like of ihave; hasflag's kin of old."""


@dataclass(frozen=True, slots=True)
class Option:
    """A tag of a command, and what follows it.

    `family` is where the value is kept, and what the tag excludes: one tag of a family may stand.
    `check(checker, call, tag)` looks at the value, which call.tags[family] holds.
    """

    name: str
    value: Type | None = None
    extension: str = ""
    family: str = ""
    shown: str = ""
    """How duplicates are told of: "MATCH-TYPE argument (:is)"; "" for ":flags argument"."""
    check: Callable[[Checker, Call, Tag, Argument | None], None] | None = None
    repeats: bool = False
    """Whether it may stand more than once, as far as the usual check is asked."""
    mismatch: Callable[[Tag, Argument | None], Wrong] | None = None
    """What is said of a value that is missing or of another type; None: the usual."""

    @property
    def key(self) -> str:
        """Its family, or itself."""
        return self.family or self.name


@dataclass(frozen=True, slots=True)
class Spec:
    """A command or a test.

    `arguments` are names and types of the positional ones; None: `check` counts them itself.
    `tests`: 0, 1 or MANY.  `run(run, call)` does it: a test gives its result.
    """

    name: str
    sort: Sort
    run: Run
    arguments: tuple[tuple[str, Type], ...] | None = ()
    options: tuple[Option, ...] = ()
    extension: str = ""
    tests: int = 0
    block: bool = False
    count: int | None = None
    """How many positional arguments there must be where `check` reads them itself; None: it counts."""
    check: Check | None = None
    early: Check | None = None
    """Looks at the command's place before anything else; what it raises is all that is said."""
    decides: bool | None = None
    """What one of its tests must give to decide it: the tests behind are not looked at then."""
    known: Check | None = None
    """Tells at compile time what a test gives (`Call.constant`)."""


MANY: Final = 2
