"""SORT (RFC 5256 §3, RFC 5957): messages in the order asked for, as Dovecot orders them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from mailsim.servers.imap.casing import folded
from mailsim.servers.imap.matching import Candidate
from mailsim.servers.imap.subjects import base_subject
from mailsim.wire.mime.addresses import Mailbox, parse_addresses
from mailsim.wire.mime.lexer import no_nul
from mailsim.wire.mime.words import decode_words

_REVERSE: Final = "REVERSE"


def in_order(candidates: Iterable[Candidate], order: Iterable[str]) -> list[Candidate]:
    """The messages by `order`: ARRIVAL, CC, DATE, DISPLAYFROM, DISPLAYTO, FROM, SIZE, SUBJECT, TO, each after REVERSE or not.

    Those that are equal stand in mailbox order, after REVERSE too (RFC 5256 §3).
    """
    criteria: list[tuple[str, bool]] = []
    reverse = False
    for word in order:
        if word == _REVERSE:
            reverse = True
        else:
            criteria.append((word, reverse))
            reverse = False
    found = sorted(candidates, key=lambda one: one.number)
    for name, backwards in reversed(criteria):
        found.sort(key=_KEYS[name], reverse=backwards)
    return found


def sent_or_received(one: Candidate) -> int:
    """The moment of the Date field, or where there is none that of the arrival (RFC 5256 §2.2)."""
    return one.text.header.sent.seconds or int(one.message.received)


def _subject(one: Candidate) -> str:
    return base_subject(one.text.header.raw(b"subject") or b"")[0]


def _mailbox(field: bytes) -> Callable[[Candidate], str]:
    """The local part of the first address of an address field (RFC 5256 §3)."""

    def key(one: Candidate) -> str:
        first = _first(one, field)
        return folded((first.mailbox or b"").decode("utf-8", "replace")) if first else ""

    return key


def _display(field: bytes) -> Callable[[Candidate], str]:
    """The display name of the first address, or the address where it has none (RFC 5957)."""

    def key(one: Candidate) -> str:
        first = _first(one, field)
        if first is None:
            return ""
        if first.name and (name := decode_words(first.name)):
            return folded(name)
        domain = b"@" + first.domain if first.domain is not None else b""
        return folded(((first.mailbox or b"") + domain).decode("utf-8", "replace"))

    return key


def _first(one: Candidate, field: bytes) -> Mailbox | None:
    values = one.text.header.fields.get(field)
    found = parse_addresses(no_nul(values[0]), most=1) if values else []
    return found[0] if found else None


_KEYS: Final[dict[str, Callable[[Candidate], Any]]] = {
    "ARRIVAL": lambda one: int(one.message.received),
    "CC": _mailbox(b"cc"),
    "DATE": sent_or_received,
    "DISPLAYFROM": _display(b"from"),
    "DISPLAYTO": _display(b"to"),
    "FROM": _mailbox(b"from"),
    "SIZE": lambda one: one.message.size,
    "SUBJECT": _subject,
    "TO": _mailbox(b"to"),
}
ORDERS: Final = tuple(_KEYS)
"""What SORT can go by."""
