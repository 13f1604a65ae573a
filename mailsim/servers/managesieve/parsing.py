"""A client's line as Pigeonhole takes it apart, with its words for what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mailsim.wire.managesieve import Literal, TooLong

_ATOM_SPECIALS = b'(){"\\'
_QUOTED_SPECIALS = b'"\\'
_LARGE_LITERAL = "Literal size too large"
_LINE = 65_536  # managesieve_max_line_length


class Kind(Enum):
    """What an argument is."""

    ATOM = "atom"
    QUOTED = "quoted"
    LITERAL = "literal"
    ERROR = "error"
    """None: the line is broken here."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, or what is wrong in its place.

    `value` is the text without quotes and escapes; for an ERROR `text` says what is wrong,
    `quoted` whether that is in a quoted string, `fatal` whether the connection ends.
    """

    kind: Kind
    value: bytes = b""
    text: str = ""
    quoted: bool = False
    fatal: bool = False

    @property
    def is_string(self) -> bool:
        """Whether it is a string, quoted or literal."""
        return self.kind in (Kind.QUOTED, Kind.LITERAL)

    @property
    def size(self) -> int:
        """A string's octets, kept or not."""
        return self.value.size if isinstance(self.value, TooLong) else len(self.value)


class LineError(Exception):
    """The line is broken; `fatal` ends the connection."""

    def __init__(self, text: str, *, fatal: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.fatal = fatal


@dataclass(slots=True)
class Line:
    """The command's name as it was written, and the arguments up to the first that is broken."""

    name: str
    arguments: list[Argument] = field(default_factory=list)

    def all(self) -> list[Argument]:
        """All arguments.  Raises LineError if one is broken."""
        for one in self.arguments:
            check(one)
        return self.arguments


def check(argument: Argument, *, script: bool = False) -> None:
    """Raise LineError for what is no argument, and (unless it is a script) for a literal that is
    too large or not in UTF-8."""
    if argument.kind is Kind.ERROR:
        raise LineError(argument.text, fatal=argument.fatal)
    if argument.kind is Kind.LITERAL and not script:
        if isinstance(argument.value, TooLong) or argument.size > _LINE:
            raise LineError(_LARGE_LITERAL, fatal=True)
        if not _is_utf8(argument.value):
            raise LineError("Invalid UTF-8 character in literal string.")


def read(parts: tuple[bytes, ...]) -> Line:
    """The line that these texts and literals are (RFC 5804 §4; blanks may be several)."""
    first, *more = parts or (b"",)
    name, space, rest = first.partition(b" ")
    line = Line(name.decode("utf-8", "surrogateescape"))
    texts = [rest if space else b"", *more]
    for part in texts:
        if isinstance(part, Literal):
            line.arguments.append(Argument(Kind.LITERAL, part))
        else:
            _scan(part, line.arguments)
        if line.arguments and line.arguments[-1].kind is Kind.ERROR:
            break
    return line


def arguments(parts: tuple[bytes, ...]) -> Line:
    """The same for a line without a command: an answer to a challenge."""
    return read((b" " + parts[0], *parts[1:]) if parts else ())


def _scan(text: bytes, into: list[Argument]) -> None:
    at = 0
    while True:
        while text[at : at + 1] == b" ":
            at += 1
        if at >= len(text):
            return
        argument, at = _one(text, at)
        into.append(argument)
        if argument.kind is Kind.ERROR:
            return


def _one(text: bytes, at: int) -> tuple[Argument, int]:
    if text[at : at + 1] == b'"':
        return _quoted(text, at + 1)
    if text[at : at + 1] == b"{":
        return _announced(text, at + 1), len(text)
    end = at
    while end < len(text) and text[end : end + 1] not in (b" ", b")"):
        octet = text[end]
        if octet >= 0x80:
            return _error("8bit data in atom"), end
        if octet <= 0x20 or octet == 0x7F or octet in _ATOM_SPECIALS:
            return _error("Invalid characters in atom"), end
        end += 1
    if end == at:
        return _error("Invalid characters in atom"), end
    return Argument(Kind.ATOM, text[at:end]), end


def _announced(text: bytes, at: int) -> Argument:
    """A literal that is none, or that nobody could send."""
    digits = text[at:].partition(b"}")[0].removesuffix(b"+")
    if digits.isdigit() and text.endswith(b"}"):
        return _error(_LARGE_LITERAL)
    if not digits.isdigit() or b"}" not in text[at:]:
        return _error("Invalid literal size")
    return _error("Missing LF after literal size")


def _quoted(text: bytes, at: int) -> tuple[Argument, int]:
    start, made = at, bytearray()
    while at < len(text):
        octet = text[at : at + 1]
        if octet == b'"':
            if not _is_utf8(text[start:at]):
                return _error("Invalid UTF-8 character in quoted-string.", quoted=True), at
            return Argument(Kind.QUOTED, bytes(made)), at + 1
        if octet == b"\0":
            return _error("NULs not allowed in strings", quoted=True), at
        if octet == b"\\":
            at += 1
            octet = text[at : at + 1]
            if not octet or octet not in _QUOTED_SPECIALS:
                why = "Escaped quoted-string character is not a QUOTED-SPECIAL."
                return _error(why, quoted=True), at
        made += octet
        at += 1
    return _error("String contains invalid character.", quoted=True), at


def _error(text: str, *, quoted: bool = False) -> Argument:
    return Argument(Kind.ERROR, text=text, quoted=quoted)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
