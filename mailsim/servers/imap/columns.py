"""The items of FETCH, each made for many messages at a time, as the octets that are sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from mailsim.servers.imap import describe, sections
from mailsim.servers.imap.preview import preview
from mailsim.servers.imap.strings import literal, string
from mailsim.wire.imap.dates import MONTHS
from mailsim.wire.imap.section import WHOLE, Section
from mailsim.wire.mime import Part, parse

if TYPE_CHECKING:
    from mailsim.servers.imap.view import View
    from mailsim.servers.store.values import Message
    from mailsim.wire.imap.message_commands import FetchItem


class Batch:
    """Some messages of a view, with their content where a column needs it."""

    def __init__(self, view: View, messages: list[Message]) -> None:
        self.view = view
        self.messages = messages

    @property
    def uids(self) -> list[int]:
        """Their UIDs, ascending."""
        return [one.uid for one in self.messages]

    @cached_property
    def contents(self) -> list[bytes]:
        """The messages themselves."""
        found = dict(self.view.box.contents(self.uids))
        return [found[uid] for uid in self.uids]

    def kept(self, kind: str, make: Callable[[bytes], bytes]) -> list[bytes]:
        """What is made of each message once."""
        return [data for _, data in self.view.box.all_cached(self.uids, kind, make)]


Column: TypeAlias = Callable[[Batch], list[bytes]]


def is_buffered(item: FetchItem) -> bool:
    """Dovecot writes what is short and at hand before all that must be read."""
    return item.name in _BUFFERED


def sets_seen(item: FetchItem) -> bool:
    """Whether reading it sets \\Seen (RFC 3501 §6.4.5, RFC 3516 §4.2)."""
    return item.name in ("RFC822", "RFC822.TEXT") or (
        item.section is not None and item.name in ("BODY", "BINARY")
    )


def is_content(item: FetchItem) -> bool:
    """Whether it is octets of the message itself."""
    return (item.name.startswith("RFC822") and item.name != "RFC822.SIZE") or (
        item.section is not None and item.name != "BINARY.SIZE"
    )


def is_header(item: FetchItem) -> bool:
    """Whether those are of a header."""
    text = item.section.text if item.section else item.name.removeprefix("RFC822.")
    return text.startswith(("HEADER", "MIME"))


def octets(made: bytes) -> int:
    """How many octets of the message a column's item holds."""
    return len(made) - made.index(b"}\r\n") - 3


def column(item: FetchItem) -> Column | None:
    """What makes the item, or None where there is no such item."""
    if item.section is None:
        return _PLAIN.get(item.name)
    made = _SECTIONED.get(item.name)
    alone = item.section.text == "MIME" and not item.section.part
    return made(item) if made and not alone else None


# --- what is at hand


def _uid(batch: Batch) -> list[bytes]:
    return [b"UID %d" % one.uid for one in batch.messages]


def _flags(batch: Batch) -> list[bytes]:
    flags = batch.view.flags
    return [b"FLAGS " + flags(one.uid, one.flags) for one in batch.messages]


def _modseq(batch: Batch) -> list[bytes]:
    return [b"MODSEQ (%d)" % one.modseq for one in batch.messages]


def _size(batch: Batch) -> list[bytes]:
    return [b"RFC822.SIZE %d" % one.size for one in batch.messages]


def _internal_date(batch: Batch) -> list[bytes]:
    return [b'INTERNALDATE "%b"' % date_time(int(one.received)) for one in batch.messages]


def _save_date(batch: Batch) -> list[bytes]:
    return [b'SAVEDATE "%b"' % date_time(int(one.saved)) for one in batch.messages]


@lru_cache(maxsize=4096)
def date_time(moment: int) -> bytes:
    """date-time, without its quotes, in the lab's zone, which is UTC."""
    at = time.gmtime(moment)
    month = MONTHS[at.tm_mon - 1]
    day = f"{at.tm_mday:02}-{month}-{at.tm_year:04}"
    return f"{day} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} +0000".encode()


# --- what is made once for each message


def _kept(name: str, kind: str, make: Callable[[Part], bytes]) -> Column:
    prefix = name.encode() + b" "

    def made(content: bytes) -> bytes:
        return make(parse(content))

    def of(batch: Batch) -> list[bytes]:
        return [prefix + data for data in batch.kept(kind, made)]

    return of


def _preview(batch: Batch) -> list[bytes]:
    return [b"PREVIEW " + string(data) for data in batch.kept("preview", preview)]


def _snippet(batch: Batch) -> list[bytes]:
    return [b"SNIPPET (FUZZY %b)" % string(data) for data in batch.kept("preview", preview)]


# --- what is read of the content


def _section(item: FetchItem) -> Column:
    return _read(f"BODY{_label(item)}", item.section or WHOLE, item.partial)


def _read(label: str, section: Section, partial: tuple[int, int] | None = None) -> Column:
    prefix = label.encode("utf-8", "surrogateescape") + b" "
    read = sections.content

    def of(batch: Batch) -> list[bytes]:
        found = [read(one, section, partial) for one in batch.contents]
        return [b"%b{%d}\r\n%b" % (prefix, len(one), one) for one in found]

    return of


def _binary(item: FetchItem) -> Column:
    part = item.section.part if item.section else ()
    prefix = f"BINARY{_label(item)} ".encode()

    def of(batch: Batch) -> list[bytes]:
        found = [sections.binary(one, part, item.partial) for one in batch.contents]
        return [prefix + (b"~" if coded else b"") + literal(data) for data, coded in found]

    return of


def _binary_size(item: FetchItem) -> Column:
    part = item.section.part if item.section else ()
    prefix = f"BINARY.SIZE{item.section}".encode()

    def of(batch: Batch) -> list[bytes]:
        return [b"%b %d" % (prefix, sections.binary_size(one, part)) for one in batch.contents]

    return of


def _label(item: FetchItem) -> str:
    """`[HEADER.FIELDS (SUBJECT FROM)]<0>`: names in capitals, as Dovecot repeats them."""
    origin = f"<{item.partial[0]}>" if item.partial else ""
    return f"{str(item.section).upper()}{origin}"


_PLAIN: Final[dict[str, Column]] = {
    "UID": _uid,
    "FLAGS": _flags,
    "MODSEQ": _modseq,
    "RFC822.SIZE": _size,
    "INTERNALDATE": _internal_date,
    "SAVEDATE": _save_date,
    "PREVIEW": _preview,
    "SNIPPET": _snippet,
    "ENVELOPE": _kept("ENVELOPE", "envelope", describe.envelope),
    "BODY": _kept("BODY", "body", describe.body),
    "BODYSTRUCTURE": _kept("BODYSTRUCTURE", "bodystructure", describe.body_structure),
    "RFC822": _read("RFC822", WHOLE),
    "RFC822.HEADER": _read("RFC822.HEADER", Section(text="HEADER")),
    "RFC822.TEXT": _read("RFC822.TEXT", Section(text="TEXT")),
}
_BUFFERED: Final = frozenset(
    {"UID", "FLAGS", "MODSEQ", "RFC822.SIZE", "INTERNALDATE", "SAVEDATE", "PREVIEW", "SNIPPET"}
)
_SECTIONED: Final[dict[str, Callable[[FetchItem], Column]]] = {
    "BODY": _section,
    "BODY.PEEK": _section,
    "BINARY": _binary,
    "BINARY.PEEK": _binary,
    "BINARY.SIZE": _binary_size,
}
NAMES: Final = frozenset({*_PLAIN, *_SECTIONED})
