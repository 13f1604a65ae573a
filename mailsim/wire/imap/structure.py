"""What a message is made of: its envelope and the tree of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mailsim.wire.imap.tokens import Token


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the envelope.

        address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"

    Without a host it opens a group (`mailbox` is the group's name) or, without a
    mailbox too, closes it (RFC 3501 §7.4.2).
    """

    name: str | None
    route: str | None
    mailbox: str | None
    host: str | None

    @property
    def email(self) -> str | None:
        """`mailbox@host`, or None for a group's beginning or end."""
        return None if self.host is None else f"{self.mailbox or ''}@{self.host}"


@dataclass(frozen=True, slots=True)
class Group:
    """Addresses under one name; `name` is "" for those outside a group."""

    name: str
    members: tuple[Address, ...]


def groups(addresses: tuple[Address, ...]) -> tuple[Group, ...]:
    """The addresses by group, in order."""
    found: list[Group] = []
    name, members = "", list[Address]()
    for address in addresses:
        if address.host is not None:
            members.append(address)
            continue
        if members or name:
            found.append(Group(name, tuple(members)))
        name, members = address.mailbox or "", []
    if members or name:
        found.append(Group(name, tuple(members)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header fields that the server has parsed, as the header has them (encoded words and all)."""

    date: str | None
    subject: str | None
    sent_from: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    in_reply_to: str | None
    message_id: str | None


Params: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Disposition:
    """`attachment` or `inline`, with parameters such as the file's name (RFC 2183)."""

    kind: str
    params: Params = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """The extension data of BODYSTRUCTURE that follow the first, each None when absent or NIL.

    `given` says how many were sent (0 to 3), for NIL is not the same on the wire as
    nothing; `others` are extensions that no RFC has defined.
    """

    disposition: Disposition | None = None
    language: tuple[str, ...] | str | None = None
    location: str | None = None
    given: int = 0
    others: tuple[Token, ...] = ()


NO_EXTENSION = Extension()


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is not multipart.

    `size` in octets as transferred; `lines` for text and message/rfc822, which
    has `envelope` and `body` too.  `md5` with `extended` False was not sent.
    """

    type: str
    subtype: str
    params: Params
    id: str | None
    description: str | None
    encoding: str
    size: int
    lines: int | None = None
    envelope: Envelope | None = None
    body: Body | None = None
    extended: bool = False
    md5: str | None = None
    extension: Extension = NO_EXTENSION

    @property
    def media_type(self) -> str:
        """`text/plain`, in lower case."""
        return f"{self.type}/{self.subtype}".lower()


@dataclass(frozen=True, slots=True)
class Multipart:
    """Parts and how they belong together.  `params` is None where they were not sent (BODY)."""

    parts: tuple[Body, ...]
    subtype: str
    params: Params | None = None
    extension: Extension = NO_EXTENSION

    @property
    def media_type(self) -> str:
        """`multipart/mixed`, in lower case."""
        return f"multipart/{self.subtype}".lower()


Body: TypeAlias = "Part | Multipart"


def numbered(body: Body, prefix: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Part]]:
    """Each part that is not multipart with the numbers that FETCH BODY[…] takes for it (RFC 3501 §6.4.5)."""
    if isinstance(body, Multipart):
        for number, part in enumerate(body.parts, 1):
            inner = (*prefix, number)
            if isinstance(part, Multipart):
                yield from numbered(part, inner)
            else:
                yield from _numbered_part(part, inner)
    else:
        yield from _numbered_part(body, prefix or (1,))


def _numbered_part(part: Part, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Part]]:
    yield path, part
    if part.body is not None:
        inner = path if isinstance(part.body, Multipart) else (*path, 1)
        yield from numbered(part.body, inner)
