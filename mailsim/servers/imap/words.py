"""The words of a command as Dovecot's parser reads them, laxer than the grammar.

The codec's values serve what is well formed; these say what is wrong with the rest, in
the order in which Dovecot notices it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailsim.servers.imap import replies

_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9=\-]*")
_LITERAL = re.compile(rb"~?\{([0-9]{1,19})\+?\}\r?\n?\Z")
_QUOTED = re.compile(rb'"([^"\\\r\n]*(?:\\.[^"\\\r\n]*)*)"')
_ESCAPED = re.compile(rb"\\(.)")
_ATOM = re.compile(rb'[^ \r\n(){"]+')
_BAD_ATOM = re.compile(rb"[\x00-\x1f\x7f]")
_DEEPEST: Final = 256


class Kind(Enum):
    """What a word is."""

    ATOM = "atom"
    NIL = "NIL"
    QUOTED = "quoted"
    LITERAL = "literal"
    ASKED = "literal that was not asked for"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Word:
    """One argument: its octets, or the words of a list; `size` of a literal that did not come."""

    kind: Kind
    raw: bytes = b""
    words: tuple[Word, ...] = ()
    size: int = 0

    @property
    def atom(self) -> str | None:
        """An atom in capitals; None for anything else."""
        found = self.kind in (Kind.ATOM, Kind.NIL)
        return self.raw.decode("utf-8", "replace").upper() if found else None

    @property
    def astring(self) -> bytes | None:
        """An atom's, a string's or a literal's octets."""
        return None if self.kind in (Kind.LIST, Kind.ASKED) else self.raw


class BadWordsError(Exception):
    """The words cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command's beginning: its tag and its name in capitals, "" where they are none."""

    tag: str
    name: str
    rest: int
    """Where the arguments begin in the first unit."""


def read_line(unit: bytes) -> Line:
    """The tag and the name that a command begins with."""
    tag = _TAG.match(unit)
    if not tag or unit[tag.end() : tag.end() + 1] != b" ":
        return Line("", "", 0)
    name = _NAME.match(unit, tag.end() + 1)
    if not name or unit[name.end() : name.end() + 1].strip(b" \r\n{"):
        return Line(tag[0].decode(), "", 0)
    at, verb = name.end(), name[0].decode().upper()
    if verb == "UID":
        second = _NAME.match(unit, at + 1) if unit[at : at + 1] == b" " else None
        if not second:
            return Line(tag[0].decode(), "", 0)
        at, verb = second.end(), f"UID {second[0].decode().upper()}"
    return Line(tag[0].decode(), verb, at)


def read_words(units: Sequence[bytes], at: int) -> tuple[Word, ...]:
    """The arguments of a command whose name ends at `at` of the first unit.

    Raises BadWordsError.
    """
    return _Reader(units, at).all()


class _Reader:
    def __init__(self, units: Sequence[bytes], at: int) -> None:
        self._units = units
        self._next = 1
        self._line = units[0]
        self._at = at

    def all(self) -> tuple[Word, ...]:
        found, closed = self._words(0)
        if closed:
            raise BadWordsError(replies.UNEXPECTED_PARENTHESIS)
        return tuple(found)

    def _words(self, depth: int) -> tuple[list[Word], bool]:
        """The words up to ")" or the end, and whether it was ")"."""
        if depth > _DEEPEST:
            raise BadWordsError(replies.TOO_DEEP)
        found: list[Word] = []
        while True:
            here = self._line[self._at : self._at + 1]
            if here == b" ":
                self._at += 1
            elif here in (b"", b"\r", b"\n"):
                return found, False
            elif here == b")":
                self._at += 1
                return found, True
            else:
                found.append(self._word(here, depth))
                if found[-1].kind is Kind.ASKED:
                    return found, depth > 0

    def _word(self, here: bytes, depth: int) -> Word:
        if here == b"(":
            self._at += 1
            inner, closed = self._words(depth + 1)
            if not closed:
                raise BadWordsError(replies.MISSING_PARENTHESIS)
            return Word(Kind.LIST, words=tuple(inner))
        if here == b'"':
            return self._quoted()
        if here in (b"{", b"~") and (literal := _LITERAL.match(self._line, self._at)):
            return self._literal(int(literal[1]))
        return self._atom()

    def _quoted(self) -> Word:
        match = _QUOTED.match(self._line, self._at)
        if not match:
            raise BadWordsError(replies.MISSING_QUOTE)
        self._at = match.end()
        if b"\0" in match[1]:
            raise BadWordsError(replies.NUL_IN_STRING)
        return Word(Kind.QUOTED, _ESCAPED.sub(rb"\1", match[1]))

    def _literal(self, size: int) -> Word:
        if self._next + 1 >= len(self._units):
            return Word(Kind.ASKED, size=size)
        data, self._line = self._units[self._next], self._units[self._next + 1]
        self._next += 2
        self._at = 0
        return Word(Kind.LITERAL, data)

    def _atom(self) -> Word:
        match = _ATOM.match(self._line, self._at)
        if not match:
            raise BadWordsError(replies.BAD_ATOM)
        self._at = match.end()
        if not match[0].isascii():
            raise BadWordsError(replies.ATOM_8BIT)
        if _BAD_ATOM.search(match[0]):
            raise BadWordsError(replies.BAD_ATOM)
        kind = Kind.NIL if match[0].upper() == b"NIL" else Kind.ATOM
        return Word(kind, match[0])
