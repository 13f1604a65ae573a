"""The words of the language: what a response or a command of unknown form is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mailsim.errors import UsageError
from mailsim.secret import Secret

# A bracketed part may hold spaces: BODY[HEADER.FIELDS (DATE FROM)].  It stops at
# another "[", so that "[[[[…" is read once and not once for each bracket.
ATOM: Final = re.compile(rb'(?:\[[^\[\]\r\n\x00]*\]|[^\x00-\x20\x7f-\xff(){"])+')
ASTRING: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
FLAG: Final = re.compile(rb'\\\*|\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
TAG: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
LIST_MAILBOX: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')


@dataclass(frozen=True, slots=True)
class Atom:
    """A word that stands for itself: a number, a name, a flag, NIL, a section."""

    text: str

    def __post_init__(self) -> None:
        check(ATOM, self.text, "atom")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A string between double quotes, without them and unescaped."""

    text: str

    def __post_init__(self) -> None:
        if re.search("[\r\n\0]", self.text):
            raise UsageError("imap.not-allowed", kind="quoted", text=self.text)


@dataclass(frozen=True, slots=True)
class Literal:
    """A string of counted octets; `binary` if it may hold NUL (literal8, RFC 3516 §4.3)."""

    data: bytes = field(repr=False)
    binary: bool = False


Token: TypeAlias = "Atom | Quoted | Literal | tuple[Token, ...]"


@dataclass(frozen=True, slots=True)
class Text:
    """An astring, written in the shortest form that holds it."""

    value: str


@dataclass(frozen=True, slots=True)
class String:
    """A string, quoted where it can be, else a literal."""

    value: str


@dataclass(frozen=True, slots=True)
class MailboxName:
    """A mailbox's name, or with `pattern` one in which `*` and `%` are wildcards (LIST)."""

    name: str
    pattern: bool = False


Argument: TypeAlias = (
    "Atom | Quoted | Literal | Text | String | MailboxName | Secret | tuple[Argument, ...]"
)


def check(pattern: re.Pattern[bytes], text: str, kind: str) -> None:
    """Raise UsageError unless the whole of `text` is what `pattern` describes."""
    if not pattern.fullmatch(text.encode("utf-8", "surrogateescape")):
        raise UsageError("imap.not-allowed", kind=kind, text=text)
