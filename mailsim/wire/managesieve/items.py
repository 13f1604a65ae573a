"""What lines are made of: atoms, numbers, strings quoted or literal, parentheses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from mailsim.errors import RemoteProtocolError, UsageError

_QUOTED_LIMIT = 1024
_ATOM = re.compile(r"[!#-'*-\[\]-z|-~]{1,1024}")
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,9}")
_UNQUOTABLE = re.compile(rb"[\x00\r\n]")
_ESCAPED = re.compile(rb'(["\\])')
_ESCAPE = re.compile(rb'\\(["\\])')
_TOKEN = re.compile(
    rb'"(?P<quoted>(?:[^"\\\x00\r\n]|\\["\\])*)"'
    rb"|(?P<atom>[!#-'*-\[\]-z|-~]+)"
    rb"|(?P<mark>[ ()])"
)


class Atom(str):
    """An atom, such as OK or ACTIVE; compared as it is written.

    atom = 1*1024ATOM-CHAR    ; RFC 5804 §4
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Atom({str(self)!r})"


class Literal(bytes):
    """A string that travels as a literal, whether it needs to or not."""

    __slots__ = ()


class TooLong(Literal):
    """A literal that is longer than the limit: its octets were not kept.  `size`: how many they are."""

    size: int


Item: TypeAlias = Atom | int | bytes | tuple["Item", ...]


def atom(text: str) -> Atom:
    """`text` as an atom.  Raises UsageError if it is none."""
    if not _ATOM.fullmatch(text):
        raise UsageError("managesieve.bad-atom", text=text)
    return Atom(text)


def quoted(text: bytes) -> bytes:
    """The quoted string of `text`.

    quoted           = DQUOTE *1024QUOTED-CHAR DQUOTE      ; RFC 5804 §4
    QUOTED-CHAR      = SAFE-UTF8-CHAR / "\\" QUOTED-SPECIALS
    QUOTED-SPECIALS  = DQUOTE / "\\"
    """
    return b'"' + _ESCAPED.sub(rb"\\\1", text) + b'"'


def encode(items: Iterable[Item], *, plus: bool) -> tuple[bytes, ...]:
    """The units of one line: text with CRLF, each literal's octets as a block of their own.

        string      = quoted / literal-c2s / literal-s2c       ; RFC 5804 §4
        literal-c2s = "{" number "+}" CRLF *OCTET
        literal-s2c = "{" number "}" CRLF *OCTET

    `plus` is for the client.  Strings are quoted where the grammar lets them be.
    """
    units, text = [], b""
    for part in _parts(tuple(items)):
        if not isinstance(part, Literal):
            text += part
            continue
        units.append(text + b"{%d%s}\r\n" % (len(part), b"+" if plus else b""))
        text = b""
        if part:
            units.append(bytes(part))
    return (*units, text + b"\r\n")


def _parts(items: Sequence[Item]) -> Iterator[bytes]:
    for index, item in enumerate(items):
        if index:
            yield b" "
        if isinstance(item, tuple):
            yield b"("
            yield from _parts(item)
            yield b")"
        elif isinstance(item, bytes):
            yield _string(item)
        else:
            yield str(item).encode()


def _string(text: bytes) -> bytes:
    if isinstance(text, Literal):
        return text
    written = quoted(text)
    if len(written) - 2 > _QUOTED_LIMIT or _UNQUOTABLE.search(text):
        return Literal(text)
    return written


def parse_items(parts: Iterable[bytes]) -> tuple[Item, ...]:
    """The items of one line, from its texts (without CRLF) and its literals.

        line           = item *(SP item)
        item           = atom / string / number / "(" [item *(SP item)] ")"

    as in extension-data, RFC 5804 §4.  Digits alone are a number.  Raises
    RemoteProtocolError.
    """
    parser = _Parser()
    for part in parts:
        if isinstance(part, Literal):
            parser.item(part)
        else:
            _scan(part, parser)
    return parser.items()


def _scan(text: bytes, parser: _Parser) -> None:
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _broken(text[at:])
        at = token.end()
        if token.lastgroup == "mark":
            parser.mark(token[0])
        elif token.lastgroup == "quoted":
            parser.item(_ESCAPE.sub(rb"\1", token["quoted"]))
        elif _NUMBER.fullmatch(token[0]):
            parser.item(int(token[0]))
        else:
            parser.item(Atom(token[0].decode("ascii")))


class _Parser:
    """Puts tokens together; a stack in place of recursion, for a peer may nest at will."""

    __slots__ = ("_open", "_spaced")

    def __init__(self) -> None:
        self._open: list[list[Item]] = [[]]
        self._spaced = True

    def item(self, item: Item) -> None:
        if not self._spaced:
            raise _broken(b"")
        self._open[-1].append(item)
        self._spaced = False

    def mark(self, mark: bytes) -> None:
        if mark == b"(":
            if not self._spaced:
                raise _broken(mark)
            self._open.append([])
        elif mark == b")":
            self._close()
        elif self._spaced:
            raise _broken(mark)
        else:
            self._spaced = True

    def _close(self) -> None:
        inside = self._open.pop()
        if not self._open or (self._spaced and inside):
            raise _broken(b")")
        self._spaced = True
        self.item(tuple(inside))

    def items(self) -> tuple[Item, ...]:
        if len(self._open) != 1 or (self._spaced and self._open[0]):
            raise _broken(b"")
        return tuple(self._open[0])


def _broken(at: bytes) -> RemoteProtocolError:
    shown = at[:80].decode("utf-8", "backslashreplace")
    return RemoteProtocolError("managesieve.bad-line", text=shown)
