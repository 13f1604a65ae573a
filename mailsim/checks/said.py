"""Commands and their answers, read from a dialogue in any of the protocols of mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailsim.checks.transaction import asked
from mailsim.dialogue import Dialogue, Exchange, Side
from mailsim.model.endpoint import Protocol

_ROW = re.compile(rb"[^\n]*\n?")
_POP3 = re.compile(rb"(\+OK|-ERR)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """One command: its verb in upper case, what followed, and what the server answered.

    `code` is SMTP's three digits, "+OK" or "-ERR", or IMAP's OK, NO or BAD; "" for no answer.
    """

    protocol: Protocol
    verb: str
    argument: str
    code: str
    answer: bytes
    secure: bool
    exchange: int

    @property
    def ok(self) -> bool:
        """Whether the server did what was asked."""
        return self.code[:1] == "2" or self.code in {"+OK", "OK"}


def said(dialogue: Dialogue) -> tuple[Said, ...]:
    """Every command of the dialogue, in order."""
    if dialogue.endpoint.protocol is Protocol.SMTP:
        return tuple(_smtp(dialogue))
    if dialogue.endpoint.protocol is Protocol.IMAP:
        return tuple(_imap(dialogue))
    return tuple(_pop3(dialogue))


def _smtp(dialogue: Dialogue) -> Iterator[Said]:
    for one in asked(dialogue):
        code = one.reply.code if one.reply else ""
        text = one.reply.text.encode() if one.reply else b""
        yield Said(Protocol.SMTP, one.verb, one.argument, code, text, one.secure, one.exchange)


def _imap(dialogue: Dialogue) -> Iterator[Said]:
    """A command begins with its tag, and its answer ends with the same (RFC 3501 §2.2.1)."""
    for index, exchange in enumerate(dialogue.exchanges):
        for line in exchange.sent:
            tag, _, rest = line.text.partition(" ")
            if not tag.isalnum() or not rest:
                continue
            verb, _, argument = rest.partition(" ")
            if verb.upper() == "UID":
                second, _, argument = argument.partition(" ")
                verb = f"UID {second}"
            code = _tagged(exchange, tag)
            yield Said(
                Protocol.IMAP, verb.upper(), argument, code, _heard(exchange), line.secure, index
            )


def _tagged(exchange: Exchange, tag: str) -> str:
    begins = f"{tag} "
    for line in exchange.received:
        if line.text.startswith(begins):
            return line.text[len(begins) :].partition(" ")[0].upper()
    return ""


def _pop3(dialogue: Dialogue) -> Iterator[Said]:
    """Each command has one answer, in the order of the commands (RFC 2449 §6.6)."""
    for index, exchange in enumerate(dialogue.exchanges):
        codes = [
            found[1].decode().upper()
            for line in exchange.received
            if (found := _POP3.match(line.raw))
        ]
        for at, line in enumerate(exchange.sent):
            verb, _, argument = line.text.strip().partition(" ")
            code = codes[at] if at < len(codes) else ""
            protocol = dialogue.endpoint.protocol
            yield Said(protocol, verb.upper(), argument, code, _heard(exchange), line.secure, index)


def _heard(exchange: Exchange) -> bytes:
    return b"".join(line.raw for line in exchange.lines if line.side is Side.SERVER)
