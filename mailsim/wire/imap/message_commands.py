"""The commands about messages of the selected mailbox, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailsim.errors import UsageError
from mailsim.wire.imap import tokens
from mailsim.wire.imap.request import Request, check_flags
from mailsim.wire.imap.search_keys import Key
from mailsim.wire.imap.section import Section
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.tokens import Argument, Atom, MailboxName, Text, Token

STORE_ACTIONS: Final = ("FLAGS", "+FLAGS", "-FLAGS")


@dataclass(frozen=True, slots=True)
class FetchItem:
    """fetch-att, or a macro: ALL, FAST, FULL.

    `name` in upper case, such as "BODY.PEEK"; `partial` is the first octet and how many.
    """

    name: str
    section: Section | None = None
    partial: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        tokens.check(tokens.ASTRING, self.name, "fetch-att")

    def __str__(self) -> str:
        partial = "<{}.{}>".format(*self.partial) if self.partial else ""
        return f"{self.name}{self.section or ''}{partial}"


@dataclass(frozen=True, slots=True)
class Fetch(Request):
    """fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" … ")")
    [SP "(" fetch-modifier … ")"]                                     ; RFC 4466 §2.3
    """

    messages: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool = False
    modifiers: tuple[Token, ...] = ()

    def __post_init__(self) -> None:
        if not self.items:
            raise UsageError("imap.not-allowed", kind="fetch-att", text="")

    @property
    def name(self) -> str:
        return "UID FETCH" if self.uid else "FETCH"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        items = tuple(Atom(str(item)) for item in self.items)
        modifiers = (self.modifiers,) if self.modifiers else ()
        return (Atom(str(self.messages)), items if len(items) > 1 else items[0], *modifiers)


@dataclass(frozen=True, slots=True)
class Store(Request):
    """store = "STORE" SP sequence-set [SP "(" store-modifier … ")"] SP store-att-flags

    `action` is one of STORE_ACTIONS; `silent` asks for no FETCH in answer.
    """

    messages: SequenceSet
    action: str
    flags: tuple[str, ...]
    silent: bool = False
    uid: bool = False
    modifiers: tuple[Token, ...] = ()

    def __post_init__(self) -> None:
        if self.action not in STORE_ACTIONS:
            raise UsageError("imap.not-allowed", kind=" / ".join(STORE_ACTIONS), text=self.action)
        check_flags(self.flags)

    @property
    def name(self) -> str:
        return "UID STORE" if self.uid else "STORE"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        modifiers = (self.modifiers,) if self.modifiers else ()
        action = Atom(self.action + (".SILENT" if self.silent else ""))
        return (Atom(str(self.messages)), *modifiers, action, tuple(map(Atom, self.flags)))


@dataclass(frozen=True, slots=True)
class Search(Request):
    """search = "SEARCH" [SP "RETURN" SP "(" … ")"] SP ["CHARSET" SP charset SP] search-key …"""

    keys: tuple[Key, ...]
    charset: str | None = None
    returns: tuple[Token, ...] | None = None
    uid: bool = False

    @property
    def name(self) -> str:
        return "UID SEARCH" if self.uid else "SEARCH"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        found: list[Argument] = []
        if self.returns is not None:
            found += [Atom("RETURN"), self.returns]
        if self.charset is not None:
            found += [Atom("CHARSET"), Text(self.charset)]
        return (*found, *_key_words(self.keys))


@dataclass(frozen=True, slots=True)
class Sort(Request):
    """sort = ["UID" SP] "SORT" [SP "RETURN" SP "(" … ")"] SP "(" sort-criterion … ")" SP charset 1*(SP search-key)   ; RFC 5256 §5

    `order` holds ARRIVAL, CC, DATE, FROM, SIZE, SUBJECT, TO, each after REVERSE or not.
    """

    order: tuple[str, ...]
    charset: str
    keys: tuple[Key, ...]
    returns: tuple[Token, ...] | None = None
    uid: bool = False

    @property
    def name(self) -> str:
        return "UID SORT" if self.uid else "SORT"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        returns = () if self.returns is None else (Atom("RETURN"), self.returns)
        return (*returns, tuple(map(Atom, self.order)), Text(self.charset), *_key_words(self.keys))


@dataclass(frozen=True, slots=True)
class Thread(Request):
    """thread = ["UID" SP] "THREAD" SP thread-alg SP charset 1*(SP search-key)   ; RFC 5256 §5"""

    algorithm: str
    charset: str
    keys: tuple[Key, ...]
    uid: bool = False

    @property
    def name(self) -> str:
        return "UID THREAD" if self.uid else "THREAD"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (Atom(self.algorithm), Text(self.charset), *_key_words(self.keys))


@dataclass(frozen=True, slots=True)
class Copy(Request):
    """copy = "COPY" SP sequence-set SP mailbox, or with `move` MOVE (RFC 6851 §3.1)."""

    messages: SequenceSet
    mailbox: str
    move: bool = False
    uid: bool = False

    @property
    def name(self) -> str:
        return f"{'UID ' if self.uid else ''}{'MOVE' if self.move else 'COPY'}"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (Atom(str(self.messages)), MailboxName(self.mailbox))


@dataclass(frozen=True, slots=True)
class UidExpunge(Request):
    """uid-expunge = "UID" SP "EXPUNGE" SP sequence-set (RFC 4315 §2.1)"""

    messages: SequenceSet

    @property
    def name(self) -> str:
        return "UID EXPUNGE"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (Atom(str(self.messages)),)


def _key_words(keys: tuple[Key, ...]) -> tuple[Argument, ...]:
    return tuple(word for key in keys for word in key.words())
