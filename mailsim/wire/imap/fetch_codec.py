"""The items of a FETCH response on the wire (RFC 3501 §7.4.2, RFC 9051 §7.5.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.responses import Fetch, Item, ItemValue, Raw
from mailsim.wire.imap.scanner import MAX_NUMBER64, Scanner
from mailsim.wire.imap.section import WHOLE, read_section
from mailsim.wire.imap.structure import Envelope, Multipart, Part
from mailsim.wire.imap.structure_codec import read_body, read_envelope, write_body, write_envelope
from mailsim.wire.imap.writer import Writer

_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.\-]*")
_ORIGIN = re.compile(rb"<([0-9]{1,19})>")
_FLAGS = re.compile(rb'\(([^\x00-\x1f\x7f-\xff(){%*"\]]*)\)')
_FLAG_LIST = re.compile(rb"(?:\\?[^ \\]+(?: \\?[^ \\]+)*)?")


def read_fetch(scanner: Scanner, number: int) -> Fetch:
    """msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP …) ")" ; RFC 3501 §9"""
    scanner.expect(b" (")
    items = [_read_item(scanner)]
    while scanner.skip(b" "):
        items.append(_read_item(scanner))
    scanner.expect(b")")
    return Fetch(number, tuple(items))


def _read_item(scanner: Scanner) -> Item:
    name = scanner.need(_NAME, "msg-att").decode().upper()
    if scanner.at(b"["):
        return _read_section_item(scanner, name)
    scanner.expect(b" ")
    return Item(name, _READERS.get(name, _read_raw)(scanner))


def _read_section_item(scanner: Scanner, name: str) -> Item:
    """
    "BODY" section ["<" number ">"] SP nstring
    "BINARY" section-binary SP (nstring / literal8) / "BINARY.SIZE" section-binary SP number
    """
    section = WHOLE if scanner.skip(b"[]") else read_section(scanner)
    match = scanner.match(_ORIGIN) if scanner.at(b"<") else None
    origin = int(match[1]) if match else None
    scanner.expect(b" ")
    if name in ("BODY", "BINARY"):
        return Item(name, scanner.content(), section, origin)
    if name == "BINARY.SIZE":
        return Item(name, scanner.number64(), section, origin)
    return Item(name, _read_raw(scanner), section, origin)


def _read_flags(scanner: Scanner) -> tuple[str, ...]:
    match = _FLAGS.match(scanner.line, scanner.pos)
    if not match or not _FLAG_LIST.fullmatch(match[1]):
        return scanner.many(scanner.flag)
    scanner.pos = match.end()
    return tuple(match[1].decode().split(" ")) if match[1] else ()


def _read_modseq(scanner: Scanner) -> int:
    """fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")" (RFC 7162 §7)"""
    scanner.expect(b"(")
    value = scanner.number(most=MAX_NUMBER64)
    scanner.expect(b")")
    return value


def _read_raw(scanner: Scanner) -> Raw:
    return Raw(scanner.token())


_READERS: Final[dict[str, Callable[[Scanner], ItemValue]]] = {
    "FLAGS": _read_flags,
    "UID": lambda scanner: scanner.number(least=1),
    "RFC822.SIZE": Scanner.number64,
    "INTERNALDATE": Scanner.date_time,
    "ENVELOPE": read_envelope,
    "BODY": read_body,
    "BODYSTRUCTURE": read_body,
    "RFC822": Scanner.content,
    "RFC822.HEADER": Scanner.content,
    "RFC822.TEXT": Scanner.content,
    "MODSEQ": _read_modseq,
}


def write_fetch(writer: Writer, fetch: Fetch) -> None:
    """`n FETCH (…)`."""
    writer.raw(f"{fetch.number} FETCH (")
    for index, item in enumerate(fetch.items):
        writer.raw(f"{' ' if index else ''}{item.label} ")
        _write_value(writer, item)
    writer.raw(")")


def _write_value(writer: Writer, item: Item) -> None:
    value: Any = item.value
    match value:
        case int():
            writer.raw(f"({value})" if item.name == "MODSEQ" else str(value))
        case tuple():
            writer.group(value)
        case DateTime():
            writer.raw(f'"{value}"')
        case Envelope():
            write_envelope(writer, value)
        case Part() | Multipart():
            write_body(writer, value)
        case Raw(token):
            writer.argument(token)
        case _:
            writer.content(value)
