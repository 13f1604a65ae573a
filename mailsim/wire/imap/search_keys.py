"""Search keys: what SEARCH, SORT and THREAD look for (RFC 3501 §6.4.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from mailsim.errors import UsageError
from mailsim.wire.imap import tokens
from mailsim.wire.imap.dates import Date
from mailsim.wire.imap.scanner import MAX_NUMBER64, Scanner
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.tokens import Argument, Atom, String, Text


@dataclass(frozen=True, slots=True)
class ModSeq:
    """search-modseq's arguments: a mod-sequence, of one metadata item or of all.

    `entry` is such as "/flags/\\\\draft"; `kind` is "priv", "shared" or "all".
    """

    value: int
    entry: str | None = None
    kind: str = "all"


KeyValue: TypeAlias = "str | int | SequenceSet | Date | ModSeq | Key"

_WORDS: Final = (
    "ALL", "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "NEW", "OLD", "RECENT", "SEEN", "UNANSWERED",
    "UNDELETED", "UNDRAFT", "UNFLAGGED", "UNSEEN", "SAVEDATESUPPORTED",
)  # fmt: skip
_STRINGS: Final = ("BCC", "BODY", "CC", "EMAILID", "FROM", "SUBJECT", "TEXT", "THREADID", "TO")
_DATES: Final = (
    "BEFORE", "ON", "SENTBEFORE", "SENTON", "SENTSINCE", "SINCE",
    "SAVEDBEFORE", "SAVEDON", "SAVEDSINCE",
)  # fmt: skip
KINDS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_WORDS, ()),
    **dict.fromkeys(_STRINGS, ("astring",)),
    **dict.fromkeys(_DATES, ("date",)),
    **dict.fromkeys(("LARGER", "SMALLER", "OLDER", "YOUNGER"), ("number64",)),
    "HEADER": ("astring", "astring"),
    "KEYWORD": ("atom",),
    "UNKEYWORD": ("atom",),
    "NOT": ("key",),
    "OR": ("key", "key"),
    "FUZZY": ("key",),
    "UID": ("set",),
    "MODSEQ": ("modseq",),
}
"""The arguments that each key takes (RFC 3501 §9 search-key, RFC 7162 §7)."""

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9.\-]*")
_SET = re.compile(rb"[0-9*$]")
_KIND = re.compile(rb"priv|shared|all", re.IGNORECASE)
_DATE = re.compile(rb'"?([0-9A-Za-z\-]+)"?')
_TYPES: Final[dict[str, type]] = {
    "astring": str, "atom": str, "number64": int, "date": Date, "set": SequenceSet,
    "modseq": ModSeq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """A search key.

    `name` is a name of KINDS with arguments of its kinds, "AND" with any number of
    keys (written in parentheses), or "SET" with one SequenceSet.
    """

    name: str
    arguments: tuple[KeyValue, ...] = ()

    def __post_init__(self) -> None:
        if self.name == "AND":
            kinds: tuple[str, ...] = ("key",) * max(1, len(self.arguments))
        else:
            kinds = ("set",) if self.name == "SET" else _kinds(self.name)
        if len(kinds) != len(self.arguments) or not all(map(_fits, kinds, self.arguments)):
            raise UsageError("imap.search-key-arguments", name=self.name, kinds=" ".join(kinds))

    def words(self) -> Iterator[Argument]:
        """The key as arguments of a command."""
        if self.name == "AND":
            yield tuple(
                word for key in self.arguments if isinstance(key, Key) for word in key.words()
            )
            return
        kinds = ("set",) if self.name == "SET" else KINDS[self.name]
        if self.name != "SET":
            yield Atom(self.name)
        for kind, value in zip(kinds, self.arguments, strict=True):
            yield from _words(kind, value)


def _words(kind: str, value: KeyValue) -> Iterator[Argument]:
    if isinstance(value, Key):
        yield from value.words()
    elif isinstance(value, ModSeq):
        if value.entry is not None:
            yield String(value.entry)
            yield Atom(value.kind)
        yield Atom(str(value.value))
    else:
        yield Text(str(value)) if kind == "astring" else Atom(str(value))


def _kinds(name: str) -> tuple[str, ...]:
    if name not in KINDS:
        raise UsageError("imap.search-key", name=name)
    return KINDS[name]


def _fits(kind: str, value: KeyValue) -> bool:
    return isinstance(value, _TYPES.get(kind, Key))


def read_keys(scanner: Scanner) -> tuple[Key, ...]:
    """search-key *(SP search-key)"""
    keys = [read_key(scanner)]
    while scanner.skip(b" "):
        keys.append(read_key(scanner))
    return tuple(keys)


def read_key(scanner: Scanner) -> Key:
    """The search key that stands here; keys nest as deep as parentheses may."""
    return scanner.nested(lambda: _read_key(scanner))


def _read_key(scanner: Scanner) -> Key:
    if scanner.at(b"("):
        keys = scanner.many(lambda: read_key(scanner)) or scanner.fail("search-key")
        return Key("AND", keys)
    if _SET.match(scanner.line, scanner.pos):
        return Key("SET", (scanner.sequence_set(),))
    start = scanner.pos
    name = scanner.need(_NAME, "search-key").decode().upper()
    if name not in KINDS:
        scanner.pos = start
        scanner.fail("search-key")
    return Key(name, tuple(_read_value(scanner, kind) for kind in KINDS[name]))


def _read_value(scanner: Scanner, kind: str) -> KeyValue:
    scanner.expect(b" ")
    match kind:
        case "astring":
            return scanner.astring()
        case "atom":
            return scanner.need(tokens.FLAG, "flag-keyword").decode()
        case "number64":
            return scanner.number(most=MAX_NUMBER64)
        case "date":
            text = scanner.need(_DATE, "date").decode().strip('"')
            return scanner.parsed(Date.parse, text, "date")
        case "set":
            return scanner.sequence_set()
        case "modseq":
            return _read_modseq(scanner)
        case _:
            return read_key(scanner)


def _read_modseq(scanner: Scanner) -> ModSeq:
    """
    search-modseq     = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
    search-modseq-ext = SP entry-name SP ("priv" / "shared" / "all")
    """
    if not scanner.at(b'"'):
        return ModSeq(scanner.number(most=MAX_NUMBER64))
    entry = scanner.quoted()
    scanner.expect(b" ")
    kind = scanner.need(_KIND, "entry-type-req").decode().lower()
    scanner.expect(b" ")
    return ModSeq(scanner.number(most=MAX_NUMBER64), entry, kind)
