"""What the server answered in one exchange, taken apart so that two can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mailsim.dialogue.values import Exchange, Line
from mailsim.dialogue.volatile import VOLATILE, normalised
from mailsim.model import Protocol

_SMTP = re.compile(r"(\d{3})[- ]?((?:[245]\.\d{1,3}\.\d{1,3}(?= |$))?) ?(.*)")
_POP3 = re.compile(r"([+]OK|-ERR|[+](?=\s|$)) ?(?:\[([^\]]*)\])? ?(.*)", re.IGNORECASE)
_IMAP = re.compile(r"(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: |$)(?:\[([^\]]*)\])? ?(.*)", re.IGNORECASE)
_IMAP_CAPABILITIES = re.compile(r"\* CAPABILITY (.*)", re.IGNORECASE)
_SIEVE = re.compile(r"(OK|NO|BYE)(?:\s|$)(?:\(([^)]*)\))?\s*(.*)", re.IGNORECASE)
_HELLO: Final = ("EHLO", "LHLO")


@dataclass(frozen=True, slots=True)
class Answer:
    """Codes, enhanced or response codes, capabilities, texts for people and data, volatile parts
    by name."""

    codes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    lines: int = 0
    data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """One row's share in the answer."""

    code: str = ""
    detail: str = ""
    capabilities: tuple[str, ...] = ()
    text: str = ""
    data: str = ""


def command(exchange: Exchange, protocol: Protocol) -> str:
    """What the client said first, volatile parts by name and without IMAP's tag; "" for nothing."""
    for row in _rows(exchange.sent):
        if protocol is Protocol.IMAP and " " in row:
            return normalised(row.partition(" ")[2].strip())
        return normalised(row.strip())
    return ""


def answer(
    exchange: Exchange,
    protocol: Protocol,
    volatile: Mapping[str, re.Pattern[str]] = VOLATILE,
) -> Answer:
    """The answer of one exchange."""
    verb = command(exchange, protocol).partition(" ")[0].upper()
    read = {
        Protocol.POP3: _pop3,
        Protocol.IMAP: _imap,
        Protocol.MANAGESIEVE: _sieve,
    }.get(protocol, _smtp)
    rows = [normalised(row, volatile) for row in _rows(exchange.received)]
    parts = [read(row, verb, index) for index, row in enumerate(rows)]
    return Answer(
        tuple(part.code for part in parts if part.code),
        tuple(part.detail for part in parts if part.detail),
        frozenset(one for part in parts for one in part.capabilities),
        tuple(part.text for part in parts if part.text),
        sum(not part.capabilities for part in parts),
        tuple(part.data for part in parts if part.data),
    )


def _rows(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        for row in line.rows():
            yield row.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def _smtp(row: str, verb: str, index: int) -> _Row:
    found = _SMTP.match(row)
    if found is None:
        return _Row(text=row)
    code, enhanced, text = found.groups()
    last = row[3:4] != "-"
    if verb in _HELLO and code == "250" and index:
        return _Row(code if last else "", "", (text.upper(),))
    return _Row(code if last else "", enhanced, (), text)


def _pop3(row: str, verb: str, index: int) -> _Row:
    if index == 0 and (found := _POP3.match(row)):
        return _Row(found.group(1).upper(), found.group(2) or "", (), found.group(3))
    if verb == "CAPA" and row != ".":
        return _Row("", "", (row.upper(),))
    return _Row(data=row)


def _imap(row: str, _: str, __: int) -> _Row:
    if found := _IMAP_CAPABILITIES.match(row):
        return _Row("", "", tuple(found.group(1).upper().split()))
    if found := _IMAP.match(row):
        tag, condition, code, text = found.groups(default="")
        shown = condition.upper() if tag != "*" else f"* {condition.upper()}"
        if code.upper().startswith("CAPABILITY "):
            return _Row(shown, "CAPABILITY", tuple(code.upper().split()[1:]), text)
        return _Row(shown, code, (), text)
    return _Row(data=row)


def _sieve(row: str, verb: str, _: int) -> _Row:
    if found := _SIEVE.match(row):
        condition, code, text = found.groups(default="")
        return _Row(condition.upper(), code, (), text)
    if row.startswith('"') and verb in {"", "CAPABILITY", "STARTTLS"}:
        return _Row("", "", (row,))
    return _Row(data=row)
