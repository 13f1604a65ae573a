"""The commands of ManageSieve, as values.

Each says its `verb`, the `form` of the answer, and gives its `units()`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Protocol

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.managesieve.items import Item, Literal, atom, encode

# Control characters, LINE SEPARATOR, PARAGRAPH SEPARATOR: prohibited by RFC 5804 §1.6.
# Surrogates have no octets, but for those that stand for octets that are not UTF-8.
_PROHIBITED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udc7f\udd00-\udfff]")
_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")


class Form(Enum):
    """What may come before the line with OK, NO or BYE."""

    PLAIN = "plain"
    """Nothing."""
    DATA = "data"
    """Lines of strings: capabilities, script names, a script."""
    SASL = "sasl"
    """Strings, each a challenge that waits for its answer."""


class Command(Protocol):
    """What a client can say."""

    verb: ClassVar[str]
    form: ClassVar[Form]

    def units(self) -> tuple[bytes, ...]:
        """The bytes as they travel: lines, and literals as blocks."""


def _line(verb: str, *arguments: Item) -> tuple[bytes, ...]:
    return encode((atom(verb), *arguments), plus=True)


def _name(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def check_name(name: str) -> None:
    """sieve-name = string   ; not empty, no prohibited characters, RFC 5804 §1.6

    Raises UsageError.
    """
    if not name or _PROHIBITED.search(name):
        raise UsageError("managesieve.bad-name", name=name)


@dataclass(frozen=True, slots=True)
class _Bare:
    """A command with no argument."""

    verb: ClassVar[str]
    form: ClassVar[Form] = Form.PLAIN

    def units(self) -> tuple[bytes, ...]:
        return _line(self.verb)


class StartTls(_Bare):
    """`STARTTLS` (RFC 5804 §2.2)."""

    __slots__ = ()
    verb = "STARTTLS"


class Logout(_Bare):
    """`LOGOUT` (RFC 5804 §2.3)."""

    __slots__ = ()
    verb = "LOGOUT"


class Capability(_Bare):
    """`CAPABILITY` (RFC 5804 §2.4)."""

    __slots__ = ()
    verb = "CAPABILITY"
    form = Form.DATA


class ListScripts(_Bare):
    """`LISTSCRIPTS` (RFC 5804 §2.7)."""

    __slots__ = ()
    verb = "LISTSCRIPTS"
    form = Form.DATA


class Unauthenticate(_Bare):
    """`UNAUTHENTICATE` (RFC 5804 §2.14.1)."""

    __slots__ = ()
    verb = "UNAUTHENTICATE"


@dataclass(frozen=True, slots=True)
class Auth:
    """`AUTHENTICATE "mechanism" ["initial-response"]` (RFC 5804 §2.1).

    `initial` is the base64 text as it travels, empty for an empty response, or
    None when the server is to ask first.
    """

    mechanism: str
    initial: Secret | None = None

    verb: ClassVar[str] = "AUTHENTICATE"
    form: ClassVar[Form] = Form.SASL

    def __post_init__(self) -> None:
        if not _MECHANISM.fullmatch(self.mechanism):
            raise UsageError("managesieve.bad-mechanism", text=self.mechanism)

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels; a long response as a literal."""
        more = () if self.initial is None else (self.initial.reveal(),)
        return _line(self.verb, self.mechanism.encode(), *more)


@dataclass(frozen=True, slots=True)
class SaslAnswer:
    """A string between AUTHENTICATE and its answer: base64, or "*" to give up (RFC 5804 §2.1)."""

    token: Secret

    verb: ClassVar[str] = "RESPONSE"
    form: ClassVar[Form] = Form.SASL

    def units(self) -> tuple[bytes, ...]:
        """The string as it travels."""
        return encode((self.token.reveal(),), plus=True)


@dataclass(frozen=True, slots=True)
class HaveSpace:
    """`HAVESPACE "name" size`: would a script of so many octets fit? (RFC 5804 §2.5)"""

    name: str
    size: int

    verb: ClassVar[str] = "HAVESPACE"
    form: ClassVar[Form] = Form.PLAIN

    def __post_init__(self) -> None:
        check_name(self.name)
        if not 0 <= self.size < 2**32:
            raise UsageError("managesieve.bad-size", size=self.size)

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return _line(self.verb, _name(self.name), self.size)


@dataclass(frozen=True, slots=True)
class PutScript:
    """`PUTSCRIPT "name" {n+} script`: store a script (RFC 5804 §2.6)."""

    name: str
    script: bytes

    verb: ClassVar[str] = "PUTSCRIPT"
    form: ClassVar[Form] = Form.PLAIN

    def __post_init__(self) -> None:
        check_name(self.name)

    def units(self) -> tuple[bytes, ...]:
        """The line, and the script as a literal."""
        return _line(self.verb, _name(self.name), Literal(self.script))


@dataclass(frozen=True, slots=True)
class CheckScript:
    """`CHECKSCRIPT {n+} script`: check a script, without storing it (RFC 5804 §2.12)."""

    script: bytes

    verb: ClassVar[str] = "CHECKSCRIPT"
    form: ClassVar[Form] = Form.PLAIN

    def units(self) -> tuple[bytes, ...]:
        """The line, and the script as a literal."""
        return _line(self.verb, Literal(self.script))


@dataclass(frozen=True, slots=True)
class _Named:
    """A command on one script."""

    name: str

    verb: ClassVar[str]
    form: ClassVar[Form] = Form.PLAIN

    def __post_init__(self) -> None:
        check_name(self.name)

    def units(self) -> tuple[bytes, ...]:
        return _line(self.verb, _name(self.name))


class GetScript(_Named):
    """`GETSCRIPT "name"` (RFC 5804 §2.9)."""

    __slots__ = ()
    verb = "GETSCRIPT"
    form = Form.DATA


class DeleteScript(_Named):
    """`DELETESCRIPT "name"` (RFC 5804 §2.10)."""

    __slots__ = ()
    verb = "DELETESCRIPT"


class SetActive(_Named):
    """`SETACTIVE "name"`; the empty name makes no script active (RFC 5804 §2.8)."""

    __slots__ = ()
    verb = "SETACTIVE"

    def __post_init__(self) -> None:
        if self.name:
            check_name(self.name)


@dataclass(frozen=True, slots=True)
class RenameScript:
    """`RENAMESCRIPT "old" "new"` (RFC 5804 §2.11)."""

    old: str
    new: str

    verb: ClassVar[str] = "RENAMESCRIPT"
    form: ClassVar[Form] = Form.PLAIN

    def __post_init__(self) -> None:
        check_name(self.old)
        check_name(self.new)

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return _line(self.verb, _name(self.old), _name(self.new))


@dataclass(frozen=True, slots=True)
class Noop:
    """`NOOP ["tag"]`; the answer repeats the tag (RFC 5804 §2.13)."""

    tag: str | None = None

    verb: ClassVar[str] = "NOOP"
    form: ClassVar[Form] = Form.PLAIN

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return _line(self.verb, *(() if self.tag is None else (_name(self.tag),)))


@dataclass(frozen=True, slots=True)
class Malformed:
    """A known verb with arguments that its grammar does not have; or no command at all.

    `name` is the verb as it came, "" where there is none; `parts` the line's texts
    and literals, which may hold a secret.
    """

    name: str
    parts: tuple[bytes, ...] = field(default=(), repr=False)

    verb: ClassVar[str] = "MALFORMED"
    form: ClassVar[Form] = Form.PLAIN

    def units(self) -> tuple[bytes, ...]:
        """The line as it came."""
        return as_came(self.parts)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A verb that is none; what it does, and so what comes back, is not known."""

    name: str
    parts: tuple[bytes, ...] = field(default=(), repr=False)

    verb: ClassVar[str] = "UNKNOWN"
    form: ClassVar[Form] = Form.DATA

    def units(self) -> tuple[bytes, ...]:
        """The line as it came."""
        return as_came(self.parts)


def as_came(parts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The units of a client's line, from its texts and literals."""
    units: list[bytes] = []
    for index, part in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else None
        if isinstance(part, Literal):
            units += [part] if part else []
        elif isinstance(following, Literal):
            units.append(part + b"{%d+}\r\n" % len(following))
        else:
            units.append(part + b"\r\n")
    return tuple(units)
