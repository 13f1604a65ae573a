"""What a client says, as values.  Each validates on construction; the tag is the core's."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.imap import tokens
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.message_commands import (
    STORE_ACTIONS,
    Copy,
    Fetch,
    FetchItem,
    Search,
    Sort,
    Store,
    Thread,
    UidExpunge,
)
from mailsim.wire.imap.request import Request, check_flags
from mailsim.wire.imap.tokens import Argument, Atom, MailboxName, Quoted, Text, Token

_NAME = re.compile(rb"(?:UID )?[A-Za-z][A-Za-z0-9\-]*")

ON_MAILBOX: Final = (
    "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETQUOTAROOT", "GETACL", "MYRIGHTS",
)  # fmt: skip
"""The commands whose one argument is a mailbox."""


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
    """One of ON_MAILBOX, SP, mailbox [SP "(" create-param … ")"]       ; RFC 4466 §2.2, RFC 6154 §3"""

    verb: str
    mailbox: str
    params: tuple[Token, ...] = ()

    def __post_init__(self) -> None:
        if self.verb not in ON_MAILBOX:
            raise UsageError("imap.not-allowed", kind=" / ".join(ON_MAILBOX), text=self.verb)

    @property
    def name(self) -> str:
        return self.verb

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (MailboxName(self.mailbox), *((self.params,) if self.params else ()))


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
        check_flags(self.flags or ())

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


__all__ = [
    "ON_MAILBOX",
    "STORE_ACTIONS",
    "Append",
    "Authenticate",
    "Command",
    "Copy",
    "Done",
    "Enable",
    "Fetch",
    "FetchItem",
    "Id",
    "Idle",
    "List",
    "Login",
    "OnMailbox",
    "Rename",
    "Request",
    "Response",
    "Search",
    "Select",
    "Sort",
    "Status",
    "Store",
    "Thread",
    "UidExpunge",
]
