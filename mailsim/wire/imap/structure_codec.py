"""ENVELOPE and BODYSTRUCTURE on the wire (RFC 3501 §7.4.2)."""

from __future__ import annotations

from mailsim.wire.imap.scanner import Scanner
from mailsim.wire.imap.structure import (
    NO_EXTENSION,
    Address,
    Body,
    Disposition,
    Envelope,
    Extension,
    Multipart,
    Params,
    Part,
)
from mailsim.wire.imap.writer import Writer


def read_envelope(scanner: Scanner) -> Envelope:
    """
    envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP
               env-to SP env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
    """
    scanner.expect(b"(")
    date = scanner.nstring()
    scanner.expect(b" ")
    subject = scanner.nstring()
    envelope = Envelope(
        date,
        subject,
        sent_from=_read_addresses(scanner),
        sender=_read_addresses(scanner),
        reply_to=_read_addresses(scanner),
        to=_read_addresses(scanner),
        cc=_read_addresses(scanner),
        bcc=_read_addresses(scanner),
        in_reply_to=_read_after_space(scanner),
        message_id=_read_after_space(scanner),
    )
    scanner.expect(b")")
    return envelope


def _read_after_space(scanner: Scanner) -> str | None:
    scanner.expect(b" ")
    return scanner.nstring()


def _read_addresses(scanner: Scanner) -> tuple[Address, ...]:
    """SP ("(" 1*address ")" / nil), with no SP between addresses"""
    scanner.expect(b" ")
    if scanner.nil():
        return ()
    scanner.expect(b"(")
    found = [_read_address(scanner)]
    while not scanner.skip(b")"):
        found.append(_read_address(scanner))
    return tuple(found)


def _read_address(scanner: Scanner) -> Address:
    scanner.expect(b"(")
    name = scanner.nstring()
    scanner.expect(b" ")
    route = scanner.nstring()
    scanner.expect(b" ")
    mailbox = scanner.nstring()
    scanner.expect(b" ")
    host = scanner.nstring()
    scanner.expect(b")")
    return Address(name, route, mailbox, host)


def read_body(scanner: Scanner) -> Body:
    """body = "(" (body-type-1part / body-type-mpart) ")" ; RFC 3501 §9"""
    scanner.expect(b"(")
    read = _read_multipart if scanner.at(b"(") else _read_part
    body: Body = scanner.nested(lambda: read(scanner))
    scanner.expect(b")")
    return body


def _read_multipart(scanner: Scanner) -> Multipart:
    """
    body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
    body-ext-mpart  = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc
                      *(SP body-extension)]]]
    """
    parts = []
    while scanner.at(b"("):
        parts.append(read_body(scanner))
    scanner.expect(b" ")
    subtype = scanner.string()
    if not scanner.skip(b" "):
        return Multipart(tuple(parts), subtype)
    params = _read_params(scanner)
    return Multipart(tuple(parts), subtype, params, _read_extension(scanner))


def _read_part(scanner: Scanner) -> Part:
    """
    body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
    body-type-basic = media-basic SP body-fields
    body-type-msg   = media-message SP body-fields SP envelope SP body SP body-fld-lines
    body-type-text  = media-text SP body-fields SP body-fld-lines
    body-fields     = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP
                      body-fld-octets
    body-ext-1part  = body-fld-md5 [SP body-fld-dsp […]]
    """
    kind = scanner.string()
    scanner.expect(b" ")
    subtype = scanner.string()
    scanner.expect(b" ")
    params = _read_params(scanner)
    scanner.expect(b" ")
    identifier = scanner.nstring()
    scanner.expect(b" ")
    description = scanner.nstring()
    scanner.expect(b" ")
    encoding = scanner.string()
    scanner.expect(b" ")
    size = scanner.number()
    envelope, body, lines = _read_by_type(scanner, kind.lower(), subtype.lower())
    extended = scanner.skip(b" ")
    return Part(
        kind, subtype, params, identifier, description, encoding, size, lines, envelope, body,
        extended=extended,
        md5=scanner.nstring() if extended else None,
        extension=_read_extension(scanner) if extended else NO_EXTENSION,
    )  # fmt: skip


def _read_by_type(
    scanner: Scanner, kind: str, subtype: str
) -> tuple[Envelope | None, Body | None, int | None]:
    envelope, body = None, None
    # Dovecot tells nothing of what is in message/global, where RFC 9051 §9 (media-message) would.
    if kind == "message" and (subtype == "rfc822" or (subtype == "global" and scanner.at(b" ("))):
        scanner.expect(b" ")
        envelope = read_envelope(scanner)
        scanner.expect(b" ")
        body = read_body(scanner)
    elif kind != "text":
        return None, None, None
    scanner.expect(b" ")
    return envelope, body, scanner.number64()


def _read_extension(scanner: Scanner) -> Extension:
    """[SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]"""
    if not scanner.skip(b" "):
        return NO_EXTENSION
    disposition = _read_disposition(scanner)
    if not scanner.skip(b" "):
        return Extension(disposition, given=1)
    language = scanner.many(scanner.string) if scanner.at(b"(") else scanner.nstring()
    if not scanner.skip(b" "):
        return Extension(disposition, language, given=2)
    location = scanner.nstring()
    others = []
    while scanner.skip(b" "):
        others.append(scanner.token())
    return Extension(disposition, language, location, 3, tuple(others))


def _read_disposition(scanner: Scanner) -> Disposition | None:
    """body-fld-dsp = "(" string SP body-fld-param ")" / nil"""
    if scanner.nil():
        return None
    scanner.expect(b"(")
    kind = scanner.string()
    scanner.expect(b" ")
    params = _read_params(scanner)
    scanner.expect(b")")
    return Disposition(kind, params)


def _read_params(scanner: Scanner) -> Params:
    """body-fld-param = "(" string SP string *(SP string SP string) ")" / nil"""
    if scanner.nil():
        return ()
    return scanner.many(lambda: _read_pair(scanner)) or scanner.fail("string")


def _read_pair(scanner: Scanner) -> tuple[str, str]:
    name = scanner.string()
    scanner.expect(b" ")
    return name, scanner.string()


def write_envelope(writer: Writer, envelope: Envelope) -> None:
    """`envelope` in parentheses."""
    writer.raw("(")
    writer.nstring(envelope.date)
    writer.raw(" ")
    writer.nstring(envelope.subject)
    for people in (
        envelope.sent_from, envelope.sender, envelope.reply_to,
        envelope.to, envelope.cc, envelope.bcc,
    ):  # fmt: skip
        writer.raw(" ")
        _write_addresses(writer, people)
    writer.raw(" ")
    writer.nstring(envelope.in_reply_to)
    writer.raw(" ")
    writer.nstring(envelope.message_id)
    writer.raw(")")


def _write_addresses(writer: Writer, addresses: tuple[Address, ...]) -> None:
    if not addresses:
        writer.raw("NIL")
        return
    writer.raw("(")
    for address in addresses:
        writer.raw("(")
        writer.nstrings((address.name, address.route, address.mailbox, address.host))
        writer.raw(")")
    writer.raw(")")


def write_body(writer: Writer, body: Body) -> None:
    """`body` in parentheses, with as much extension data as it holds."""
    writer.raw("(")
    if isinstance(body, Multipart):
        _write_multipart(writer, body)
    else:
        _write_part(writer, body)
    writer.raw(")")


def _write_multipart(writer: Writer, body: Multipart) -> None:
    for part in body.parts:
        write_body(writer, part)
    writer.raw(" ")
    writer.string(body.subtype)
    if body.params is not None:
        writer.raw(" ")
        _write_params(writer, body.params)
        _write_extension(writer, body.extension)


def _write_part(writer: Writer, part: Part) -> None:
    writer.nstrings((part.type, part.subtype))
    writer.raw(" ")
    _write_params(writer, part.params)
    writer.raw(" ")
    writer.nstrings((part.id, part.description, part.encoding))
    writer.raw(f" {part.size}")
    if part.envelope is not None and part.body is not None:
        writer.raw(" ")
        write_envelope(writer, part.envelope)
        writer.raw(" ")
        write_body(writer, part.body)
    if part.lines is not None:
        writer.raw(f" {part.lines}")
    if part.extended:
        writer.raw(" ")
        writer.nstring(part.md5)
        _write_extension(writer, part.extension)


def _write_extension(writer: Writer, extension: Extension) -> None:
    if extension.given > 0:
        writer.raw(" ")
        _write_disposition(writer, extension.disposition)
    if extension.given > 1:
        writer.raw(" ")
        _write_language(writer, extension.language)
    if extension.given > 2:
        writer.raw(" ")
        writer.nstring(extension.location)
    for other in extension.others:
        writer.raw(" ")
        writer.argument(other)


def _write_disposition(writer: Writer, disposition: Disposition | None) -> None:
    if disposition is None:
        writer.raw("NIL")
        return
    writer.raw("(")
    writer.string(disposition.kind)
    writer.raw(" ")
    _write_params(writer, disposition.params)
    writer.raw(")")


def _write_language(writer: Writer, language: tuple[str, ...] | str | None) -> None:
    if not isinstance(language, tuple):
        writer.nstring(language)
        return
    writer.raw("(")
    writer.nstrings(language)
    writer.raw(")")


def _write_params(writer: Writer, params: Params) -> None:
    if not params:
        writer.raw("NIL")
        return
    writer.raw("(")
    writer.nstrings([word for pair in params for word in pair])
    writer.raw(")")
