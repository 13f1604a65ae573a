"""Content-Type and its like: a value and its parameters (RFC 2045 §5.1, RFC 2231)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from mailsim.wire.mime.charsets import to_text
from mailsim.wire.mime.lexer import BROKEN, END, MORE, Lexer

Params: TypeAlias = tuple[tuple[bytes, bytes], ...]

_UNQUOTED = re.compile(rb"[^; \t\r\n]*")
# name*0, name*0*, name*   ; RFC 2231 §3-4
_SECTION = re.compile(rb"([^*]*)\*(?:([0-9]{0,6})(\*)?)")


def read_content_type(field: bytes) -> tuple[bytes, Params]:
    """The media type and its parameters; "text" if that is all, "" if it is broken otherwise."""
    # Most messages say one of a few things.
    return _known_content_type(field) if len(field) < 200 else _read_content_type(field)


def _read_content_type(field: bytes) -> tuple[bytes, Params]:
    lexer = Lexer(field)
    if lexer.skip() == MORE and lexer.token() != MORE:
        return lexer.take(), ()
    kind = lexer.take()
    if kind and lexer.at(b"/"):
        lexer.pos += 1
        status = lexer.token() if lexer.skip() == MORE else BROKEN
        subtype = lexer.take()
        if subtype and (status == END or (status == MORE and lexer.at(b";"))):
            return b"%b/%b" % (kind, subtype), _params(lexer)
    return b"", ()


_known_content_type = lru_cache(maxsize=512)(_read_content_type)


def read_disposition(field: bytes) -> tuple[bytes, Params] | None:
    """disposition-type *(";" parameter), or None if its type cannot be read   ; RFC 2183"""
    lexer = Lexer(field)
    lexer.skip()
    if lexer.token() == BROKEN:
        return None
    return lexer.take(), _params(lexer)


def read_encoding(field: bytes) -> bytes | None:
    """mechanism   ; RFC 2045 §6.1: None if there is none, or more than it"""
    lexer = Lexer(field)
    lexer.skip()
    if lexer.token() == BROKEN or lexer.skip() != END:
        return None
    return lexer.take() or None


def read_languages(field: bytes) -> tuple[bytes, ...]:
    """1#Language-tag   ; RFC 3282"""
    lexer = Lexer(field)
    lexer.skip()
    found = []
    while lexer.atom() != BROKEN:
        found.append(lexer.take())
        if not lexer.at(b","):
            break
        lexer.pos += 1
        lexer.skip()
    return tuple(found)


def _params(lexer: Lexer) -> Params:
    """*(";" parameter), its sections joined; what cannot be read is passed over."""
    plain: list[tuple[bytes, bytes]] = []
    sections: list[tuple[bytes, int, bool, bytes]] = []
    while lexer.pos < lexer.end:
        pair = _pair(lexer)
        if pair is None:
            found = lexer.data.find(b";", lexer.pos + 1)
            lexer.pos = found if found >= 0 else lexer.end
        elif match := _SECTION.fullmatch(pair[0]):
            sections.append((match[1], int(match[2] or 0), match[3] is not None or not match[2],
                             pair[1]))  # fmt: skip
        else:
            plain.append(pair)
    return (*plain, *_joined(sorted(sections))) if sections else tuple(plain)


def _pair(lexer: Lexer) -> tuple[bytes, bytes] | None:
    """ ";" attribute "=" value   ; RFC 2045 §5.1"""
    lexer.out.clear()
    if not lexer.at(b";"):
        return None
    lexer.pos += 1
    if lexer.skip() != MORE or lexer.token() != MORE or not lexer.at(b"="):
        return None
    lexer.pos += 1
    name = lexer.take()
    status = lexer.skip()
    if status == MORE:
        status = _value(lexer)
    return None if status == BROKEN else (name, lexer.take())


def _value(lexer: Lexer) -> int:
    if lexer.at(b'"'):
        return lexer.quoted()
    if not lexer.at(b"="):
        return lexer.token()
    # name==?utf-8?B?…?=, an encoded word that has no place here but is met.
    match = _UNQUOTED.match(lexer.data, lexer.pos)
    if match:
        lexer.out += match[0]
        lexer.pos = match.end()
    return MORE


def _joined(sections: list[tuple[bytes, int, bool, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    """The sections of each name as one value, charset and %-encoding left in it ("name*")."""
    groups: list[list[tuple[bytes, int, bool, bytes]]] = []
    for one in sections:
        if groups and groups[-1][0][0].lower() == one[0].lower():
            groups[-1].append(one)
        else:
            groups.append([one])
    for group in groups:
        yield from _joined_group(group)


def _joined_group(group: list[tuple[bytes, int, bool, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    if [section for _, section, _, _ in group] != list(range(len(group))):
        for name, section, extended, value in group:
            yield b"%b*%d%b" % (name, section, b"*" if extended else b""), value
        return
    if not any(extended for _, _, extended, _ in group):
        yield group[0][0], b"".join(value for *_, value in group)
        return
    pieces = [v if extended else v.replace(b"%", b"%25") for _, _, extended, v in group]
    yield group[0][0] + b"*", (b"" if group[0][2] else b"''") + b"".join(pieces)


def param_text(params: Params, name: str) -> str | None:
    """A parameter as text: `name*` decoded, else `name` as it stands   ; RFC 2231 §4"""
    key = name.encode()
    plain: str | None = None
    for found, value in params:
        lower = found.lower()
        if lower == key + b"*":
            charset, mark, rest = value.partition(b"'")
            octets = unquote_to_bytes(rest.partition(b"'")[2] if mark else value)
            return to_text(octets, charset.decode("latin-1") if mark else "utf-8")
        if lower == key and plain is None:
            plain = value.decode("utf-8", "replace")
    return plain


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type as a body part has it: `type` and `subtype` as written, and its parameters."""

    type: bytes
    subtype: bytes
    params: Params = ()

    @property
    def media_type(self) -> str:
        """`text/plain`, in lower case."""
        return b"/".join((self.type, self.subtype)).decode("latin-1").lower()
