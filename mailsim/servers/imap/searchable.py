"""A message as SEARCH looks at it: its header, and the text of its parts, decoded and comparable."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from mailsim.servers.imap.casing import folded
from mailsim.servers.imap.headers import Header, read_header
from mailsim.wire.mime import Part, decode_words, parse
from mailsim.wire.mime.charsets import to_text
from mailsim.wire.mime.fields import Field
from mailsim.wire.mime.parameters import param_text, read_content_type, read_encoding
from mailsim.wire.mime.parser import blank_line
from mailsim.wire.mime.transfer import decode

_FOLD = re.compile(rb"\r?\n[ \t]")
# What text that does not stand in the octets as it is announces itself by, in capitals.
_CODED: Final = (
    b"=?", b"BASE64", b"QUOTED-PRINTABLE", b"UTF-7", b"UTF7", b"UTF-16", b"UTF16", b"UTF-32",
    b"UTF32", b"ISO-2022", b"HZ-", b"\\",
)  # fmt: skip


def is_plain(upper: bytes) -> bool:
    """Whether a message's octets, in capitals, are all the text there is: no encoded words, no
    transfer encoding that changes letters, no charset but ASCII's kin."""
    return upper.isascii() and not any(mark in upper for mark in _CODED)


class Searchable:
    """What can be asked of one message's content; each thing is made when first asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @cached_property
    def header(self) -> Header:
        """The message's header."""
        return read_header(self._header)

    @cached_property
    def _header(self) -> bytes:
        end = blank_line(self.content, 0)
        return self.content if end < 0 else self.content[:end]

    def header_may_hold(self, word: bytes) -> bool:
        """False if `word` (letters and digits, upper case) is surely in no field's value.

        One look at the octets tells, where all text stands in them as it is.
        """
        upper = self._header.upper()
        return word in upper or b"=?" in upper or b"\\" in upper or not upper.isascii()

    def may_hold(self, word: bytes) -> bool:
        """The same, of the header and all bodies."""
        upper = self.content.upper()
        return word in upper or not is_plain(upper)

    @cached_property
    def bodies(self) -> tuple[str, ...]:
        """The text bodies, decoded and comparable: BODY's."""
        return tuple(folded(text) for part in self._parts if (text := _body(part)))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The header and text body of each part, decoded and comparable: TEXT's."""
        return tuple(folded(_header(part) + _body(part)) for part in self._parts)

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        return tuple(parse(self.content).walk())


def _header(part: Part) -> str:
    """The header section on unfolded lines, its encoded words read."""
    header = part.header
    if b"=?" in header:
        return "".join(_decoded(part, field) for field in part.fields) + "\r\n"
    if b"\n " in header or b"\n\t" in header:
        header = _FOLD.sub(b" ", header)
    return header.decode("utf-8", "replace")


def _decoded(part: Part, field: Field) -> str:
    """A field with the encoded words of its value read; space alone before the first is none."""
    line = _FOLD.sub(b" ", part.content[field.start : field.end])
    begin = 0 if field.raw is None else line.index(b":") + 1
    begin += line[begin : begin + 1] in (b" ", b"\t") and begin > 0
    return line[:begin].decode("utf-8", "replace") + decode_words(line[begin:]) + "\r\n"


def _body(part: Part) -> str:
    """The body as text, if it is text or a message's, and its encoding is known.

    Of fields that stand twice Dovecot asks the last whether it is text, the first for the charset.
    """
    if part.children:
        return ""
    fields = read_header(part.header).fields
    charset: str | None = None
    types = fields.get(b"content-type")
    if types:
        if not read_content_type(types[-1])[0].lower().startswith((b"text/", b"message/")):
            return ""
        charset = param_text(read_content_type(types[0])[1], "charset")
    encodings = fields.get(b"content-transfer-encoding")
    encoding = read_encoding(encodings[-1]) or b"?" if encodings else b"7bit"
    octets = decode(part.body, encoding.decode("latin-1"))
    return "" if octets is None else to_text(octets, charset or "utf-8")
