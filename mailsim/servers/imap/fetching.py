"""FETCH: which items of which messages, and what of them the client hears (RFC 3501 §6.4.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.access import use_modseqs
from mailsim.servers.imap.columns import (
    Batch,
    Column,
    column,
    is_buffered,
    is_content,
    is_header,
    octets,
    sets_seen,
)
from mailsim.servers.imap.command import Asked, RefusedError
from mailsim.servers.imap.fetch_refusals import refusal
from mailsim.servers.imap.finding import batches
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.sections import UndecodableError
from mailsim.servers.imap.sets import chosen
from mailsim.servers.imap.words import Kind
from mailsim.servers.store.uidset import written
from mailsim.wire.imap.message_commands import Fetch, FetchItem
from mailsim.wire.imap.tokens import Atom, Token

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.imap.view import View

_FAST: Final = ("FLAGS", "INTERNALDATE", "RFC822.SIZE")
_MACROS: Final = {"FAST": _FAST, "ALL": (*_FAST, "ENVELOPE"), "FULL": (*_FAST, "ENVELOPE", "BODY")}
_MODSEQ: Final = FetchItem("MODSEQ")
_UID: Final = FetchItem("UID")


@dataclass
class _Wanted:
    """What one FETCH asks for."""

    items: list[FetchItem]
    changed_since: int | None = None
    vanished: bool = False
    columns: list[Column] = field(default_factory=list)
    buffered: int = 0
    """How many of the columns stand before FLAGS that a body's reading has changed."""

    @property
    def flags(self) -> bool:
        """Whether FLAGS are asked for."""
        return any(item.name == "FLAGS" for item in self.items)


async def fetch(session: ImapSession, asked: Asked) -> Reply:
    """fetch = "FETCH" SP sequence-set SP (macro / fetch-att / list) [SP fetch-modifiers]"""
    if len(asked.words) < 2:
        raise asked.refused(replies.INVALID)
    uids = chosen(session, asked)
    await _use_modifiers(session, asked)
    wanted = _wanted(session, asked)
    view = session.selected
    if wanted.changed_since is not None or _MODSEQ in wanted.items:
        await use_modseqs(session)
    if wanted.vanished:
        await _tell_vanished(session, asked, wanted)
    rows = _Rows(view, wanted)
    await session.lines(rows.of(uids))
    session.read.update(rows.read)
    if rows.undecodable:
        return no_decoding(rows.undecodable)
    # A UID that is not there is no error (RFC 3501 §6.4.8).
    missing = rows.missing and not asked.uid
    return replies.ALREADY_EXPUNGED if missing else ok("Fetch completed")


def no_decoding(code: str) -> Reply:
    """BINARY cannot decode what was asked for."""
    return replies.UNKNOWN_ENCODING if code == "UNKNOWN-CTE" else replies.BROKEN_ENCODING


def _wanted(session: ImapSession, asked: Asked) -> _Wanted:
    value = asked.value
    if not isinstance(value, Fetch):
        raise asked.refused(refusal(asked.words[1:]))
    macro = _MACROS.get(value.items[0].name) if asked.words[1].kind is not Kind.LIST else None
    items = [FetchItem(name) for name in macro] if macro else list(value.items)
    wanted = _Wanted(items)
    if asked.uid:
        wanted.items.insert(0, _UID)
    _read_modifiers(session, asked, value.modifiers, wanted)
    if wanted.changed_since is not None:
        wanted.items.append(_MODSEQ)
    plain = dict.fromkeys(item for item in wanted.items if item.section is None)
    items = [*plain, *(item for item in wanted.items if item.section is not None)]
    order = {id(item): at for at, item in enumerate(wanted.items)}
    items.sort(key=lambda item: order.get(id(item), 0))
    first = [item for item in items if is_buffered(item)]
    wanted.items = [*first, *(item for item in items if not is_buffered(item))]
    wanted.buffered = len(first)
    for item in wanted.items:
        made = column(item)
        if made is None:
            raise asked.refused(refusal(asked.words[1:], item))
        wanted.columns.append(made)
    return wanted


async def _use_modifiers(session: ImapSession, asked: Asked) -> None:
    """CHANGEDSINCE is an enabling command (RFC 7162 §3.1) even where what follows it is refused."""
    given = asked.value.modifiers if isinstance(asked.value, Fetch) else ()
    words = [one.text.upper() for one in given if isinstance(one, Atom)]
    if words[:1] == ["CHANGEDSINCE"] and words[1:2] and words[1].isdecimal():
        await use_modseqs(session)


def _read_modifiers(
    session: ImapSession, asked: Asked, modifiers: tuple[Token, ...], wanted: _Wanted
) -> None:
    """fetch-modifier = "CHANGEDSINCE" SP mod-sequence-value [SP "VANISHED"]   ; RFC 7162 §7"""
    words = [one.text.upper() if isinstance(one, Atom) else "" for one in modifiers]
    at = 0
    while at < len(words):
        name = words[at]
        at += 1
        if name == "CHANGEDSINCE":
            value = words[at] if at < len(words) else ""
            if not value.isdecimal() or len(value) > 19:
                raise asked.refused(replies.CHANGED_SINCE)
            wanted.changed_since = int(value)
            at += 1
        elif name == "VANISHED" and asked.uid:
            if "QRESYNC" not in session.enabled:
                raise asked.refused(replies.NO_QRESYNC)
            wanted.vanished = True
        else:
            raise asked.refused(replies.FETCH_MODIFIER)
    if wanted.vanished and wanted.changed_since is None:
        raise asked.refused(replies.VANISHED_ALONE)


async def _tell_vanished(session: ImapSession, asked: Asked, wanted: _Wanted) -> None:
    """Which of those UIDs were expunged since (RFC 7162 §3.2.6)."""
    box = session.selected.box
    value = asked.value
    if not isinstance(value, Fetch):
        return
    largest = box.info.uid_next - 1
    ranges = list(value.messages.ranges(largest))
    view = session.selected
    gone = [
        uid
        for uid in box.vanished_since(wanted.changed_since or 0)
        if not view.is_gone(uid) and any(first <= uid <= last for first, last in ranges)
    ]
    if gone:
        await session.put(b"* VANISHED (EARLIER) %b\r\n" % written(gone).encode())


class _Rows:
    """The lines that answer a FETCH, made as they are sent."""

    def __init__(self, view: View, wanted: _Wanted) -> None:
        self._view = view
        self._wanted = wanted
        self._sees = not view.read_only and any(map(sets_seen, wanted.items))
        self.missing = 0
        self.read: Counter[str] = Counter()
        """What was read: headers and bodies, and the octets of each."""
        self._counted = [
            (at, "hdr" if is_header(item) else "body")
            for at, item in enumerate(wanted.items)
            if is_content(item)
        ]
        self.undecodable = ""

    def of(self, uids: Sequence[int]) -> Iterator[bytes]:
        """The lines of these messages."""
        asked = self._changed(uids)
        self.missing = len(asked)
        for batch in batches(self._view, asked, content=bool(self._counted)):
            yield self._batch(batch)

    def _changed(self, uids: Sequence[int]) -> Sequence[int]:
        """Those worth reading: with CHANGEDSINCE most of a big mailbox is not."""
        view, since = self._view, self._wanted.changed_since
        if since is None:
            return uids
        changed = frozenset(view.box.changed_since(since))
        return [uid for uid in uids if uid in changed or view.is_gone(uid)]

    def _batch(self, uids: list[int]) -> bytes:
        """The lines of so many messages; nobody else has a turn meanwhile."""
        view, since = self._view, self._wanted.changed_since
        found = list(view.box.messages(uids))
        self.missing -= len(found)
        if since is not None:
            found = [one for one in found if one.modseq > since]
        seen: frozenset[int] = frozenset()
        if self._sees:
            seen = self._see([one.uid for one in found if "\\Seen" not in one.flags])
            found = list(view.box.messages([one.uid for one in found])) if seen else found
        batch = Batch(view, found)
        try:
            columns = [made(batch) for made in self._wanted.columns]
        except UndecodableError as error:
            return self._one_by_one(found, seen, error)
        return self._rows(batch, columns, seen)

    def _rows(self, batch: Batch, columns: list[list[bytes]], seen: frozenset[int]) -> bytes:
        number, buffered = self._view.number, self._wanted.buffered
        tell = seen and not self._wanted.flags
        # Put together once: an item may have megabytes.
        lines: list[bytes] = []
        for one, row in zip(batch.messages, zip(*columns, strict=True), strict=True):
            shown: Sequence[bytes] = row
            if tell and one.uid in seen:
                flags = b"FLAGS " + self._view.flags(one.uid, one.flags)
                shown = (*row[:buffered], flags, *row[buffered:])
            lines.append(b"* %d FETCH (" % number(one.uid))
            for item in shown:
                lines += (item, b" ")
            lines[-1] = b")\r\n"
        for at, kind in self._counted:
            self.read[f"{kind}_count"] += len(columns[at])
            self.read[f"{kind}_bytes"] += sum(map(octets, columns[at]))
        return b"".join(lines)

    def _one_by_one(self, found: list, seen: frozenset[int], error: UndecodableError) -> bytes:  # type: ignore[type-arg]
        """BINARY cannot decode one of them: the others are told all the same."""
        self.undecodable = error.code
        lines = []
        for one in found:
            batch = Batch(self._view, [one])
            try:
                columns = [made(batch) for made in self._wanted.columns]
            except UndecodableError:
                if one.uid in seen:
                    flags = self._view.flags(one.uid, one.flags)
                    number = self._view.number(one.uid)
                    lines.append(b"* %d FETCH (FLAGS %b)\r\n" % (number, flags))
                continue
            lines.append(self._rows(batch, columns, seen))
        return b"".join(lines)

    def _see(self, unseen: list[int]) -> frozenset[int]:
        """Who reads a body sets \\Seen; the line itself tells it."""
        if not unseen:
            return frozenset()
        view = self._view
        before = view.untold
        changed, _ = view.box.change_flags(unseen, ("\\Seen",), "+")
        view.quiet(changed, before)
        return frozenset(changed)


__all__ = ["RefusedError", "fetch"]
