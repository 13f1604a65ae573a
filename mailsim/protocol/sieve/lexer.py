"""Tokens of a script (RFC 5228 §8.1)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, NoReturn

from mailsim.protocol.sieve.characters import odd_character
from mailsim.protocol.sieve.complaint import Term, Wrong, clean
from mailsim.protocol.sieve.limits import Limits
from mailsim.protocol.sieve.syntax import Place

MAX_NUMBER: Final = 2**63 - 1
"""The largest number; RFC 5228 §2.4.1 asks for 2147483647 at least, Pigeonhole has 64 bits."""


class Kind(Enum):
    """A token's kind; the value is what Pigeonhole calls it."""

    END = "end of file"
    NUMBER = "number"
    IDENTIFIER = "identifier"
    TAG = "tag"
    STRING = "string"
    RPAREN = "')'"
    LPAREN = "'('"
    RBRACE = "'}'"
    LBRACE = "'{'"
    RBRACKET = "']'"
    LBRACKET = "'['"
    SEMICOLON = "';'"
    COMMA = "','"
    SLASH = "'/'"
    COLON = "':'"
    GARBAGE = "unknown characters"
    ERROR = "error token"


_WORDS: Final = {
    Kind.END: Term("sieve.token-end", "end of file"),
    Kind.NUMBER: Term("sieve.token-number", "number"),
    Kind.STRING: Term("sieve.token-string", "string"),
    Kind.GARBAGE: Term("sieve.token-garbage", "unknown characters"),
}

_NAMED: Final = {
    Kind.IDENTIFIER: ("sieve.token-identifier", "identifier"),
    Kind.TAG: ("sieve.token-tag", "tag"),
}


class Token(NamedTuple):
    """A token, its value and its place."""

    kind: Kind
    value: bytes | str | int
    place: Place


def token_word(token: Token) -> Term | str:
    """What a token is called: a word of each language, or the token itself."""
    if token.kind in _NAMED:
        return Term(*_NAMED[token.kind], (("text", str(token.value)),))
    return _WORDS.get(token.kind) or str(token.kind.value)


_SINGLE: Final = {
    kind.value[1].encode()[0]: kind
    for kind in Kind
    if kind.value[0] == "'" and kind.value[1] != "/"
}
# white-space = 1*(SP / CRLF / HTAB) / comment
_BLANK = re.compile(rb"(?:[ \t\r\n]+|#[^\n\0]*\n)+")
_IDENTIFIER = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(rb"([0-9]+)([KkMmGg]?)")
_SHIFT: Final = {b"": 0, b"K": 10, b"M": 20, b"G": 30}
# quoted-text = *(quoted-safe / quoted-special / quoted-other)
_QUOTED = re.compile(rb'[^"\\]*(?:\\[\x00-\xff][^"\\]*)*')
_ESCAPE = re.compile(rb"\\([\x00-\xff])")
_TEXT = re.compile(rb"[Tt][Ee][Xx][Tt]:[ \t]*")
# The dot that ends a multi-line string, and what may not be in it.
_DOT = re.compile(rb"^\.\r?\n", re.MULTILINE)
_ODD_IN_TEXT = re.compile(rb"\0|\r(?!\n)")
_LONE_CR = re.compile(rb"\r(?!\n)")
_LONE_LF = re.compile(rb"(?<!\r)\n")


class Lexer:
    """Reads tokens one at a time; what is none is complained of, once, and given as ERROR.

    `complain` takes a Wrong.  As Pigeonhole does, a bare LF ends a line, and a string has CRLF
    for it.
    """

    def __init__(self, source: bytes, limits: Limits, complain: Callable[[Wrong], None]) -> None:
        self._source = source
        self._limits = limits
        self._complain = complain
        self._at = 0
        self._newlines = [match.start() for match in re.finditer(rb"\n", source)]
        self._garbage = False
        self._ended = 0
        self._first_over_lines = -1
        self.token = Token(Kind.END, "", Place(1, 1))
        self.next()

    def place(self, offset: int) -> Place:
        """The line and column of an offset."""
        line = bisect_right(self._newlines, offset - 1)
        start = self._newlines[line - 1] + 1 if line else 0
        return Place(line + 1, offset - start + 1)

    @property
    def behind(self) -> Place:
        """The place just behind the token before this one."""
        return self.place(self._ended)

    def next(self) -> Token:
        """Go on to the next token; at the end stay there."""
        self._ended = self._at
        try:
            token = self._read()
        except Wrong as wrong:
            self._complain(wrong)
            token = Token(Kind.ERROR, "", wrong.place)
        self._garbage = token.kind is Kind.GARBAGE
        self.token = token
        return token

    def _read(self) -> Token:
        self._skip_blank()
        start = self._at
        if start >= len(self._source):
            return Token(Kind.END, "", self.place(start))
        octet = self._source[start]
        if (kind := _SINGLE.get(octet)) and kind is not Kind.COLON:
            self._at += 1
            return Token(kind, "", self.place(start))
        if octet == 0x22:
            return self._quoted(start)
        if match := _NUMBER.match(self._source, start):
            return self._number(match)
        if text := _TEXT.match(self._source, start):
            return self._multi_line(text)
        return self._name(start)

    def _skip_blank(self) -> None:
        source, start = self._source, self._at
        self._skip(source)
        # Behind blanks what is odd is told of again, as Pigeonhole does.
        self._garbage = self._garbage and self._at == start

    def _skip(self, source: bytes) -> None:
        while self._at < len(source):
            if match := _BLANK.match(source, self._at):
                self._at = match.end()
            elif source[self._at] == 0x23:
                self._hash_comment()
            elif source.startswith(b"/*", self._at):
                self._bracket_comment()
            else:
                return

    def _hash_comment(self) -> None:
        """hash-comment = "#" *octet-not-crlf CRLF"""
        start = self._at
        end = self._source.find(b"\n", start)
        end = len(self._source) if end < 0 else end
        self._at = min(end + 1, len(self._source))
        if (nul := self._source.find(b"\0", start, end)) >= 0:
            raise Wrong("sieve.nul-in-comment", self.place(nul))

    def _bracket_comment(self) -> None:
        """bracket-comment = "/*" *not-star 1*STAR *(not-star-slash *not-star 1*STAR) "/" """
        start = self._at
        end = self._source.find(b"*/", start + 2)
        self._at = len(self._source) if end < 0 else end + 2
        if (nul := self._source.find(b"\0", start, self._at)) >= 0:
            raise Wrong("sieve.nul-in-bracket-comment", self.place(nul))
        if end < 0:
            self._fail_at_end(start, "sieve.open-comment")

    def _fail_at_end(self, start: int, message_id: str) -> NoReturn:
        """What has no end: a person looks where it begins."""
        last = self.place(len(self._source))
        opened = self.place(start)
        raise Wrong(message_id, last, start=opened.line).told("", opened)

    def _open_string(self, start: int) -> NoReturn:
        """A quotation mark is missing: likely in the first string that goes over a line's end."""
        try:
            self._fail_at_end(start, "sieve.open-string")
        except Wrong as wrong:
            if self._first_over_lines < 0:
                raise
            raise wrong.told("sieve.quote-missing", self.place(self._first_over_lines)) from None

    def _number(self, match: re.Match[bytes]) -> Token:
        """number = 1*DIGIT [ QUANTIFIER ]"""
        self._at = match.end()
        place = self.place(match.start())
        digits = match[1].lstrip(b"0") or b"0"
        value = int(digits) << _SHIFT[match[2].upper()] if len(digits) < 20 else MAX_NUMBER + 1
        if value > MAX_NUMBER:
            raise Wrong("sieve.number-too-large", place, most=MAX_NUMBER)
        return Token(Kind.NUMBER, value, place)

    def _quoted(self, start: int) -> Token:
        """quoted-string = DQUOTE quoted-text DQUOTE"""
        match = _QUOTED.match(self._source, start + 1)
        self._at = match.end() + 1 if match else len(self._source)
        if match is None or self._at > len(self._source) or self._source[match.end()] != 0x22:
            self._at = len(self._source)
            self._open_string(start)
        inner = self._source[start + 1 : self._at - 1]
        value = _ESCAPE.sub(rb"\1", inner) if b"\\" in inner else inner
        value = self._line_ends(value, start, inner)
        self._bounded(value, start, "sieve.string-too-long")
        return Token(Kind.STRING, value, self.place(start))

    def _line_ends(self, value: bytes, start: int, inner: bytes) -> bytes:
        """No NUL, no lone CR; CRLF for a bare LF."""
        line = self.place(start).line
        if (nul := inner.find(b"\0")) >= 0:
            raise Wrong("sieve.nul-in-string", self.place(start + 1 + nul), start=line)
        if b"\n" in value or b"\r" in value:
            if lone := _LONE_CR.search(inner):
                raise Wrong("sieve.lone-cr", self.place(start + 1 + lone.start()), start=line)
            value = _LONE_LF.sub(b"\r\n", value)
            if self._first_over_lines < 0:
                self._first_over_lines = start
        return value

    def _bounded(self, value: bytes, start: int, message_id: str) -> None:
        if len(value) > self._limits.string:
            place = self.place(start)
            raise Wrong(message_id, place, start=place.line, most=self._limits.string)

    def _multi_line(self, match: re.Match[bytes]) -> Token:
        """multi-line = "text:" *(SP / HTAB) (hash-comment / CRLF)
        *(multiline-literal / multiline-dotstart) "." CRLF
        """
        start, self._at = match.start(), match.end()
        source = self._source
        if self._at < len(source) and source[self._at] == 0x23:
            self._hash_comment()
        elif found := re.compile(rb"\r?\n").match(source, self._at):
            self._at = found.end()
        elif self._at < len(source):
            odd = clean(chr(source[self._at]))
            raise Wrong("sieve.after-text", self.place(self._at), char=odd)
        value = self._lines(start)
        self._bounded(value, start, "sieve.text-too-long")
        return Token(Kind.STRING, value, self.place(start))

    def _lines(self, start: int) -> bytes:
        """The lines of a multi-line string, up to the dot that closes it."""
        source, begin = self._source, self._at
        dot = _DOT.search(source, begin)
        end = dot.start() if dot else len(source)
        if odd := _ODD_IN_TEXT.search(source, begin, end):
            self._odd_in_text(odd.start(), start)
        self._at = dot.end() if dot else len(source)
        if dot is None:
            wrong = Wrong("sieve.open-text", self.place(len(source)))
            raise wrong.told("", self.place(start))
        body = (b"\n" + source[begin:end]).replace(b"\n..", b"\n.")
        return body[1:].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def _odd_in_text(self, odd: int, start: int) -> None:
        """Complain of a line with NUL or a lone CR in it, and go on behind that line."""
        source = self._source
        end = source.find(b"\n", odd)
        if end < 0:
            return
        self._at = end + 1
        line = self.place(start).line
        if (nul := source.find(b"\0", odd, end)) >= 0:
            raise Wrong("sieve.nul-in-string", self.place(nul), start=line)
        raise Wrong("sieve.lone-cr-in-text", self.place(odd), start=line)

    def _name(self, start: int) -> Token:
        """identifier, or tag = ":" identifier"""
        colon = self._source[start] == 0x3A
        match = _IDENTIFIER.match(self._source, start + colon)
        place = self.place(start)
        if match is None:
            return self._other(start, place, colon=colon)
        self._at = match.end()
        name = match[0].decode("ascii")
        if len(name) > self._limits.identifier:
            raise Wrong("sieve.name-too-long", place, name=name[: self._limits.identifier])
        return Token(Kind.TAG if colon else Kind.IDENTIFIER, name, place)

    def _other(self, start: int, place: Place, *, colon: bool) -> Token:
        self._at = start + 1
        if colon:
            return Token(Kind.COLON, "", place)
        octet = self._source[start]
        if octet == 0x2F:
            return Token(Kind.SLASH, "", place)
        if not self._garbage:
            self._complain(odd_character(self._source, start, place))
        return Token(Kind.GARBAGE, "", place)
