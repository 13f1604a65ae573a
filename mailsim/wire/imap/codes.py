"""Response codes: what stands between brackets at the start of a status response's text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from mailsim.errors import RemoteProtocolError
from mailsim.wire.imap import tokens
from mailsim.wire.imap.scanner import MAX_NUMBER64, Scanner
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.writer import Writer
from mailsim.wire.outcome import Outcome

_OPEN = re.compile(rb'\[([^\x00-\x20\x7f-\xff(){%*"\\\]]+)(?=[ \]])')
_CAPABILITY = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_RAW = re.compile(rb" [^\]\r\n\x00]+(?=\])")


@dataclass(frozen=True, slots=True)
class AppendUid:
    """Where APPEND has put messages (RFC 4315 §3)."""

    uidvalidity: int
    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class CopyUid:
    """Which messages COPY or MOVE has put where (RFC 4315 §3)."""

    uidvalidity: int
    source: SequenceSet
    target: SequenceSet


CodeValue: TypeAlias = "int | str | tuple[str, ...] | SequenceSet | AppendUid | CopyUid | None"


@dataclass(frozen=True, slots=True)
class Code:
    """A response code; `name` in upper case.

    `value` is a number (UIDVALIDITY, UIDNEXT, UNSEEN, HIGHESTMODSEQ), words
    (CAPABILITY, PERMANENTFLAGS, BADCHARSET, MAILBOXID), a set (MODIFIED), an AppendUid,
    a CopyUid, None, or the raw text of what is not known or not as it should be.
    """

    name: str
    value: CodeValue = None


def read_code(scanner: Scanner) -> Code | None:
    """
    resp-text      = ["[" resp-text-code "]" SP] [text]     ; RFC 9051 §9: text may be empty
    resp-text-code = … / atom [SP 1*<any TEXT-CHAR except "]">]

    None where none stands here: text that only looks like a code is text.  The last
    alternative takes a known code with other arguments than its own; they stay raw.
    """
    start = scanner.pos
    match = scanner.match(_OPEN)
    if not match:
        return None
    name = match[1].decode().upper()
    code = Code(name, _read_value(scanner, _READERS.get(name, _read_raw)))
    if scanner.skip(b"] "):
        return code
    scanner.pos = start
    return None


def _read_value(scanner: Scanner, reader: Callable[[Scanner], CodeValue]) -> CodeValue:
    start = scanner.pos
    try:
        value = reader(scanner)
    except RemoteProtocolError:
        value = None
    if scanner.at(b"]"):
        return value
    scanner.pos = start
    return _read_raw(scanner)


def _read_raw(scanner: Scanner) -> str | None:
    match = scanner.match(_RAW)
    return scanner.utf8_text(match[0][1:]) if match else None


def _read_number(scanner: Scanner) -> int:
    scanner.expect(b" ")
    return scanner.number(least=1)


def _read_modseq(scanner: Scanner) -> int:
    scanner.expect(b" ")
    return scanner.number(least=1, most=MAX_NUMBER64)


def read_capabilities(scanner: Scanner) -> tuple[str, ...]:
    """*(SP capability), as in CAPABILITY, ENABLE and ENABLED"""
    found = []
    while scanner.skip(b" "):
        found.append(scanner.need(_CAPABILITY, "capability").decode())
    return tuple(found)


def _read_flags(scanner: Scanner) -> tuple[str, ...]:
    scanner.expect(b" ")
    return scanner.many(scanner.flag)


def _read_words(scanner: Scanner) -> tuple[str, ...] | None:
    return scanner.many(scanner.astring) if scanner.skip(b" ") else None


def _read_set(scanner: Scanner) -> SequenceSet:
    scanner.expect(b" ")
    return scanner.sequence_set()


def _read_append(scanner: Scanner) -> AppendUid:
    return AppendUid(_read_number(scanner), _read_set(scanner))


def _read_copy(scanner: Scanner) -> CopyUid:
    return CopyUid(_read_number(scanner), _read_set(scanner), _read_set(scanner))


def _read_nothing(_: Scanner) -> None:
    return None


_READERS: Final[dict[str, Callable[[Scanner], CodeValue]]] = {
    "UIDVALIDITY": _read_number,
    "UIDNEXT": _read_number,
    "UNSEEN": _read_number,
    "HIGHESTMODSEQ": _read_modseq,
    "CAPABILITY": read_capabilities,
    "PERMANENTFLAGS": _read_flags,
    "BADCHARSET": _read_words,
    "MAILBOXID": _read_words,
    "MODIFIED": _read_set,
    "APPENDUID": _read_append,
    "COPYUID": _read_copy,
    **dict.fromkeys(
        (
            "ALERT", "PARSE", "READ-ONLY", "READ-WRITE", "TRYCREATE", "UIDNOTSTICKY", "UNAVAILABLE",
            "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED",
            "CONTACTADMIN", "NOPERM", "INUSE", "EXPUNGEISSUED", "CORRUPTION", "SERVERBUG",
            "CLIENTBUG", "CANNOT", "LIMIT", "OVERQUOTA", "ALREADYEXISTS", "NONEXISTENT",
            "NOTSAVED", "HASCHILDREN", "CLOSED", "UNKNOWN-CTE", "NOMODSEQ", "TOOBIG",
        ),
        _read_nothing,
    ),
}  # fmt: skip

# What passes by waiting: UNAVAILABLE is a "Temporary failure because a subsystem is down",
# and after INUSE the operation "may succeed if the client tries again later" (RFC 5530 §3).
# LIMIT, OVERQUOTA, CONTACTADMIN, SERVERBUG and the others need somebody to act.
_TEMPORARY: Final = frozenset({"UNAVAILABLE", "INUSE"})


def outcome(condition: str, code: Code | None) -> Outcome:
    """What OK, PREAUTH, NO, BAD or BYE comes to, given its response code."""
    if condition in ("OK", "PREAUTH"):
        return Outcome.SUCCESS
    if condition == "BYE":
        return Outcome.CLOSING
    temporary = condition == "NO" and code is not None and code.name in _TEMPORARY
    return Outcome.TEMPORARY if temporary else Outcome.PERMANENT


def write_code(writer: Writer, code: Code) -> None:
    """`[NAME value]`."""
    writer.raw(f"[{code.name}")
    match code.value:
        case None:
            pass
        case AppendUid(validity, uids):
            writer.raw(f" {validity} {uids}")
        case CopyUid(validity, source, target):
            writer.raw(f" {validity} {source} {target}")
        case tuple(words):
            _write_words(writer, code.name, words)
        case value:
            writer.raw(" ")
            writer.raw(str(value))
    writer.raw("]")


def _write_words(writer: Writer, name: str, words: tuple[str, ...]) -> None:
    if name == "CAPABILITY":
        writer.raw("".join(f" {word}" for word in words))
        return
    writer.raw(" (")
    for index, word in enumerate(words):
        if index:
            writer.raw(" ")
        if name == "PERMANENTFLAGS":
            writer.raw(word)
        else:
            writer.astring(word, tokens.ASTRING)
    writer.raw(")")
