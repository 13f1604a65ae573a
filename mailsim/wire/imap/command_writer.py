"""`commands` to the bytes of a client."""

from __future__ import annotations

import binascii

from mailsim.wire.imap import commands as c
from mailsim.wire.imap.writer import Fragment, Literals, Writer


def write_command(
    tag: str, command: c.Request, *, literals: Literals = Literals.SYNC, utf8: bool = False
) -> tuple[Fragment, ...]:
    """The units that carry `command`, each marked if the server must say "+" after it.

    command = tag SP name *(SP argument) CRLF
    """
    writer = Writer(literals, utf8=utf8)
    writer.raw(f"{tag} {command.name}")
    for argument in command.arguments:
        writer.raw(" ")
        writer.argument(argument)
    return writer.fragments()


def write_client_response(response: c.Response) -> bytes:
    """The line of a SASL response: base64, or "*" to cancel."""
    if response.data is None:
        return b"*\r\n"
    return binascii.b2a_base64(response.data.reveal(), newline=False) + b"\r\n"
