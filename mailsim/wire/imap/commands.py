"""What a client says, as values.  Each validates on construction; the tag is the core's."""

from __future__ import annotations

import binascii
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.imap import tokens
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.search_keys import Key
from mailsim.wire.imap.section import Section
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.tokens import Argument, Atom, MailboxName, Quoted, Text, Token

_NAME = re.compile(rb"(?:UID )?[A-Za-z][A-Za-z0-9\-]*")

ON_MAILBOX: Final = (
    "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETQUOTAROOT", "GETACL", "MYRIGHTS",
)  # fmt: skip
"""The commands whose one argument is a mailbox."""
STORE_ACTIONS: Final = ("FLAGS", "+FLAGS", "-FLAGS")


class Request(ABC):
    """A command: its `name` on the wire, and its `arguments` with SP before each."""

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """In upper case; "UID FETCH" and the like for the UID forms."""

    @property
    @abstractmethod
    def arguments(self) -> tuple[Argument, ...]:
        """What follows the name."""


@dataclass(frozen=True, slots=True)
class Command(Request):
    """A command of any name, whose arguments are taken as they are.

    The one form of those without arguments: NOOP, CAPABILITY, LOGOUT, STARTTLS, CHECK,
    CLOSE, UNSELECT, EXPUNGE, NAMESPACE …
    """

    verb: str
    words: tuple[Argument, ...] = ()

    def __post_init__(self) -> None:
        tokens.check(_NAME, self.verb, "command")

    @property
    def name(self) -> str:
        return self.verb.upper()

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return self.words


@dataclass(frozen=True, slots=True)
class Login(Request):
    """login = "LOGIN" SP userid SP password"""

    user: str
    password: Secret

    @property
    def name(self) -> str:
        return "LOGIN"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (Text(self.user), self.password)


@dataclass(frozen=True, slots=True)
class Authenticate(Request):
    """authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]     ; RFC 4959 §7

    `initial` holds the initial response before base64; Secret(b"") travels as "=",
    None is no initial response.
    """

    mechanism: str
    initial: Secret | None = None

    def __post_init__(self) -> None:
        tokens.check(tokens.ASTRING, self.mechanism, "auth-type")

    @property
    def name(self) -> str:
        return "AUTHENTICATE"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        mechanism = Atom(self.mechanism)
        if self.initial is None:
            return (mechanism,)
        packed = binascii.b2a_base64(self.initial.reveal(), newline=False).decode()
        return (mechanism, Atom(packed or "="))


@dataclass(frozen=True, slots=True)
class Response:
    """A line of the client within AUTHENTICATE: the response before base64, or None for "*",
    which cancels (RFC 3501 §6.2.2)."""

    data: Secret | None


@dataclass(frozen=True, slots=True)
class Idle(Request):
    """idle = "IDLE" CRLF "DONE" (RFC 2177 §4)"""

    @property
    def name(self) -> str:
        return "IDLE"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Done:
    """The line that ends IDLE."""


@dataclass(frozen=True, slots=True)
class Select(Request):
    """select = ("SELECT" / "EXAMINE") SP mailbox [SP "(" select-param … ")"]   ; RFC 4466 §2.1

    `examine` opens it for reading alone.
    """

    mailbox: str
    examine: bool = False
    params: tuple[Token, ...] = ()

    @property
    def name(self) -> str:
        return "EXAMINE" if self.examine else "SELECT"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (MailboxName(self.mailbox), *((self.params,) if self.params else ()))


@dataclass(frozen=True, slots=True)
class OnMailbox(Request):
    """One of ON_MAILBOX, SP, mailbox."""

    verb: str
    mailbox: str

    def __post_init__(self) -> None:
        if self.verb not in ON_MAILBOX:
            raise UsageError("imap.not-allowed", kind=" / ".join(ON_MAILBOX), text=self.verb)

    @property
    def name(self) -> str:
        return self.verb

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (MailboxName(self.mailbox),)


@dataclass(frozen=True, slots=True)
class Rename(Request):
    """rename = "RENAME" SP mailbox SP mailbox"""

    source: str
    target: str

    @property
    def name(self) -> str:
        return "RENAME"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (MailboxName(self.source), MailboxName(self.target))


@dataclass(frozen=True, slots=True)
class List(Request):
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP "RETURN" SP "(" … ")"]

    With `subscribed` LSUB, which has no options.  Several patterns travel in parentheses (RFC 5258 §6).
    """

    reference: str
    patterns: tuple[str, ...]
    subscribed: bool = False
    select: tuple[Token, ...] | None = None
    returns: tuple[Token, ...] | None = None

    def __post_init__(self) -> None:
        if not self.patterns:
            raise UsageError("imap.not-allowed", kind="list-mailbox", text="")

    @property
    def name(self) -> str:
        return "LSUB" if self.subscribed else "LIST"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        patterns = tuple(MailboxName(pattern, pattern=True) for pattern in self.patterns)
        found: list[Argument] = [] if self.select is None else [self.select]
        found += [MailboxName(self.reference), patterns if len(patterns) > 1 else patterns[0]]
        if self.returns is not None:
            found += [Atom("RETURN"), self.returns]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Status(Request):
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" ; RFC 3501 §9"""

    mailbox: str
    items: tuple[str, ...]

    @property
    def name(self) -> str:
        return "STATUS"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (MailboxName(self.mailbox), tuple(map(Atom, self.items)))


@dataclass(frozen=True, slots=True)
class Append(Request):
    """append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP (literal / literal8)

    `flags` None sends no list.
    """

    mailbox: str
    message: bytes = field(repr=False)
    flags: tuple[str, ...] | None = None
    date: DateTime | None = None

    def __post_init__(self) -> None:
        _check_flags(self.flags or ())

    @property
    def name(self) -> str:
        return "APPEND"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        flags = () if self.flags is None else (tuple(map(Atom, self.flags)),)
        date = () if self.date is None else (Quoted(str(self.date)),)
        return (
            MailboxName(self.mailbox), *flags, *date,
            tokens.Literal(self.message, binary=b"\0" in self.message),
        )  # fmt: skip


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
        _check_flags(self.flags)

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
    """sort = ["UID" SP] "SORT" SP "(" sort-criterion … ")" SP charset 1*(SP search-key)   ; RFC 5256 §5

    `order` holds ARRIVAL, CC, DATE, FROM, SIZE, SUBJECT, TO, each after REVERSE or not.
    """

    order: tuple[str, ...]
    charset: str
    keys: tuple[Key, ...]
    uid: bool = False

    @property
    def name(self) -> str:
        return "UID SORT" if self.uid else "SORT"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (tuple(map(Atom, self.order)), Text(self.charset), *_key_words(self.keys))


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


@dataclass(frozen=True, slots=True)
class Id(Request):
    """id = "ID" SP id-params-list (RFC 2971 §4); None is NIL."""

    params: tuple[tuple[str, str | None], ...] | None = None

    @property
    def name(self) -> str:
        return "ID"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        if self.params is None:
            return (Atom("NIL"),)
        words = (word for pair in self.params for word in pair)
        return (tuple(Atom("NIL") if word is None else tokens.String(word) for word in words),)


@dataclass(frozen=True, slots=True)
class Enable(Request):
    """enable = "ENABLE" 1*(SP capability) (RFC 5161 §4)"""

    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return "ENABLE"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return tuple(map(Atom, self.names))


def _key_words(keys: tuple[Key, ...]) -> tuple[Argument, ...]:
    return tuple(word for key in keys for word in key.words())


def _check_flags(flags: tuple[str, ...]) -> None:
    for flag in flags:
        tokens.check(tokens.FLAG, flag, "flag")
