"""Bytes of a client to `commands`."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.secret import Secret
from mailsim.wire.imap import commands as c
from mailsim.wire.imap import tokens
from mailsim.wire.imap.codes import read_capabilities
from mailsim.wire.imap.extension_reader import read_id_params
from mailsim.wire.imap.scanner import MAX_NUMBER64, Scanner
from mailsim.wire.imap.search_keys import Key, read_keys
from mailsim.wire.imap.section import WHOLE, read_section
from mailsim.wire.imap.tokens import Token

T = TypeVar("T")

_NAME = re.compile(rb"(?:UID )?[A-Za-z][A-Za-z0-9\-]*", re.IGNORECASE)
_WORD = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.\-]*")
_PARTIAL = re.compile(rb"<([0-9]{1,19})\.([1-9][0-9]{0,18})>")
# What PREVIEW's modifiers allow the server to leave undone (RFC 8970 §3.1).
_PREVIEW = re.compile(rb" \((?:LAZY|FUZZY|LAZY=FUZZY)\)", re.IGNORECASE)
_ACTION = re.compile(rb"([+-]?FLAGS)(\.SILENT)?(?= )", re.IGNORECASE)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_INITIAL = re.compile(rb"=|[A-Za-z0-9+/=]+")
_CHARSET = re.compile(rb"CHARSET ", re.IGNORECASE)
_RETURN = re.compile(rb"RETURN (?=\()", re.IGNORECASE)


def read_tag(line: bytes) -> str | None:
    """The tag that `line` begins with, or None."""
    match = tokens.TAG.match(line)
    return match[0].decode() if match else None


def read_command(units: Sequence[bytes], *, utf8: bool = False) -> tuple[str, c.Request]:
    """The tag and the command that the units of one frame carry.

        command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF

    Raises RemoteProtocolError for a known command of wrong form, or none at all.
    """
    scanner = Scanner(units, utf8=utf8, commands=True)
    tag = scanner.need(tokens.TAG, "tag").decode()
    scanner.expect(b" ")
    name = scanner.need(_NAME, "command").decode().upper()
    reader = _READERS.get(name.removeprefix("UID "))
    uid = name.startswith("UID ")
    if reader is None or (uid and name not in _UID):
        command: c.Request = _read_any(scanner, name)
    else:
        command = reader(scanner, name)
    scanner.end()
    return tag, command


def read_client_response(line: bytes) -> c.Response:
    """base64 CRLF, or "*" CRLF to cancel (RFC 3501 §6.2.2)."""
    text = line.rstrip(b"\r\n")
    return c.Response(None) if text == b"*" else c.Response(Secret(_decoded(text)))


def read_done(line: bytes) -> c.Done:
    """done = "DONE" CRLF"""
    if line.rstrip(b"\r\n").upper() != b"DONE":
        Scanner((line,)).fail("DONE")
    return c.Done()


def read_search_keys(text: str) -> tuple[Key, ...]:
    """The search keys written in `text` as on the wire: 'UNSEEN FROM "cheikh"'.

    Raises UsageError for what is none.
    """
    return _read_own(text, read_keys)


def read_fetch_items(text: str) -> tuple[c.FetchItem, ...]:
    """The items written in `text`: "FLAGS", "(UID BODY.PEEK[HEADER])", with parentheses or without.

    Raises UsageError for what is none.
    """
    return _read_own(text if text.startswith("(") else f"({text})", _read_items)


def _read_own(text: str, read: Callable[[Scanner], T]) -> T:
    scanner = Scanner((text.encode("utf-8", "surrogateescape") + b"\r\n",), utf8=True)
    try:
        found = read(scanner)
        scanner.end()
    except RemoteProtocolError as error:
        expected = error.params.get("expected", "UTF-8")
        raise UsageError("imap.not-understood", text=text, expected=expected) from None
    return found


def _decoded(text: bytes) -> bytes:
    """base64 = *(4base64-char) [base64-terminal]"""
    if not _BASE64.fullmatch(text):
        raise RemoteProtocolError("imap.not-base64")
    return binascii.a2b_base64(text)


def _read_any(scanner: Scanner, name: str) -> c.Command:
    words = []
    while scanner.skip(b" "):
        words.append(scanner.token())
    return c.Command(name, tuple(words))


def _read_login(scanner: Scanner, _: str) -> c.Login:
    scanner.expect(b" ")
    user = scanner.astring()
    scanner.expect(b" ")
    return c.Login(user, Secret(scanner.astring().encode("utf-8", "surrogateescape")))


def _read_authenticate(scanner: Scanner, _: str) -> c.Authenticate:
    scanner.expect(b" ")
    mechanism = scanner.need(tokens.ASTRING, "auth-type").decode()
    if not scanner.skip(b" "):
        return c.Authenticate(mechanism)
    initial = scanner.need(_INITIAL, "base64")
    return c.Authenticate(mechanism, Secret(b"" if initial == b"=" else _decoded(initial)))


def _read_idle(_: Scanner, __: str) -> c.Idle:
    return c.Idle()


def _read_select(scanner: Scanner, name: str) -> c.Select:
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    params = _tokens(scanner) if scanner.skip(b" ") else ()
    return c.Select(mailbox, name == "EXAMINE", params)


def _tokens(scanner: Scanner) -> tuple[Token, ...]:
    return scanner.nested(lambda: scanner.many(scanner.token))


def _read_on_mailbox(scanner: Scanner, name: str) -> c.OnMailbox:
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    params = _tokens(scanner) if name == "CREATE" and scanner.skip(b" ") else ()
    return c.OnMailbox(name, mailbox, params)


def _read_rename(scanner: Scanner, _: str) -> c.Rename:
    scanner.expect(b" ")
    source = scanner.mailbox()
    scanner.expect(b" ")
    return c.Rename(source, scanner.mailbox())


def _read_list(scanner: Scanner, name: str) -> c.List:
    scanner.expect(b" ")
    select = None
    if name == "LIST" and scanner.at(b"("):
        select = _tokens(scanner)
        scanner.expect(b" ")
    reference = scanner.mailbox()
    scanner.expect(b" ")
    if scanner.at(b"("):
        patterns = scanner.many(lambda: _pattern(scanner)) or scanner.fail("list-mailbox")
    else:
        patterns = (_pattern(scanner),)
    returns = None
    if name == "LIST" and scanner.skip(b" "):
        scanner.need(_RETURN, "RETURN")
        returns = _tokens(scanner)
    return c.List(reference, patterns, name == "LSUB", select, returns)


def _pattern(scanner: Scanner) -> str:
    return scanner.mailbox(tokens.LIST_MAILBOX)


def _read_status(scanner: Scanner, _: str) -> c.Status:
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    scanner.expect(b" ")
    items = scanner.many(lambda: scanner.need(_WORD, "status-att").decode().upper())
    return c.Status(mailbox, items or scanner.fail("status-att"))


def _read_append(scanner: Scanner, _: str) -> c.Append:
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    scanner.expect(b" ")
    flags = date = None
    if scanner.at(b"("):
        flags = scanner.many(scanner.flag)
        scanner.expect(b" ")
    if scanner.at(b'"'):
        date = scanner.date_time()
        scanner.expect(b" ")
    taken = scanner.literal() or scanner.fail("literal")
    return c.Append(mailbox, taken[0], flags, date)


def _read_fetch(scanner: Scanner, name: str) -> c.Fetch:
    scanner.expect(b" ")
    messages = scanner.sequence_set()
    scanner.expect(b" ")
    items = _read_items(scanner) if scanner.at(b"(") else (_read_item(scanner),)
    modifiers = _tokens(scanner) if scanner.skip(b" ") else ()
    return c.Fetch(messages, items, name.startswith("UID"), modifiers)


def _read_items(scanner: Scanner) -> tuple[c.FetchItem, ...]:
    return scanner.many(lambda: _read_item(scanner)) or scanner.fail("fetch-att")


def _read_item(scanner: Scanner) -> c.FetchItem:
    """fetch-att = atom / "BODY" [".PEEK"] section [partial] / "BINARY" …"""
    name = scanner.need(_WORD, "fetch-att").decode().upper()
    if not scanner.at(b"["):
        if name in ("PREVIEW", "SNIPPET"):
            scanner.match(_PREVIEW)
        return c.FetchItem(name)
    section = WHOLE if scanner.skip(b"[]") else read_section(scanner)
    match = scanner.match(_PARTIAL)
    partial = (int(match[1]), int(match[2])) if match else None
    if partial and max(partial) > MAX_NUMBER64:
        scanner.fail("partial")
    return c.FetchItem(name, section, partial)


def _read_store(scanner: Scanner, name: str) -> c.Store:
    """
    store           = "STORE" SP sequence-set [SP "(" … ")"] SP store-att-flags
    store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    """
    scanner.expect(b" ")
    messages = scanner.sequence_set()
    scanner.expect(b" ")
    modifiers: tuple[Token, ...] = ()
    if scanner.at(b"("):
        modifiers = _tokens(scanner)
        scanner.expect(b" ")
    match = scanner.match(_ACTION) or scanner.fail("store-att-flags")
    scanner.expect(b" ")
    flags = scanner.many(scanner.flag) if scanner.at(b"(") else _bare_flags(scanner)
    action, silent = match[1].decode().upper(), match[2] is not None
    return c.Store(messages, action, flags, silent, name.startswith("UID"), modifiers)


def _bare_flags(scanner: Scanner) -> tuple[str, ...]:
    flags = [scanner.flag()]
    while scanner.skip(b" "):
        flags.append(scanner.flag())
    return tuple(flags)


def _read_search(scanner: Scanner, name: str) -> c.Search:
    scanner.expect(b" ")
    returns = _read_returns(scanner)
    charset = None
    if scanner.match(_CHARSET):
        charset = scanner.astring()
        scanner.expect(b" ")
    return c.Search(read_keys(scanner), charset, returns, name.startswith("UID"))


def _read_returns(scanner: Scanner) -> tuple[Token, ...] | None:
    if not scanner.match(_RETURN):
        return None
    returns = _tokens(scanner)
    scanner.expect(b" ")
    return returns


def _read_sort(scanner: Scanner, name: str) -> c.Sort:
    scanner.expect(b" ")
    returns = _read_returns(scanner)
    order = scanner.many(lambda: scanner.need(_WORD, "sort-criterion").decode().upper())
    charset, keys = _charset_and_keys(scanner)
    return c.Sort(order, charset, keys, returns, name.startswith("UID"))


def _read_thread(scanner: Scanner, name: str) -> c.Thread:
    scanner.expect(b" ")
    algorithm = scanner.need(_WORD, "thread-alg").decode().upper()
    charset, keys = _charset_and_keys(scanner)
    return c.Thread(algorithm, charset, keys, name.startswith("UID"))


def _charset_and_keys(scanner: Scanner) -> tuple[str, tuple[Key, ...]]:
    scanner.expect(b" ")
    charset = scanner.astring()
    scanner.expect(b" ")
    return charset, read_keys(scanner)


def _read_copy(scanner: Scanner, name: str) -> c.Copy:
    scanner.expect(b" ")
    messages = scanner.sequence_set()
    scanner.expect(b" ")
    mailbox = scanner.mailbox()
    return c.Copy(messages, mailbox, name.endswith("MOVE"), name.startswith("UID"))


def _read_expunge(scanner: Scanner, name: str) -> c.Request:
    if name == "EXPUNGE":
        return c.Command(name)
    scanner.expect(b" ")
    return c.UidExpunge(scanner.sequence_set())


def _read_id(scanner: Scanner, _: str) -> c.Id:
    scanner.expect(b" ")
    return c.Id(read_id_params(scanner))


def _read_enable(scanner: Scanner, _: str) -> c.Enable:
    return c.Enable(read_capabilities(scanner) or scanner.fail("capability"))


_UID: Final = frozenset(
    f"UID {name}"
    for name in ("FETCH", "STORE", "SEARCH", "SORT", "THREAD", "COPY", "MOVE", "EXPUNGE")
)
_READERS: Final[dict[str, Callable[[Scanner, str], c.Request]]] = {
    "LOGIN": _read_login,
    "AUTHENTICATE": _read_authenticate,
    "IDLE": _read_idle,
    "SELECT": _read_select,
    "EXAMINE": _read_select,
    **dict.fromkeys(c.ON_MAILBOX, _read_on_mailbox),
    "RENAME": _read_rename,
    "LIST": _read_list,
    "LSUB": _read_list,
    "STATUS": _read_status,
    "APPEND": _read_append,
    "FETCH": _read_fetch,
    "STORE": _read_store,
    "SEARCH": _read_search,
    "SORT": _read_sort,
    "THREAD": _read_thread,
    "COPY": _read_copy,
    "MOVE": _read_copy,
    "EXPUNGE": _read_expunge,
    "ID": _read_id,
    "ENABLE": _read_enable,
}
