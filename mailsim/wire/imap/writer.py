"""Writes values as units, each string in the shortest form that holds it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.imap import tokens, utf7
from mailsim.wire.imap.tokens import Argument, Atom, Literal, MailboxName, Quoted, String, Text

_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]{0,1024}")
_QUOTABLE8 = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\xff]{0,1024}")
_SPECIAL = re.compile(rb'(["\\])')
LITERAL_MINUS: Final = 4096
"""The longest literal that LITERAL- lets a client send unasked (RFC 7888 §5)."""


class Literals(Enum):
    """How a literal is announced."""

    RESPONSE = "response"
    """`{n}`, with the octets at once: a server asks nobody."""
    SYNC = "sync"
    """`{n}`, and wait for "+" (RFC 3501 §4.3)."""
    MINUS = "LITERAL-"
    """`{n+}` up to 4096 octets, else `{n}` (RFC 7888 §5)."""
    PLUS = "LITERAL+"
    """`{n+}` always (RFC 7888 §4)."""

    @classmethod
    def allowed_by(cls, capabilities: Collection[str]) -> Literals:
        """What a client may use with a server of these capabilities (upper case)."""
        if "LITERAL+" in capabilities:
            return cls.PLUS
        # IMAP4rev2 includes LITERAL- (RFC 9051 §4.3).
        return cls.MINUS if {"LITERAL-", "IMAP4REV2"} & set(capabilities) else cls.SYNC

    def waits(self, size: int) -> bool:
        """Whether a literal of `size` octets needs a continuation request first."""
        return self is Literals.SYNC or (self is Literals.MINUS and size > LITERAL_MINUS)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A unit to write; if it `waits`, the next one needs a continuation request first."""

    data: bytes
    waits: bool = False


class Writer:
    """Collects the units of one response or command."""

    __slots__ = ("_done", "_line", "_literals", "utf8")

    def __init__(self, literals: Literals, *, utf8: bool = False) -> None:
        self._done: list[Fragment] = []
        self._line = bytearray()
        self._literals = literals
        self.utf8 = utf8

    def fragments(self) -> tuple[Fragment, ...]:
        """All units, the line end put to the last."""
        return (*self._done, Fragment(bytes(self._line) + b"\r\n"))

    def raw(self, text: str) -> None:
        """`text` as it is."""
        self._line += text.encode()

    def literal(self, data: bytes, *, binary: bool = False) -> None:
        """`{n}` and, as a unit of its own, `data`."""
        waits = self._literals.waits(len(data))
        plus = "" if waits or self._literals is Literals.RESPONSE else "+"
        self.raw(f"{'~' if binary else ''}{{{len(data)}{plus}}}\r\n")
        self._done += [Fragment(bytes(self._line), waits), Fragment(data)]
        self._line.clear()

    def string(self, value: str | bytes) -> None:
        """A quoted string where it can be one, else a literal.

        Raises UsageError for NUL, which no string may hold (RFC 3501 §9, CHAR8).
        """
        raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if (_QUOTABLE8 if self.utf8 and _is_utf8(raw) else _QUOTABLE).fullmatch(raw):
            self._line += b'"' + _SPECIAL.sub(rb"\\\1", raw) + b'"'
        else:
            self._literal_string(raw)

    def _literal_string(self, raw: bytes) -> None:
        if b"\0" in raw:
            raise UsageError("imap.not-allowed", kind="string", text="\\x00")
        self.literal(raw)

    def nstring(self, value: str | None) -> None:
        """A string, or NIL for None."""
        if value is None:
            self.raw("NIL")
        else:
            self.string(value)

    def nstrings(self, values: Iterable[str | None]) -> None:
        """Strings or NILs with SP between them."""
        for index, value in enumerate(values):
            if index:
                self.raw(" ")
            self.nstring(value)

    def content(self, value: bytes | None) -> None:
        """Message content: a literal, or NIL for None."""
        if value is None:
            self.raw("NIL")
        else:
            self.literal(value, binary=b"\0" in value)

    def astring(self, value: str | bytes, pattern: re.Pattern[bytes] = tokens.ASTRING) -> None:
        """A bare word where it can be one, else a string."""
        raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        # A bare NIL reads as "nothing" wherever an nstring may stand.
        if pattern.fullmatch(raw) and raw.upper() != b"NIL":
            self._line += raw
        else:
            self.string(raw)

    def mailbox(self, name: str, *, pattern: bool = False) -> None:
        """A mailbox name in the encoding in force, or with `pattern` one with wildcards."""
        self.astring(self._encoded(name), tokens.LIST_MAILBOX if pattern else tokens.ASTRING)

    def mailbox_string(self, name: str) -> None:
        """A mailbox name in the encoding in force, always as a string (NAMESPACE)."""
        self.string(self._encoded(name))

    def _encoded(self, name: str) -> bytes:
        return name.encode() if self.utf8 else utf7.encode(name)

    def words(self, words: Iterable[object]) -> None:
        """Words with SP between them."""
        self.raw(" ".join(map(str, words)))

    def group(self, words: Iterable[object]) -> None:
        """Words in parentheses."""
        self.raw(f"({' '.join(map(str, words))})")

    def argument(self, value: Argument) -> None:
        """Any argument, in the form that its type names."""
        match value:
            case Atom(text):
                self.raw(text)
            case Quoted(text):
                self.raw('"' + re.sub(r'(["\\])', r"\\\1", text) + '"')
            case Literal(data, binary):
                self.literal(data, binary=binary)
            case Text(text):
                self.astring(text)
            case String(text):
                self.string(text)
            case MailboxName(name, pattern):
                self.mailbox(name, pattern=pattern)
            case Secret():
                self.string(value.reveal())
            case _:
                self._list(value)

    def _list(self, values: tuple[Argument, ...]) -> None:
        self.raw("(")
        for index, value in enumerate(values):
            if index:
                self.raw(" ")
            self.argument(value)
        self.raw(")")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
