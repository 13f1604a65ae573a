"""What the answers to single commands say, as numbers and names.

Each raises RemoteProtocolError for an answer that its grammar does not have, and
UsageError for one that is not +OK.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.pop3.replies import Reply

_TWO_NUMBERS = re.compile(r"([0-9]{1,18}) ([0-9]{1,18})(?: .*)?", re.DOTALL)
_UNIQUE_ID = re.compile(r"([0-9]{1,18}) ([\x21-\x7e]{1,70})")
_TIMESTAMP = re.compile(r"<[^\x00-\x20\x7f<>@]+@[^\x00-\x20\x7f<>@]+>")


@dataclass(frozen=True, slots=True)
class DropListing:
    """The maildrop: how many messages, and their octets in all."""

    count: int
    octets: int


@dataclass(frozen=True, slots=True)
class ScanListing:
    """A message's number and its size in octets."""

    message: int
    octets: int


@dataclass(frozen=True, slots=True)
class UniqueId:
    """A message's number and its unique-id."""

    message: int
    uid: str


@dataclass(frozen=True, slots=True)
class Language:
    """A language's tag and its name in itself."""

    tag: str
    name: str


def drop_listing(reply: Reply) -> DropListing:
    """STAT's answer: `+OK nn mm`; what follows the octets means nothing (RFC 1939 §5)."""
    _positive(reply)
    count, octets = _numbers(reply.text)
    return DropListing(count, octets)


def scan_listings(reply: Reply) -> tuple[ScanListing, ...]:
    """LIST's answer, of one message or of all: number SP octets (RFC 1939 §5)."""
    return tuple(ScanListing(*_numbers(entry)) for entry in _entries(reply))


def unique_ids(reply: Reply) -> tuple[UniqueId, ...]:
    """UIDL's answer, of one message or of all: number SP 1*70 %x21-7E (RFC 1939 §7)."""
    found = []
    for entry in _entries(reply):
        match = _UNIQUE_ID.fullmatch(entry)
        if not match:
            raise _unreadable(entry)
        found.append(UniqueId(int(match[1]), match[2]))
    return tuple(found)


def capabilities(reply: Reply) -> dict[str, tuple[str, ...]]:
    """CAPA's answer: each tag, in capitals, with its arguments.

    capability = capa-tag *(SP param) CRLF     ; RFC 2449 §3, tags in any case: RFC 2449 §5
    """
    found = {}
    for entry in _entries(reply):
        tag, *arguments = entry.split(" ")
        found[tag.upper()] = tuple(arguments)
    return found


def languages(reply: Reply) -> tuple[Language, ...]:
    """LANG's answer without an argument: tag [SP description] (RFC 6856 §3.2)."""
    pairs = (entry.partition(" ") for entry in _entries(reply))
    return tuple(Language(tag, name) for tag, _, name in pairs)


def timestamp(greeting: Reply) -> str | None:
    """The greeting's timestamp, angle brackets included: the server takes APOP.

    The syntax is msg-id's (RFC 1939 §7): without "@" it is none.
    """
    found = _TIMESTAMP.search(greeting.text)
    return found[0] if found else None


def _positive(reply: Reply) -> None:
    if not reply.ok:
        raise UsageError("pop3.no-listing", reply=str(reply))


def _entries(reply: Reply) -> Iterable[str]:
    _positive(reply)
    return (reply.text,) if reply.lines is None else reply.lines


def _numbers(text: str) -> tuple[int, int]:
    match = _TWO_NUMBERS.fullmatch(text)
    if not match:
        raise _unreadable(text)
    return int(match[1]), int(match[2])


def _unreadable(text: str) -> RemoteProtocolError:
    shown = text[:80].encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return RemoteProtocolError("pop3.bad-listing", line=shown)
