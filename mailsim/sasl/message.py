"""What a SASL message is made of: parts, and what an eavesdropper learns from it.

    Message
    ├── Response    what a client sends
    ├── Challenge   what a server sends
    ├── Step        either, with its side and mechanism, as `exchange` returns them
    └── Decoded     a captured one (`mailsim.sasl.decode`)

No rendering shows a secret part unless `reveal=True` asks for it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Self

from mailsim.language import word
from mailsim.secret import MASK


class Side(StrEnum):
    """Who speaks."""

    CLIENT = "C"
    SERVER = "S"


class Kind(Enum):
    """How a part's bytes are to be read, and so shown."""

    TEXT = "text"
    NUMBER = "number"
    NONCE = "nonce"
    HASH = "hash"
    BYTES = "bytes"
    SEPARATOR = "separator"


_AS_TEXT = (Kind.TEXT, Kind.NUMBER, Kind.NONCE)


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """One value inside a message, or one computed on the way to it.

    `name` is the specification's word ("authcid", "ClientProof"); `sent` is
    False for what stays at home, such as SaltedPassword; `note_id` is the
    message that explains it.
    """

    name: str
    value: bytes
    kind: Kind = Kind.TEXT
    secret: bool = False
    note_id: str = ""
    sent: bool = True

    def shown(self, *, reveal: bool = False) -> str:
        """The value as text or in hexadecimal; a mask for a secret, unless `reveal`."""
        if self.secret and not reveal:
            return MASK
        return printable(self.value) if self.kind in _AS_TEXT else self.value.hex()

    def note(self, lang: str | None = None) -> str:
        """A sentence on what this part is."""
        return word(self.note_id, lang)

    def __repr__(self) -> str:
        return f"Part({self.name}={self.shown()!r})"


def part(
    name: str,
    value: bytes | str,
    kind: Kind = Kind.TEXT,
    *,
    secret: bool = False,
    sent: bool = True,
) -> Part:
    """A Part whose note is the message `sasl.part.NAME`."""
    raw = value.encode() if isinstance(value, str) else value
    return Part(name, raw, kind, secret, f"sasl.part.{name}", sent)


def computed(name: str, value: bytes, *, secret: bool = False, kind: Kind = Kind.HASH) -> Part:
    """A Part that is worked out and never sent."""
    return part(name, value, kind, secret=secret, sent=False)


def printable(raw: bytes) -> str:
    """`raw` as UTF-8 text on one line: what does not print is escaped."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """The bytes that travel (before base64), and how they read.

    `what` is the id of the message's name ("sasl.message.scram-client-first"),
    `leak` the id of the sentence on what an eavesdropper learns.
    """

    data: bytes
    parts: tuple[Part, ...] = ()
    what: str = "sasl.message.empty"
    leak: str = "sasl.leak.nothing"

    @classmethod
    def of(cls, message: Message, *more: Part) -> Self:
        """`message` as this class, with the computed parts `more` after its own."""
        return cls(message.data, message.parts + more, message.what, message.leak)

    @property
    def secret(self) -> bool:
        """Whether a secret part travels in it."""
        return any(one.secret and one.sent for one in self.parts)

    @property
    def token_base64(self) -> str:
        """The token as it travels, secrets included; "" for an empty message."""
        return base64.b64encode(self.data).decode("ascii")

    def token(self, *, reveal: bool = False) -> str:
        """The base64 token; a mask when a secret part is in it, unless `reveal`."""
        return MASK if self.secret and not reveal else self.token_base64

    def shown(self, *, reveal: bool = False) -> str:
        """The decoded message on one line; a mask like `token`'s."""
        return MASK if self.secret and not reveal else printable(self.data)

    def name(self, lang: str | None = None) -> str:
        """What this message is, in words."""
        return word(self.what, lang)

    def learnt(self, lang: str | None = None) -> str:
        """What an eavesdropper learns from it, in words."""
        return word(self.leak, lang)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.what.rpartition('.')[2]}, {self.parts!r})"


class Response(Message):
    """What the client sends."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class Challenge(Message):
    """What the server sends.

    `final`: the server has already accepted the client, and this is the
    additional data with success (RFC 5802 §5).  A protocol whose success reply
    can carry data (ManageSieve) sends it there and calls `challenge(b"")` at
    once; the others send it as a challenge and wait for the empty response.
    """

    final: bool = False


@dataclass(frozen=True, slots=True)
class Success:
    """The client is who it says: `user` logs in, `authzid` is who it acts as."""

    user: str
    authzid: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """The client is refused.  `reason` is a message id ("sasl.failure.password").

    It is for the log: the reply on the wire must not tell an unknown user from
    a wrong password.
    """

    reason: str
    user: str = ""
    parts: tuple[Part, ...] = ()

    def worded(self, lang: str | None = None) -> str:
        """The reason in words."""
        return word(self.reason, lang)


@dataclass(frozen=True, slots=True, repr=False)
class Step(Message):
    """One message of an exchange, and who sent it."""

    side: Side = Side.CLIENT
    mechanism: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Decoded(Message):
    """A captured message: the mechanism it belongs to ("" unknown) and its side.

    `candidates` lists every mechanism that it may belong to, the likeliest first;
    more than one when the bytes alone do not tell.
    """

    mechanism: str = ""
    side: Side | None = None
    candidates: tuple[str, ...] = field(default=())
