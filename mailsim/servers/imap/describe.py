"""ENVELOPE, BODY and BODYSTRUCTURE of a message, as Dovecot writes them (RFC 3501 §7.4.2).

Octets, ready to be sent and to be kept: made once for each message.
"""

from __future__ import annotations

from typing import Final

from mailsim.servers.imap.strings import human, nstring, string
from mailsim.wire.mime import Part
from mailsim.wire.mime.addresses import Mailbox, iter_addresses
from mailsim.wire.mime.lexer import no_nul
from mailsim.wire.mime.parameters import Params, read_languages
from mailsim.wire.mime.part import Kind

_MORE_FIELDS: Final = (
    b"content-id", b"content-description", b"content-md5", b"content-disposition",
    b"content-language", b"content-location",
)  # fmt: skip
_US_ASCII: Final = b'"charset" "us-ascii"'
_NO_PART: Final = b'("text" "plain" (%b) NIL NIL "7bit" 0 0' % _US_ASCII


def envelope(message: Part) -> bytes:
    """ENVELOPE of a message.

    Of fields that stand twice the last counts; the addresses of address fields are all told.
    Who sent it and whom to reply to is who it is from, if they are not there (RFC 3501 §7.4.2).
    """
    values = message.by_name
    sent_from = _addresses(values.get(b"from"))
    return b"(%b)" % b" ".join(
        (
            nstring(_last(values, b"date")),
            human(_last(values, b"subject")),
            sent_from,
            _addresses(values.get(b"sender"), sent_from),
            _addresses(values.get(b"reply-to"), sent_from),
            _addresses(values.get(b"to")),
            _addresses(values.get(b"cc")),
            _addresses(values.get(b"bcc")),
            nstring(_last(values, b"in-reply-to")),
            nstring(_last(values, b"message-id")),
        )
    )


def _last(values: dict[bytes, list[bytes]], name: bytes) -> bytes | None:
    found = values.get(name)
    return no_nul(found[-1]) if found else None


def _addresses(fields: list[bytes] | None, default: bytes = b"NIL") -> bytes:
    found = bytearray()
    for field in fields or ():
        for one in iter_addresses(field):
            found += _address(one)
    return b"(%b)" % bytes(found) if found else default


def _address(one: Mailbox) -> bytes:
    return b"(%b %b %b %b)" % (
        human(one.name), _nstring(one.route), _nstring(one.mailbox), _nstring(one.domain),
    )  # fmt: skip


def _nstring(value: bytes | None) -> bytes:
    return b"NIL" if value is None else string(value)


def body(message: Part) -> bytes:
    """BODY: the structure without extension data."""
    return b"(%b)" % (_plain(message) or _body(message, extended=False))


def body_structure(message: Part) -> bytes:
    """BODYSTRUCTURE."""
    plain = _plain(message)
    return b"(%b NIL NIL NIL NIL)" % plain if plain else b"(%b)" % _body(message, extended=True)


def _plain(message: Part) -> bytes | None:
    """The structure of a message that is text/plain in us-ascii and nothing besides, however that is written."""
    if message.kind is not Kind.TEXT or message.declared_type is None:
        return None
    params = [(name.lower(), value.lower()) for name, value in message.params]
    if (
        message.media_type != "text/plain"
        or params not in ([], [(b"charset", b"us-ascii")])
        or message.encoding != "7bit"
        or any(name in message.by_name for name in _MORE_FIELDS)
    ):
        return None
    return b'"text" "plain" (%b) NIL NIL "7bit" %d %d' % (_US_ASCII, message.size, message.lines)


def _body(part: Part, *, extended: bool) -> bytes:
    if part.kind is Kind.MULTIPART:
        return _multipart(part, extended=extended)
    return _single(part, extended=extended)


def _multipart(part: Part, *, extended: bool) -> bytes:
    """body-type-mpart; of a multipart without parts the one that must be there is empty."""
    parts = b"".join(b"(%b)" % _body(child, extended=extended) for child in part.children)
    declared = part.declared_type
    subtype = string(declared.subtype if declared else b"")
    if not extended:
        return b"%b %b" % (parts or _NO_PART + b")", subtype)
    return b"%b %b %b%b" % (
        parts or _NO_PART + b" NIL NIL NIL NIL)", subtype, _params(part.params), _extension(part),
    )  # fmt: skip


def _single(part: Part, *, extended: bool) -> bytes:
    """body-type-1part: media type, fields, size; lines of a text, envelope and body of a message."""
    media_type, text = _media_type(part)
    written = b"%b %b %b %b %b %d" % (
        media_type,
        _params(part.params, charset=text),
        nstring(_field(part, b"content-id")),
        nstring(_field(part, b"content-description")),
        _encoding(part),
        part.size,
    )
    if text:
        written += b" %d" % part.lines
    elif part.kind is Kind.MESSAGE:
        inner = part.children[0]
        written += b" %b (%b) %d" % (envelope(inner), _body(inner, extended=extended), part.lines)
    if not extended:
        return written
    return b"%b %b%b" % (written, nstring(_field(part, b"content-md5")), _extension(part))


def _media_type(part: Part) -> tuple[bytes, bool]:
    """The media type as two strings, and whether it is text."""
    if part.kind is Kind.MESSAGE:
        return b'"message" "rfc822"', False
    if part.kind is Kind.TOO_MUCH:
        return b'"application" "octet-stream"', False
    declared = part.declared_type
    if declared is None:
        return b'"text" "plain"', True
    written = b"%b %b" % (string(declared.type), string(declared.subtype))
    return written, declared.type.lower() == b"text"


def _encoding(part: Part) -> bytes:
    return string(part.raw_encoding or b"7bit")


def _params(params: Params, *, charset: bool = False) -> bytes:
    """body-fld-param; with `charset` the default one is told where none is declared."""
    words = [string(word) for pair in params for word in pair]
    if charset and not any(name.lower() == b"charset" for name, _ in params):
        words.append(_US_ASCII)
    return b"(%b)" % b" ".join(words) if words else b"NIL"


def _extension(part: Part) -> bytes:
    """SP body-fld-dsp SP body-fld-lang SP body-fld-loc"""
    disposition = part.disposition
    language = _field(part, b"content-language")
    languages = read_languages(language) if language is not None else ()
    return b" %b %b %b" % (
        b"(%b %b)" % (string(disposition[0]), _params(disposition[1])) if disposition else b"NIL",
        b"(%b)" % b" ".join(map(string, languages)) if languages else b"NIL",
        nstring(_field(part, b"content-location")),
    )


def _field(part: Part, name: bytes) -> bytes | None:
    """The first such field of a part whose Content- fields count."""
    found = part.by_name.get(name) if part.is_mime else None
    return no_nul(found[0]) if found else None
