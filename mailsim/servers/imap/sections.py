"""What stands in a section of a message: BODY[…] and BINARY[…] (RFC 3501 §6.4.5, RFC 3516)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeAlias

from mailsim.wire.imap.section import Section
from mailsim.wire.mime import Part, parse
from mailsim.wire.mime.lexer import BROKEN, END, Lexer
from mailsim.wire.mime.parser import blank_line
from mailsim.wire.mime.part import Kind
from mailsim.wire.mime.transfer import decode_strictly

Partial: TypeAlias = "tuple[int, int] | None"

_PLAIN: Final = ("7bit", "8bit", "binary")
_CODED: Final = ("base64", "quoted-printable")
_NUL: Final = bytes.maketrans(b"\0", b"\x80")
_BINARY: Final = b"Content-Transfer-Encoding: binary\r\n"


class UndecodableError(Exception):
    """A body that BINARY cannot decode; `code` is UNKNOWN-CTE (RFC 3516) or PARSE."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# --- BODY[…] -------------------------------------------------------------------------------------


def content(message: bytes, section: Section, partial: Partial = None) -> bytes:
    """The octets of BODY[section]<partial>; none where there is no such part.

    A NUL, which no literal may hold, is sent as octet 128, as Dovecot does.
    """
    found = _cut(_content(message, section), partial)
    return found.translate(_NUL) if b"\0" in found else found


def _cut(octets: bytes, partial: Partial) -> bytes:
    return octets if partial is None else octets[partial[0] : partial[0] + partial[1]]


def _content(message: bytes, section: Section) -> bytes:
    if section.part:
        part = _part(message, section)
        return _of(part.header, part.body, section, part) if part else b""
    if not section.text:
        return message
    body = blank_line(message, 0)
    body = len(message) if body < 0 else body
    return _of(message[:body], message[body:], section, None)


def _of(header: bytes, body: bytes, section: Section, part: Part | None) -> bytes:
    match section.text:
        case "HEADER" | "MIME":
            return header
        case "HEADER.FIELDS":
            return _fields(_to_blank(part) if part else header, section.fields, always=not part)
        case "HEADER.FIELDS.NOT":
            return _pattern(section.fields).sub(b"", _to_blank(part) if part else header)
        case _:
            return body


def _part(message: bytes, section: Section) -> Part | None:
    """The part that the section is of; for HEADER and TEXT, the message in that part."""
    part = find(parse(message), section.part)
    if part is None or section.text in {"", "MIME"}:
        return part
    return part.children[0] if part.kind is Kind.MESSAGE else None


def find(message: Part, numbers: tuple[int, ...]) -> Part | None:
    """The part with these numbers (RFC 3501 §6.4.5), or None.

    What is not multipart has itself as its part 1; a number after a message's is of the
    message's own parts.
    """
    part = message
    for index, number in enumerate(numbers):
        last = index == len(numbers) - 1
        if part.kind is Kind.MULTIPART:
            if number > len(part.children):
                return None
            part = part.children[number - 1]
        elif number != 1 or not (last or part.kind is Kind.MESSAGE):
            return None
        if part.kind is Kind.MESSAGE and not last:
            part = part.children[0]
    return part


@lru_cache(maxsize=256)
def _pattern(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """Finds the fields of these names, whole."""
    either = b"|".join(re.escape(name.encode("utf-8", "surrogateescape")) for name in names)
    return re.compile(
        rb"^(?:%b)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)" % either,
        re.IGNORECASE | re.MULTILINE,
    )


def _fields(header: bytes, names: tuple[str, ...], *, always: bool) -> bytes:
    """The fields of these names, in the header's order, and its empty line; `always`, had it none."""
    found = b"".join(_pattern(names).findall(header))
    if found and not found.endswith(b"\n"):
        found += b"\r\n"
    blank = always or header.endswith(b"\n\r\n") or header == b"\r\n"
    return found + b"\r\n" if blank else found


def _to_blank(part: Part) -> bytes:
    """A part's header as Dovecot reads it for fields: to an empty line, past a delimiter that cuts it."""
    end = blank_line(part.content, part.start)
    return part.content[part.start :] if end < 0 else part.content[part.start : end]


# --- BINARY[…] -----------------------------------------------------------------------------------


def binary(message: bytes, numbers: tuple[int, ...], partial: Partial = None) -> tuple[bytes, bool]:
    """The octets of BINARY[numbers]<partial>, decoded, and whether they are sent as a literal8.

    Of a message, or a part that holds parts, each is decoded and its header says so.
    Raises UndecodableError.
    """
    part = find(parse(message), numbers)
    if part is None:
        return b"", False
    decoder = _Decoder(part, with_header=not numbers)
    octets = b"".join(decoder.pieces)
    return _cut(octets, partial), decoder.changed or decoder.nul


def binary_size(message: bytes, numbers: tuple[int, ...]) -> int:
    """BINARY.SIZE[numbers].  Raises UndecodableError if any part of the message cannot be decoded."""
    root = parse(message)
    part = find(root, numbers)
    if part is None:
        return 0
    whole = _Decoder(root, with_header=True)
    pieces = whole.pieces if not numbers else _Decoder(part, with_header=False).pieces
    return sum(map(len, pieces))


class _Decoder:
    """Decodes a part and all below it into `pieces`; what is between the parts stays as it is."""

    def __init__(self, part: Part, *, with_header: bool) -> None:
        self.pieces: list[bytes] = []
        self.changed = False
        self.nul = False
        self._content = part.content
        # An encoding that is not known is told before data that are broken.
        self._encodings = {one.start: _encoding(one) for one in part.walk()}
        self._at = part.start if with_header else part.body_start
        self._add(part, with_header=with_header)
        self._keep(part.end)

    def _keep(self, end: int) -> None:
        if end > self._at:
            self.pieces.append(self._content[self._at : end])
            self._at = end

    def _add(self, part: Part, *, with_header: bool) -> None:
        encoding = self._encodings[part.start]
        coded = encoding in _CODED
        self.nul = self.nul or b"\0" in part.header
        if with_header and coded and part.size and not part.children:
            self._keep(part.start)
            self.pieces.append(_as_binary(part.header))
            self._at = part.body_start
        if part.children:
            for child in part.children:
                self._add(child, with_header=True)
        elif coded and part.size:
            self._keep(part.body_start)
            self.pieces.append(_decoded(part.body, encoding))
            self.changed = True
            self._at = part.end
        else:
            self.nul = self.nul or b"\0" in part.body


def _encoding(part: Part) -> str:
    """The last Content-Transfer-Encoding, whether or not the part is MIME."""
    values = part.by_name.get(b"content-transfer-encoding")
    if not values:
        return "7bit"
    lexer = Lexer(values[-1])
    lexer.skip()
    known = lexer.token() != BROKEN and lexer.skip() == END and b"\n" not in values[-1]
    encoding = lexer.take().decode("latin-1").lower()
    if not known or encoding not in (*_PLAIN, *_CODED):
        raise UndecodableError("UNKNOWN-CTE")
    return encoding


def _as_binary(header: bytes) -> bytes:
    """The header of a part that is sent decoded."""
    rest = _pattern(("Content-Transfer-Encoding",)).sub(b"", header)
    blank = b"\r\n" if rest.endswith(b"\r\n") else b""
    return rest.removesuffix(blank) + _BINARY + blank


def _decoded(body: bytes, encoding: str) -> bytes:
    try:
        return decode_strictly(body, encoding)
    except ValueError:
        raise UndecodableError("PARSE") from None
