"""What a server says, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from mailsim.errors import UsageError
from mailsim.wire.imap.codes import Code, outcome
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.section import Section
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.structure import Body, Envelope
from mailsim.wire.imap.tokens import Token
from mailsim.wire.outcome import Outcome

_CONDITIONS = ("OK", "NO", "BAD", "BYE", "PREAUTH")
_FORBIDDEN = re.compile("[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Status:
    """OK, NO, BAD, BYE or PREAUTH: the answer to the command with this `tag`, or, with None,
    the greeting or something the server says of its own.

    `text` is for people and may be empty.
    """

    condition: str
    text: str = ""
    code: Code | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        if self.condition not in _CONDITIONS:
            raise UsageError("imap.not-allowed", kind=" / ".join(_CONDITIONS), text=self.condition)
        _check_text(self.text)

    @property
    def outcome(self) -> Outcome:
        """What it comes to."""
        return outcome(self.condition, self.code)


@dataclass(frozen=True, slots=True)
class Continuation:
    """`+`: the server waits for more.  `text` is for people, or a challenge in base64."""

    text: str = ""
    code: Code | None = None

    def __post_init__(self) -> None:
        _check_text(self.text)

    @property
    def outcome(self) -> Outcome:
        """INTERMEDIATE."""
        return Outcome.INTERMEDIATE


@dataclass(frozen=True, slots=True)
class Capability:
    """What the server can do now; the case of each is as sent."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enabled:
    """The extensions that ENABLE has switched on (RFC 5161 §3.2)."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Id:
    """Which software the peer is (RFC 2971 §3.2); None for NIL."""

    params: tuple[tuple[str, str | None], ...] | None


@dataclass(frozen=True, slots=True)
class MailboxList:
    """A mailbox of LIST, or with `name` "LSUB" of LSUB.

    `delimiter` is None where there is no hierarchy; `extended` holds RFC 5258's data
    (CHILDINFO, OLDNAME …), None where no list of them was sent.
    """

    flags: tuple[str, ...]
    delimiter: str | None
    mailbox: str
    extended: tuple[tuple[str, Token], ...] | None = None
    name: str = "LIST"


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """STATUS: item names in upper case, with numbers, or with tokens for what is not a number."""

    mailbox: str
    items: tuple[tuple[str, int | Token], ...]

    def get(self, name: str) -> int | Token | None:
        """The value of item `name`, or None."""
        return next((value for key, value in self.items if key == name), None)


@dataclass(frozen=True, slots=True)
class Search:
    """The numbers that SEARCH found, or with `name` "SORT" those of SORT in order."""

    numbers: tuple[int, ...]
    modseq: int | None = None
    name: str = "SEARCH"


@dataclass(frozen=True, slots=True)
class Esearch:
    """The results of SEARCH with RETURN: MIN, MAX, COUNT as numbers, ALL as a set (RFC 4731 §3.1)."""

    tag: str | None = None
    uid: bool = False
    items: tuple[tuple[str, int | SequenceSet | Token], ...] = ()

    def get(self, name: str) -> int | SequenceSet | Token | None:
        """The value of item `name`, or None."""
        return next((value for key, value in self.items if key == name), None)


ThreadNode: TypeAlias = "int | tuple[ThreadNode, ...]"


@dataclass(frozen=True, slots=True)
class Thread:
    """THREAD: each thread a tuple of numbers, parent before child, ending in tuples for branches."""

    threads: tuple[tuple[ThreadNode, ...], ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags that the selected mailbox knows."""

    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """How many messages the selected mailbox holds."""

    number: int


@dataclass(frozen=True, slots=True)
class Recent:
    r"""How many messages have \Recent (IMAP4rev1)."""

    number: int


@dataclass(frozen=True, slots=True)
class Expunge:
    """Message `number` is gone, and those after it move up by one."""

    number: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """These UIDs are gone (RFC 7162 §3.2.10); `earlier` if before now."""

    uids: SequenceSet
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """A FETCH item of unknown form."""

    token: Token


ItemValue: TypeAlias = (
    "int | bytes | tuple[str, ...] | str | DateTime | Envelope | Body | Raw | None"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of FETCH; `name` in upper case; `value` by name:

    FLAGS                             tuple of str
    UID, RFC822.SIZE, MODSEQ          int
    INTERNALDATE                      DateTime
    ENVELOPE                          Envelope
    BODY, BODYSTRUCTURE               Part or Multipart
    BODY[…], RFC822…, BINARY[…]       bytes, or None for NIL; with `section`, `origin`
    BINARY.SIZE[…]                    int; with `section`
    anything else                     Raw
    """

    name: str
    value: ItemValue = field(repr=False)
    section: Section | None = None
    origin: int | None = None

    @property
    def label(self) -> str:
        """The item as it is written: "BODY[1.HEADER]<0>"."""
        origin = "" if self.origin is None else f"<{self.origin}>"
        return f"{self.name}{self.section or ''}{origin}"


@dataclass(frozen=True, slots=True)
class Fetch:
    """Data of message `number`."""

    number: int
    items: tuple[Item, ...]

    def get(self, label: str) -> ItemValue:
        """The value of the item written `label`, or None."""
        return next((item.value for item in self.items if item.label == label), None)


@dataclass(frozen=True, slots=True)
class NamespaceEntry:
    """A prefix, its hierarchy delimiter, extensions (RFC 2342 §5)."""

    prefix: str
    delimiter: str | None
    extensions: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where one's own, other users' and shared mailboxes are; () for NIL."""

    personal: tuple[NamespaceEntry, ...]
    others: tuple[NamespaceEntry, ...]
    shared: tuple[NamespaceEntry, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """STORAGE is counted in units of 1024 octets (RFC 9208 §5.1)."""

    name: str
    usage: int
    limit: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What a quota root uses and may use."""

    root: str
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class QuotaRoot:
    """The quota roots of a mailbox."""

    mailbox: str
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acl:
    """Who may do what (RFC 4314 §3.6): (identifier, rights) pairs."""

    mailbox: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ListRights:
    """What `identifier` has always, and what it may be given besides (RFC 4314 §3.7)."""

    mailbox: str
    identifier: str
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MyRights:
    """What the user may do (RFC 4314 §3.8)."""

    mailbox: str
    rights: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """Annotations of a mailbox, or of the server for "" (RFC 5464 §4.4).

    With `valued`, (entry, value) pairs; without, entries that have changed, each with None.
    """

    mailbox: str
    entries: tuple[tuple[str, bytes | None], ...]
    valued: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """Untagged data of a form that is not known: `tokens` are all words after `*`."""

    name: str
    tokens: tuple[Token, ...]
    raw: bytes = field(default=b"", repr=False, compare=False)


Response: TypeAlias = (
    "Status | Continuation | Capability | Enabled | Id | MailboxList | MailboxStatus | Search"
    " | Esearch | Thread | Flags | Exists | Recent | Expunge | Vanished | Fetch | Namespace"
    " | Quota | QuotaRoot | Acl | ListRights | MyRights | Metadata | Unknown"
)


def _check_text(text: str) -> None:
    if _FORBIDDEN.search(text):
        raise UsageError("imap.not-allowed", kind="text", text=text)
