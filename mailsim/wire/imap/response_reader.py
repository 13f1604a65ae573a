"""Bytes of a server to `responses`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from mailsim.wire.imap import tokens
from mailsim.wire.imap.codes import CAPABILITY, read_code
from mailsim.wire.imap.fetch_codec import read_fetch
from mailsim.wire.imap.responses import (
    Acl,
    Capability,
    Continuation,
    Enabled,
    Esearch,
    Exists,
    Expunge,
    Flags,
    Id,
    ListRights,
    MailboxList,
    MailboxStatus,
    Metadata,
    MyRights,
    Namespace,
    NamespaceEntry,
    Quota,
    QuotaRoot,
    Recent,
    Resource,
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

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9.\-]*")
_NUMBERED = re.compile(rb"([0-9]{1,19}) ([A-Za-z][A-Za-z0-9.\-]*)")
_CONDITION = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH) ", re.IGNORECASE)
_TEXT = re.compile(rb"[^\r\n\x00]*")
_NUMBERS = re.compile(rb"(?: [1-9][0-9]{0,9}(?![0-9]))*")
_ITEM_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9.\-]*")


def read_response(units: Sequence[bytes], *, utf8: bool = False) -> Response:
    """The response that the units of one frame carry.

        response        = continue-req / response-data / response-tagged
        continue-req    = "+" SP (resp-text / base64) CRLF
        response-data   = "*" SP (resp-cond-state / resp-cond-bye / mailbox-data /
                          message-data / capability-data / …) CRLF
        response-tagged = tag SP resp-cond-state CRLF

    Raises RemoteProtocolError for what is none of these, or a known response of wrong form.
    """
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


def _names(scanner: Scanner) -> tuple[str, ...]:
    found = []
    while scanner.skip(b" "):
        found.append(scanner.need(CAPABILITY, "capability").decode())
    return tuple(found)


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
    delimiter = _read_delimiter(scanner)
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    extended = scanner.many(lambda: _read_extended(scanner)) if scanner.skip(b" ") else None
    return MailboxList(flags, delimiter, mailbox, extended)


def _read_lsub(scanner: Scanner) -> MailboxList:
    found = _read_list(scanner)
    return MailboxList(found.flags, found.delimiter, found.mailbox, found.extended, "LSUB")


def _read_delimiter(scanner: Scanner) -> str | None:
    if scanner.nil():
        return None
    delimiter = scanner.quoted()
    return delimiter if len(delimiter) == 1 else scanner.fail("QUOTED-CHAR")


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
    name = scanner.need(_ITEM_NAME, "status-att").decode().upper()
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
    name = scanner.need(_ITEM_NAME, "search-modifier-name").decode().upper()
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


def _read_namespace(scanner: Scanner) -> Namespace:
    """namespace-data = "NAMESPACE" SP namespace SP namespace SP namespace"""
    found = []
    for _ in range(3):
        scanner.expect(b" ")
        found.append(_read_entries(scanner))
    return Namespace(*found)


def _read_entries(scanner: Scanner) -> tuple[NamespaceEntry, ...]:
    """namespace = nil / "(" 1*namespace-descr ")" ; RFC 2342 §6"""
    if scanner.nil():
        return ()
    scanner.expect(b"(")
    found = [_read_entry(scanner)]
    while not scanner.skip(b")"):
        found.append(_read_entry(scanner))
    return tuple(found)


def _read_entry(scanner: Scanner) -> NamespaceEntry:
    """namespace-descr = "(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) *(SP string SP "(" string … ")") ")" ; RFC 2342 §6"""
    scanner.expect(b"(")
    prefix = scanner.mailbox()
    scanner.expect(b" ")
    delimiter = _read_delimiter(scanner)
    extensions = []
    while scanner.skip(b" "):
        name = scanner.string()
        scanner.expect(b" ")
        extensions.append((name, scanner.many(scanner.string)))
    scanner.expect(b")")
    return NamespaceEntry(prefix, delimiter, tuple(extensions))


def read_id_params(scanner: Scanner) -> tuple[tuple[str, str | None], ...] | None:
    """id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil"""
    return None if scanner.nil() else scanner.many(lambda: _read_id_pair(scanner))


def _read_id(scanner: Scanner) -> Id:
    scanner.expect(b" ")
    return Id(read_id_params(scanner))


def _read_id_pair(scanner: Scanner) -> tuple[str, str | None]:
    name = scanner.string()
    scanner.expect(b" ")
    return name, scanner.nstring()


def _read_quota(scanner: Scanner) -> Quota:
    """quota-data = "QUOTA" SP quota-root-name SP "(" [quota-resource *(SP quota-resource)] ")" ; RFC 9208 §7"""
    scanner.expect(b" ")
    root = scanner.astring()
    scanner.expect(b" ")
    return Quota(root, scanner.many(lambda: _read_resource(scanner)))


def _read_resource(scanner: Scanner) -> Resource:
    name = scanner.atom()
    scanner.expect(b" ")
    usage = scanner.number64()
    scanner.expect(b" ")
    return Resource(name, usage, scanner.number64())


def _read_quota_root(scanner: Scanner) -> QuotaRoot:
    """quotaroot-data = "QUOTAROOT" SP mailbox *(SP quota-root-name)"""
    scanner.expect(b" ")
    return QuotaRoot(scanner.mailbox(), _astrings(scanner))


def _astrings(scanner: Scanner) -> tuple[str, ...]:
    found = []
    while scanner.skip(b" "):
        found.append(scanner.astring())
    return tuple(found)


def _read_acl(scanner: Scanner) -> Acl:
    """acl-data = "ACL" SP mailbox *(SP identifier SP rights)"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    words = _astrings(scanner)
    if len(words) % 2:
        scanner.fail("rights")
    return Acl(mailbox, tuple(zip(words[::2], words[1::2], strict=True)))


def _read_list_rights(scanner: Scanner) -> ListRights:
    """listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    scanner.expect(b" ")
    identifier = scanner.astring()
    return ListRights(mailbox, identifier, _astrings(scanner) or scanner.fail("rights"))


def _read_my_rights(scanner: Scanner) -> MyRights:
    """myrights-data = "MYRIGHTS" SP mailbox SP rights"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    scanner.expect(b" ")
    return MyRights(mailbox, scanner.astring())


def _read_metadata(scanner: Scanner) -> Metadata:
    """metadata-data = "METADATA" SP mailbox SP ("(" entry SP value *(SP entry SP value) ")" / entry *(SP entry))"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    if scanner.at(b" ("):
        scanner.skip(b" ")
        return Metadata(mailbox, scanner.many(lambda: _read_annotation(scanner)))
    entries = tuple((entry, None) for entry in _astrings(scanner))
    return Metadata(mailbox, entries or scanner.fail("entry"), valued=False)


def _read_annotation(scanner: Scanner) -> tuple[str, bytes | None]:
    entry = scanner.astring()
    scanner.expect(b" ")
    return entry, scanner.content()


_READERS: Final[dict[str, Callable[[Scanner], Response]]] = {
    "CAPABILITY": lambda scanner: Capability(_names(scanner)),
    "ENABLED": lambda scanner: Enabled(_names(scanner)),
    "FLAGS": _read_flags,
    "LIST": _read_list,
    "LSUB": _read_lsub,
    "STATUS": _read_mailbox_status,
    "SEARCH": _read_search,
    "SORT": _read_sort,
    "ESEARCH": _read_esearch,
    "THREAD": _read_thread,
    "VANISHED": _read_vanished,
    "NAMESPACE": _read_namespace,
    "ID": _read_id,
    "QUOTA": _read_quota,
    "QUOTAROOT": _read_quota_root,
    "ACL": _read_acl,
    "LISTRIGHTS": _read_list_rights,
    "MYRIGHTS": _read_my_rights,
    "METADATA": _read_metadata,
}
