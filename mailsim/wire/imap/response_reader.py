"""Bytes of a server to `responses`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from mailsim.wire.imap import tokens
from mailsim.wire.imap.codes import read_capabilities, read_code
from mailsim.wire.imap.extension_reader import (
    read_acl,
    read_delimiter,
    read_id,
    read_list_rights,
    read_metadata,
    read_my_rights,
    read_namespace,
    read_quota,
    read_quota_root,
)
from mailsim.wire.imap.fetch_codec import read_fetch
from mailsim.wire.imap.responses import (
    Capability,
    Continuation,
    Enabled,
    Esearch,
    Exists,
    Expunge,
    Flags,
    MailboxList,
    MailboxStatus,
    Recent,
    Response,
    Search,
    Status,
    Thread,
    ThreadNode,
    Unknown,
    Vanished,
)
from mailsim.wire.imap.scanner import MAX_NUMBER64, Scanner
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.tokens import Atom, Token
from mailsim.wire.quirk import NONE, Quirk

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9.\-]*")
_NUMBERED = re.compile(rb"([0-9]{1,19}) ([A-Za-z][A-Za-z0-9.\-]*)")
_CONDITION = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH) ", re.IGNORECASE)
_TEXT = re.compile(rb"[^\r\n\x00]*")
_NUMBERS = re.compile(rb"(?: [1-9][0-9]{0,9}(?![0-9]))*")
_NO_SPACE = re.compile(rb"(?:\+|[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH))\r\n", re.IGNORECASE)


def read_response(
    units: Sequence[bytes], *, utf8: bool = False, quirks: frozenset[Quirk] = NONE
) -> Response:
    """The response that the units of one frame carry.

        response        = continue-req / response-data / response-tagged
        continue-req    = "+" SP (resp-text / base64) CRLF
        response-data   = "*" SP (resp-cond-state / resp-cond-bye / mailbox-data /
                          message-data / capability-data / …) CRLF
        response-tagged = tag SP resp-cond-state CRLF

    Raises RemoteProtocolError for what is none of these, or a known response of wrong form.
    """
    if Quirk.MISSING_SPACE in quirks and _NO_SPACE.fullmatch(units[0]):
        units = (units[0].replace(b"\r\n", b" \r\n"),)
    scanner = Scanner(units, utf8=utf8)
    response = _read(scanner)
    scanner.end()
    return response


def _read(scanner: Scanner) -> Response:
    if scanner.skip(b"* "):
        return _read_data(scanner)
    if scanner.skip(b"+ "):
        code = read_code(scanner)
        return Continuation(_read_text(scanner), code)
    tag = scanner.need(tokens.TAG, "tag").decode()
    scanner.expect(b" ")
    match = scanner.match(_CONDITION)
    # response-tagged has OK, NO or BAD; BYE and PREAUTH are untagged alone.
    if not match or (condition := match[1].decode().upper()) not in ("OK", "NO", "BAD"):
        scanner.fail("OK / NO / BAD")
    return _read_status(scanner, condition, tag)


def _read_status(scanner: Scanner, condition: str, tag: str | None) -> Status:
    code = read_code(scanner)
    return Status(condition, _read_text(scanner), code, tag)


def _read_text(scanner: Scanner) -> str:
    """text = 1*(TEXT-CHAR / UTF8-2 / UTF8-3 / UTF8-4)"""
    return scanner.utf8_text(scanner.need(_TEXT, "text"))


def _read_data(scanner: Scanner) -> Response:
    if match := scanner.match(_NUMBERED):
        return _read_numbered(scanner, match)
    if match := scanner.match(_CONDITION):
        return _read_status(scanner, match[1].decode().upper(), None)
    start = scanner.pos
    name = scanner.need(_NAME, "response").decode().upper()
    reader = _READERS.get(name)
    if reader:
        return reader(scanner)
    scanner.pos = start
    return _read_unknown(scanner, name)


def _read_numbered(scanner: Scanner, match: re.Match[bytes]) -> Response:
    """nz-number SP ("EXPUNGE" / ("FETCH" SP msg-att)) / number SP ("EXISTS" / "RECENT")"""
    name = match[2].upper()
    least = 1 if name in (b"FETCH", b"EXPUNGE") else 0
    scanner.pos = match.start()
    if name not in (b"FETCH", b"EXPUNGE", b"EXISTS", b"RECENT"):
        return _read_unknown(scanner, name.decode())
    number = scanner.number(least=least)
    scanner.pos = match.end()
    if name == b"FETCH":
        return read_fetch(scanner, number)
    if name == b"EXPUNGE":
        return Expunge(number)
    return Exists(number) if name == b"EXISTS" else Recent(number)


def _read_unknown(scanner: Scanner, name: str) -> Unknown:
    found = [scanner.token()]
    while scanner.skip(b" "):
        found.append(scanner.token())
    return Unknown(name, tuple(found), scanner.whole())


def _read_flags(scanner: Scanner) -> Flags:
    scanner.expect(b" ")
    return Flags(scanner.many(scanner.flag))


def _read_list(scanner: Scanner) -> MailboxList:
    """
    mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
                   [SP mbox-list-extended]
    """
    scanner.expect(b" ")
    flags = scanner.many(scanner.flag)
    scanner.expect(b" ")
    delimiter = read_delimiter(scanner)
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    extended = scanner.many(lambda: _read_extended(scanner)) if scanner.skip(b" ") else None
    return MailboxList(flags, delimiter, mailbox, extended)


def _read_lsub(scanner: Scanner) -> MailboxList:
    found = _read_list(scanner)
    return MailboxList(found.flags, found.delimiter, found.mailbox, found.extended, "LSUB")


def _read_extended(scanner: Scanner) -> tuple[str, Token]:
    """mbox-list-extended-item = mbox-list-extended-item-tag SP tagged-ext-val"""
    tag = scanner.astring()
    scanner.expect(b" ")
    return tag, scanner.token()


def _read_mailbox_status(scanner: Scanner) -> MailboxStatus:
    """status-data = "STATUS" SP mailbox SP "(" [status-att-list] ")" ; RFC 3501 §9"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    scanner.expect(b" ")
    return MailboxStatus(mailbox, scanner.many(lambda: _read_status_item(scanner)))


def _read_status_item(scanner: Scanner) -> tuple[str, int | Token]:
    name = scanner.need(_NAME, "status-att").decode().upper()
    scanner.expect(b" ")
    value = scanner.token()
    return name, _number_or(scanner, value)


def _number_or(scanner: Scanner, value: Token) -> int | Token:
    if not (isinstance(value, Atom) and value.text.isdigit()):
        return value
    if len(value.text) > 19 or int(value.text) > MAX_NUMBER64:
        scanner.fail("number64")
    return int(value.text)


def _read_search(scanner: Scanner) -> Search:
    """search-data = "SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]"""
    digits = scanner.need(_NUMBERS, "nz-number")
    numbers = tuple(map(int, digits.split()))
    if not scanner.skip(b" (MODSEQ "):
        return Search(numbers)
    modseq = scanner.number64()
    scanner.expect(b")")
    return Search(numbers, modseq)


def _read_sort(scanner: Scanner) -> Search:
    found = _read_search(scanner)
    return Search(found.numbers, found.modseq, "SORT")


def _read_esearch(scanner: Scanner) -> Esearch:
    """esearch-data = "ESEARCH" [SP "(" "TAG" SP tag-string ")"] [SP "UID"] *(SP search-return-data)"""
    tag = None
    if scanner.skip(b" (TAG "):
        tag = scanner.astring()
        scanner.expect(b")")
    uid = scanner.match(_UID) is not None
    items = []
    while scanner.skip(b" "):
        items.append(_read_search_item(scanner))
    return Esearch(tag, uid, tuple(items))


_UID = re.compile(rb" UID(?=[ \r\n])", re.IGNORECASE)


def _read_search_item(scanner: Scanner) -> tuple[str, int | SequenceSet | Token]:
    name = scanner.need(_NAME, "search-modifier-name").decode().upper()
    scanner.expect(b" ")
    if name == "ALL":
        return name, scanner.sequence_set()
    return name, _number_or(scanner, scanner.token())


def _read_thread(scanner: Scanner) -> Thread:
    """thread-data = "THREAD" [SP 1*thread-list]"""
    threads = []
    if scanner.skip(b" "):
        threads.append(_read_thread_list(scanner))
        while scanner.at(b"("):
            threads.append(_read_thread_list(scanner))
    return Thread(tuple(threads))


def _read_thread_list(scanner: Scanner) -> tuple[ThreadNode, ...]:
    """
    thread-list    = "(" (thread-members / thread-nested) ")"
    thread-members = nz-number *(SP nz-number) [SP thread-nested]
    thread-nested  = 2*thread-list
    """
    scanner.expect(b"(")
    nodes: list[ThreadNode] = []
    if not scanner.at(b"("):
        nodes.append(scanner.number(least=1))
        while scanner.skip(b" ") and not scanner.at(b"("):
            nodes.append(scanner.number(least=1))
    while scanner.at(b"("):
        nodes.append(scanner.nested(lambda: _read_thread_list(scanner)))
    scanner.expect(b")")
    return tuple(nodes)


def _read_vanished(scanner: Scanner) -> Vanished:
    """vanished-data = "VANISHED" [SP "(EARLIER)"] SP known-uids"""
    earlier = scanner.skip(b" (EARLIER)")
    scanner.expect(b" ")
    return Vanished(scanner.sequence_set(), earlier)


_READERS: Final[dict[str, Callable[[Scanner], Response]]] = {
    "CAPABILITY": lambda scanner: Capability(read_capabilities(scanner)),
    "ENABLED": lambda scanner: Enabled(read_capabilities(scanner)),
    "FLAGS": _read_flags,
    "LIST": _read_list,
    "LSUB": _read_lsub,
    "STATUS": _read_mailbox_status,
    "SEARCH": _read_search,
    "SORT": _read_sort,
    "ESEARCH": _read_esearch,
    "THREAD": _read_thread,
    "VANISHED": _read_vanished,
    "NAMESPACE": read_namespace,
    "ID": read_id,
    "QUOTA": read_quota,
    "QUOTAROOT": read_quota_root,
    "ACL": read_acl,
    "LISTRIGHTS": read_list_rights,
    "MYRIGHTS": read_my_rights,
    "METADATA": read_metadata,
}
