"""The commands of POP3 and its extensions, as values.

Each says its `verb`, the `form` of a positive answer, and gives its `units()`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

from mailsim.errors import UsageError
from mailsim.secret import Secret

# RFC 2449 §4: a command has at most 255 octets, CRLF included.
COMMAND_LINE = 255

# Surrogates have no octets, but for those that stand for octets that are not UTF-8.
_ARGUMENT = re.compile(r"[^\x00-\x20\x7f\ud800-\udc7f\udd00-\udfff]+")
_PASSWORD = re.compile(rb"[^\x00\r\n]+")
_DIGEST = re.compile(r"[0-9a-f]{32}")


class Form(Enum):
    """How a positive answer goes on behind its first line."""

    LINE = "line"
    """Not at all."""
    LISTING = "listing"
    """With a line for each entry, then a lone dot."""
    CONTENT = "content"
    """With a message, dot-stuffed, then a lone dot."""
    SASL = "sasl"
    """Not at all; but "+ " and a challenge may come instead."""


class Command(Protocol):
    """What a client can say."""

    verb: ClassVar[str]

    @property
    def form(self) -> Form:
        """The form of a positive answer."""

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels, CRLF included."""


def line(verb: str, *arguments: str) -> tuple[bytes, ...]:
    """command = keyword *(SP param) CRLF   ; 255 octets maximum, RFC 2449 §3

    Raises UsageError for a longer line.
    """
    raw = " ".join((verb, *arguments)).encode("utf-8", "surrogateescape") + b"\r\n"
    if len(raw) > COMMAND_LINE:
        raise UsageError("pop3.command-too-long", verb=verb, limit=COMMAND_LINE)
    return (raw,)


def _check_argument(text: str, what: str) -> None:
    """param = 1*VCHAR   ; RFC 2449 §3, and UTF-8 beyond ASCII, RFC 6856 §2.2"""
    if not _ARGUMENT.fullmatch(text):
        raise UsageError("pop3.bad-argument", what=what, text=text)


def _check_number(number: int, least: int) -> None:
    if not least <= number < 2**63:
        raise UsageError("pop3.bad-number", number=number, least=least)


@dataclass(frozen=True, slots=True)
class _Bare:
    """A command with no argument."""

    verb: ClassVar[str]

    @property
    def form(self) -> Form:
        return Form.LINE

    def units(self) -> tuple[bytes, ...]:
        return line(self.verb)


class Stat(_Bare):
    """`STAT`: how many messages, how many octets (RFC 1939 §5)."""

    __slots__ = ()
    verb = "STAT"


class Noop(_Bare):
    """`NOOP` (RFC 1939 §5)."""

    __slots__ = ()
    verb = "NOOP"


class Rset(_Bare):
    """`RSET`: unmark what is marked as deleted (RFC 1939 §5)."""

    __slots__ = ()
    verb = "RSET"


class Quit(_Bare):
    """`QUIT` (RFC 1939 §4 and §6)."""

    __slots__ = ()
    verb = "QUIT"


class Stls(_Bare):
    """`STLS`: start TLS (RFC 2595 §4)."""

    __slots__ = ()
    verb = "STLS"


class Utf8(_Bare):
    """`UTF8`: switch to UTF-8 mode (RFC 6856 §2.1)."""

    __slots__ = ()
    verb = "UTF8"


class Capa(_Bare):
    """`CAPA`: list the capabilities (RFC 2449 §5)."""

    __slots__ = ()
    verb = "CAPA"

    @property
    def form(self) -> Form:
        return Form.LISTING


@dataclass(frozen=True, slots=True)
class User:
    """`USER name` (RFC 1939 §7)."""

    name: str

    verb: ClassVar[str] = "USER"
    form: ClassVar[Form] = Form.LINE

    def __post_init__(self) -> None:
        _check_argument(self.name, "name")

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return line(self.verb, self.name)


@dataclass(frozen=True, slots=True)
class Pass:
    """`PASS string`; spaces belong to the password (RFC 1939 §7)."""

    password: Secret

    verb: ClassVar[str] = "PASS"
    form: ClassVar[Form] = Form.LINE

    def __post_init__(self) -> None:
        if not _PASSWORD.fullmatch(self.password.reveal()):
            raise UsageError("pop3.bad-password")

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return line(self.verb, self.password.reveal().decode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class Apop:
    """`APOP name digest`, the digest 32 hexadecimal digits in lower case (RFC 1939 §7)."""

    name: str
    digest: str

    verb: ClassVar[str] = "APOP"
    form: ClassVar[Form] = Form.LINE

    def __post_init__(self) -> None:
        _check_argument(self.name, "name")
        if not _DIGEST.fullmatch(self.digest):
            raise UsageError("pop3.bad-digest", text=self.digest)

    @classmethod
    def of(cls, name: str, password: Secret, timestamp: str) -> Apop:
        """The command for `password` and the greeting's `timestamp`, angle brackets included."""
        return cls(name, apop_digest(timestamp, password))

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return line(self.verb, self.name, self.digest)


def apop_digest(timestamp: str, password: Secret) -> str:
    """MD5 over the timestamp, angle brackets included, and the password (RFC 1939 §7)."""
    whole = timestamp.encode("utf-8", "surrogateescape") + password.reveal()
    return hashlib.md5(whole, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A command on one message, by its number from 1."""

    message: int

    verb: ClassVar[str]

    def __post_init__(self) -> None:
        _check_number(self.message, 1)

    @property
    def form(self) -> Form:
        return Form.LINE

    def units(self) -> tuple[bytes, ...]:
        return line(self.verb, str(self.message))


class Dele(_Numbered):
    """`DELE msg`: mark as deleted (RFC 1939 §5)."""

    __slots__ = ()
    verb = "DELE"


class Retr(_Numbered):
    """`RETR msg`: the whole message (RFC 1939 §5)."""

    __slots__ = ()
    verb = "RETR"

    @property
    def form(self) -> Form:
        return Form.CONTENT


@dataclass(frozen=True, slots=True)
class Top:
    """`TOP msg n`: the header and the first `lines` lines of the body (RFC 1939 §7)."""

    message: int
    lines: int

    verb: ClassVar[str] = "TOP"
    form: ClassVar[Form] = Form.CONTENT

    def __post_init__(self) -> None:
        _check_number(self.message, 1)
        _check_number(self.lines, 0)

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return line(self.verb, str(self.message), str(self.lines))


@dataclass(frozen=True, slots=True)
class _Selection:
    """A command on one message, or on all."""

    message: int | None = None

    verb: ClassVar[str]

    def __post_init__(self) -> None:
        if self.message is not None:
            _check_number(self.message, 1)

    @property
    def form(self) -> Form:
        return Form.LISTING if self.message is None else Form.LINE

    def units(self) -> tuple[bytes, ...]:
        return line(self.verb, *([] if self.message is None else [str(self.message)]))


class List(_Selection):
    """`LIST [msg]`: the messages' sizes (RFC 1939 §5)."""

    __slots__ = ()
    verb = "LIST"


class Uidl(_Selection):
    """`UIDL [msg]`: the messages' unique-ids (RFC 1939 §7)."""

    __slots__ = ()
    verb = "UIDL"


@dataclass(frozen=True, slots=True)
class Lang:
    """`LANG [range]`: choose the language of texts, "*" the server's; none lists them (RFC 6856 §3.2)."""

    tag: str | None = None

    verb: ClassVar[str] = "LANG"

    def __post_init__(self) -> None:
        if self.tag is not None:
            _check_argument(self.tag, "language")

    @property
    def form(self) -> Form:
        """A listing when no language is named."""
        return Form.LISTING if self.tag is None else Form.LINE

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return line(self.verb, *([] if self.tag is None else [self.tag]))


@dataclass(frozen=True, slots=True)
class Malformed:
    """A known verb with arguments that its grammar does not have."""

    name: str
    argument: str = ""

    verb: ClassVar[str] = "MALFORMED"
    form: ClassVar[Form] = Form.LINE

    def units(self) -> tuple[bytes, ...]:
        """The line as it came."""
        return _as_came(self.name, self.argument)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A verb that is none."""

    name: str
    argument: str = ""

    verb: ClassVar[str] = "UNKNOWN"
    form: ClassVar[Form] = Form.LINE

    def units(self) -> tuple[bytes, ...]:
        """The line as it came."""
        return _as_came(self.name, self.argument)


def _as_came(name: str, argument: str) -> tuple[bytes, ...]:
    text = f"{name} {argument}" if argument else name
    return (text.encode("utf-8", "surrogateescape") + b"\r\n",)
