"""A message as SEARCH, SORT and THREAD look at it: fields and bodies decoded, made comparable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from mailsim.servers.imap.casing import folded
from mailsim.wire.mime import Part, decode_words, outline, parse
from mailsim.wire.mime.addresses import parse_addresses, written
from mailsim.wire.mime.charsets import to_text
from mailsim.wire.mime.dates import Moment, parse_date
from mailsim.wire.mime.lexer import no_nul
from mailsim.wire.mime.parameters import param_text, read_content_type, read_encoding
from mailsim.wire.mime.transfer import decode

_CODED = re.compile(rb"=\?|BASE64|QUOTED-PRINTABLE|UTF-?7|UTF-?16|UTF-?32|ISO-2022|HZ-|\\\\")
_FOLD = re.compile(rb"\r?\n[ \t]")
_LINE_END = re.compile(rb"\n")
_SPACE = re.compile(r"[ \t]+")


class Searchable:
    """What can be asked of one message's content; each thing is made when first asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    # --- Header -------------------------------------------------------------------------------

    @cached_property
    def fields(self) -> dict[bytes, list[bytes]]:
        """The header's fields by name in lower case; lines without a colon under ""."""
        return outline(self.content).by_name

    def raw(self, name: bytes) -> bytes | None:
        """The first field of this name, on one line."""
        values = self.fields.get(name)
        return no_nul(_one_line(values[0])) if values else None

    def values(self, name: bytes) -> Iterator[str]:
        """Each field of this name, decoded and comparable."""
        for value in self.fields.get(name, ()):
            yield folded(decode_words(_one_line(value)))

    def addresses(self, name: bytes) -> Iterator[str]:
        """Each address field of this name, its addresses written the one proper way."""
        for value in self.fields.get(name, ()):
            yield folded(decode_words(written(parse_addresses(_one_line(value)))))

    def packed(self, name: bytes) -> Iterator[str]:
        """Each field of this name, with single spaces."""
        for value in self.fields.get(name, ()):
            text = _SPACE.sub(" ", _one_line(value).decode("utf-8", "surrogateescape")).lstrip(" ")
            yield folded(decode_words(text.encode("utf-8", "surrogateescape")))

    @cached_property
    def sent(self) -> Moment:
        """The Date field's moment, 0 where it names none; in 32 bits, as Dovecot keeps it."""
        value = self.raw(b"date")
        moment = parse_date(value) if value else None
        return Moment(moment.seconds & 0xFFFFFFFF, moment.zone) if moment else Moment(0, 0)

    # --- Text ---------------------------------------------------------------------------------

    def may_hold(self, word: bytes) -> bool:
        """False if `word` (letters and digits, upper case) is surely nowhere in it.

        One look at the octets tells, where all its text stands in them as it is.
        """
        return word in self._upper or not self._is_plain

    @cached_property
    def _upper(self) -> bytes:
        return self.content.upper()

    @cached_property
    def _is_plain(self) -> bool:
        """No encoded words, no transfer encoding that changes letters, no charset but ASCII's kin."""
        return self.content.isascii() and not _CODED.search(self._upper)

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


def _one_line(value: bytes) -> bytes:
    """A field's value unfolded, what was folded behind one space."""
    return _LINE_END.sub(b"", value.replace(b"\n\t", b"\n ")) if b"\n" in value else value


def _header(part: Part) -> str:
    """The header section on unfolded lines, its encoded words read."""
    header = _FOLD.sub(b" ", part.header)
    if b"=?" not in header:
        return header.decode("utf-8", "replace")
    return "".join(map(_decoded_line, header.splitlines(keepends=True)))


def _decoded_line(line: bytes) -> str:
    """A field with the encoded words of its value read; space alone before the first is none."""
    name, colon, value = line.partition(b":")
    middle = colon + (value[:1] if value[:1] in (b" ", b"\t") else b"")
    value = value[len(middle) - len(colon) :]
    return (name + middle).decode("utf-8", "replace") + decode_words(value) + "\r\n"


def _body(part: Part) -> str:
    """The body as text, if it is text or a message's, and its encoding is known."""
    if part.children:
        return ""
    fields = part.by_name
    charset: str | None = None
    types = fields.get(b"content-type")
    if types:
        media_type, params = read_content_type(types[0])
        if not media_type.lower().startswith((b"text/", b"message/")):
            return ""
        charset = param_text(params, "charset")
    encodings = fields.get(b"content-transfer-encoding")
    encoding = read_encoding(encodings[-1]) or b"?" if encodings else b"7bit"
    octets = decode(part.body, encoding.decode("latin-1"))
    return "" if octets is None else to_text(octets, charset or "utf-8")
