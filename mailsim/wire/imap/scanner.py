"""Reads the words of one frame, left to right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TypeVar

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.imap import tokens, utf7
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.sequence import MAX_NUMBER, SequenceSet
from mailsim.wire.imap.tokens import Atom, Literal, Quoted, Token

MAX_DEPTH: Final = 64
MAX_NUMBER64: Final = 2**63 - 1

_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_ESCAPED = re.compile(rb'\\(["\\])')
_LITERAL = re.compile(rb"(~?)\{[0-9]+(\+?)\}\r?\n")
_NUMBER = re.compile(rb"[0-9]+")
_NIL = re.compile(rb'NIL(?![^\x00-\x20\x7f-\xff(){%*"\\])', re.IGNORECASE)
_SET = re.compile(rb"[0-9:*,]+|\$")
_END = re.compile(rb"\r?\n")

T = TypeVar("T")


class Scanner:
    """A place in the units of one frame, and the terminals of the grammar.

        astring = 1*ASTRING-CHAR / string       nstring = string / nil
        string  = quoted / literal              number  = 1*DIGIT

    Each method takes what it is named after and moves on, or raises
    RemoteProtocolError "imap.syntax".  With `utf8`, mailbox names are UTF-8
    (RFC 6855 §3, RFC 9051 §5.1), else modified UTF-7.  With `commands`,
    non-synchronizing literals are allowed, which a server may not send.
    """

    __slots__ = ("_depth", "_next", "_units", "commands", "line", "pos", "utf8")

    def __init__(
        self, units: Sequence[bytes], *, utf8: bool = False, commands: bool = False
    ) -> None:
        self._units = units
        self._next = 1
        self._depth = 0
        self.line = units[0]
        self.pos = 0
        self.utf8 = utf8
        self.commands = commands

    def fail(self, expected: str) -> NoReturn:
        """Raise: `expected`, a word of the grammar, does not stand here."""
        found = repr(self.line[self.pos : self.pos + 40])[1:]
        raise RemoteProtocolError("imap.syntax", expected=expected, found=found)

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """What `pattern` matches here, passed over; None if it does not."""
        match = pattern.match(self.line, self.pos)
        if match:
            self.pos = match.end()
        return match

    def need(self, pattern: re.Pattern[bytes], expected: str) -> bytes:
        """What `pattern` matches here, whole."""
        return (self.match(pattern) or self.fail(expected))[0]

    def at(self, text: bytes) -> bool:
        """Whether `text` stands here."""
        return self.line.startswith(text, self.pos)

    def skip(self, text: bytes) -> bool:
        """Pass over `text` if it stands here, and say whether it did."""
        if self.line.startswith(text, self.pos):
            self.pos += len(text)
            return True
        return False

    def expect(self, text: bytes) -> None:
        """Pass over `text`."""
        if not self.skip(text):
            self.fail(f'"{text.decode()}"' if text != b" " else "SP")

    def end(self) -> None:
        """The end of the frame."""
        if not self.match(_END) or self.pos != len(self.line):
            self.fail("CRLF")

    def number(self, *, least: int = 0, most: int = MAX_NUMBER) -> int:
        """A number between `least` and `most`."""
        digits = self.need(_NUMBER, "nz-number" if least else "number")
        # int() itself refuses over 4300 digits, with an error of its own.
        if len(digits) > 19 or not least <= (value := int(digits)) <= most:
            self.pos -= len(digits)
            self.fail(f"number {least}..{most}")
        return value

    def number64(self) -> int:
        """A number of 63 bits."""
        return self.number(most=MAX_NUMBER64)

    def atom(self) -> str:
        """A word that may hold brackets, upper and lower case kept."""
        return self.utf8_text(self.need(tokens.ATOM, "atom"))

    def literal(self) -> tuple[bytes, bool] | None:
        """The octets of a literal and whether it is a literal8, or None if none stands here."""
        match = _LITERAL.match(self.line, self.pos)
        if not match:
            return None
        # A server may not send "{n+}" (RFC 7888 §4, RFC 9051 §9 literal).
        if match.end() != len(self.line) or self._next + 1 >= len(self._units):
            self.fail("literal")
        if match[2] and not self.commands:
            self.fail("literal")
        data, self.line = self._units[self._next], self._units[self._next + 1]
        self._next += 2
        self.pos = 0
        return data, bool(match[1])

    def content(self) -> bytes | None:
        """The octets of `nstring / literal8`."""
        taken = self.literal()
        if taken:
            return taken[0]
        return None if self.match(_NIL) else self._quoted_octets()

    def string(self) -> str:
        """A string: UTF-8 if quoted; a literal's other octets become surrogates."""
        taken = self.literal()
        if taken:
            return _text(taken)
        return self.utf8_text(self._quoted_octets())

    def nstring(self) -> str | None:
        """A string, or None for NIL."""
        return None if self.match(_NIL) else self.string()

    def astring(self) -> str:
        """A word or a string."""
        if match := self.match(tokens.ASTRING):
            return match[0].decode()
        return self.string()

    def mailbox(self, pattern: re.Pattern[bytes] = tokens.ASTRING) -> str:
        """A mailbox name, decoded; every case of INBOX is INBOX (RFC 3501 §9, mailbox)."""
        if match := self.match(pattern):
            raw = match[0]
        else:
            raw = taken[0] if (taken := self.literal()) else self._quoted_octets()
        if raw.upper() == b"INBOX":
            return "INBOX"
        try:
            return raw.decode() if self.utf8 else utf7.decode(raw)
        except ValueError:
            raise RemoteProtocolError("imap.mailbox-name", name=repr(raw)[1:]) from None

    def sequence_set(self) -> SequenceSet:
        """A sequence set."""
        return self.parsed(SequenceSet, self.need(_SET, "sequence-set").decode(), "sequence-set")

    def date_time(self) -> DateTime:
        """A date-time between its quotes."""
        return self.parsed(DateTime.parse, self.quoted(), "date-time")

    def quoted(self) -> str:
        """A quoted string."""
        return self.utf8_text(self._quoted_octets())

    def parsed(self, make: Callable[[str], T], text: str, expected: str) -> T:
        """`make(text)`, where text that it does not take is the peer's fault."""
        try:
            return make(text)
        except UsageError:
            found = repr(text)
            raise RemoteProtocolError("imap.syntax", expected=expected, found=found) from None

    def many(self, one: Callable[[], T]) -> tuple[T, ...]:
        """`"(" [one *(SP one)] ")"`."""
        self.expect(b"(")
        if self.skip(b")"):
            return ()
        taken = [one()]
        while self.skip(b" "):
            taken.append(one())
        self.expect(b")")
        return tuple(taken)

    def flag(self) -> str:
        r"""A flag, `\*` included."""
        return self.need(tokens.FLAG, "flag").decode()

    def token(self) -> Token:
        """`atom / quoted / literal / "(" [token *(SP token)] ")"`."""
        if taken := self.literal():  # "~{2}" begins as an atom might
            return Literal(*taken)
        if match := self.match(tokens.ATOM):
            return Atom(self.utf8_text(match[0]))
        if self.at(b"("):
            return self.nested(lambda: self.many(self.token))
        return Quoted(self.quoted())

    def nested(self, inner: Callable[[], T]) -> T:
        """What `inner` takes, one level deeper.  Parentheses nest MAX_DEPTH deep at most."""
        if self._depth >= MAX_DEPTH:
            raise RemoteProtocolError("imap.too-deep", limit=MAX_DEPTH)
        self._depth += 1
        taken = inner()
        self._depth -= 1
        return taken

    def nil(self) -> bool:
        """Pass over NIL if it stands here, and say whether it did."""
        return self.match(_NIL) is not None

    def utf8_text(self, raw: bytes) -> str:
        """`raw` as UTF-8, which quoted strings and text must be (RFC 9051 §9)."""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise RemoteProtocolError("imap.not-utf8", text=repr(raw[:40])[1:]) from None

    def whole(self) -> bytes:
        """The frame's octets, without "* " and the line end."""
        return b"".join(self._units)[2:].rstrip(b"\r\n")

    def _quoted_octets(self) -> bytes:
        match = self.match(_QUOTED) or self.fail("string")
        return _ESCAPED.sub(rb"\1", match[1]) if b"\\" in match[1] else match[1]


def _text(taken: tuple[bytes, bool]) -> str:
    return taken[0].decode("utf-8", "surrogateescape")
