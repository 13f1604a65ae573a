"""Namespaces, identities, quotas, rights and annotations of a server, read."""

from __future__ import annotations

from mailsim.wire.imap.responses import (
    Acl,
    Id,
    ListRights,
    Metadata,
    MyRights,
    Namespace,
    NamespaceEntry,
    Quota,
    QuotaRoot,
    Resource,
)
from mailsim.wire.imap.scanner import Scanner


def read_delimiter(scanner: Scanner) -> str | None:
    """(DQUOTE QUOTED-CHAR DQUOTE / nil)"""
    if scanner.nil():
        return None
    delimiter = scanner.quoted()
    return delimiter if len(delimiter) == 1 else scanner.fail("QUOTED-CHAR")


def read_namespace(scanner: Scanner) -> Namespace:
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
    delimiter = read_delimiter(scanner)
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


def read_id(scanner: Scanner) -> Id:
    """id-response = "ID" SP id-params-list"""
    scanner.expect(b" ")
    return Id(read_id_params(scanner))


def _read_id_pair(scanner: Scanner) -> tuple[str, str | None]:
    name = scanner.string()
    scanner.expect(b" ")
    return name, scanner.nstring()


def read_quota(scanner: Scanner) -> Quota:
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


def read_quota_root(scanner: Scanner) -> QuotaRoot:
    """quotaroot-data = "QUOTAROOT" SP mailbox *(SP quota-root-name)"""
    scanner.expect(b" ")
    return QuotaRoot(scanner.mailbox(), _astrings(scanner))


def _astrings(scanner: Scanner) -> tuple[str, ...]:
    found = []
    while scanner.skip(b" "):
        found.append(scanner.astring())
    return tuple(found)


def read_acl(scanner: Scanner) -> Acl:
    """acl-data = "ACL" SP mailbox *(SP identifier SP rights)"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    words = _astrings(scanner)
    if len(words) % 2:
        scanner.fail("rights")
    return Acl(mailbox, tuple(zip(words[::2], words[1::2], strict=True)))


def read_list_rights(scanner: Scanner) -> ListRights:
    """listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    scanner.expect(b" ")
    identifier = scanner.astring()
    return ListRights(mailbox, identifier, _astrings(scanner) or scanner.fail("rights"))


def read_my_rights(scanner: Scanner) -> MyRights:
    """myrights-data = "MYRIGHTS" SP mailbox SP rights"""
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    scanner.expect(b" ")
    return MyRights(mailbox, scanner.astring())


def read_metadata(scanner: Scanner) -> Metadata:
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
