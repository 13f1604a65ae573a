"""The commands of SMTP, LMTP and their extensions, as values.

Each says its `verb` and gives its `units()`; `mailsim.wire.smtp.parse` makes it from a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Protocol

from mailsim.errors import UsageError
from mailsim.wire.smtp.params import Parameter, xtext_encode
from mailsim.wire.smtp.path import DOMAIN, Path

_LINE_BREAK = re.compile(r"[\r\n\0]")


class Command(Protocol):
    """What a client can say."""

    verb: ClassVar[str]

    def units(self) -> tuple[bytes, ...]:
        """The bytes as they travel: a line, or a line and a block."""


def line(verb: str, argument: str = "") -> tuple[bytes, ...]:
    """One command line as it travels.  Raises UsageError where it would become two."""
    text = f"{verb} {argument}" if argument else verb
    if _LINE_BREAK.search(text):
        raise UsageError("smtp.line-break", text=text)
    return (f"{text}\r\n".encode("utf-8", "surrogateescape"),)


@dataclass(frozen=True, slots=True)
class _Greeting:
    """A client's name: a domain, or an address literal in brackets (RFC 5321 §4.1.1.1)."""

    domain: str

    verb: ClassVar[str]

    def __post_init__(self) -> None:
        if not DOMAIN.fullmatch(self.domain):
            raise UsageError("smtp.bad-domain", domain=self.domain)

    def units(self) -> tuple[bytes, ...]:
        return line(self.verb, self.domain)


class Helo(_Greeting):
    """helo = "HELO" SP Domain CRLF   ; RFC 5321 §4.1.1.1"""

    __slots__ = ()
    verb = "HELO"


class Ehlo(_Greeting):
    """ehlo = "EHLO" SP ( Domain / address-literal ) CRLF   ; RFC 5321 §4.1.1.1"""

    __slots__ = ()
    verb = "EHLO"


class Lhlo(_Greeting):
    """LHLO: EHLO's counterpart in LMTP (RFC 2033 §4.1)."""

    __slots__ = ()
    verb = "LHLO"


@dataclass(frozen=True, slots=True)
class Mail:
    """mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF   ; RFC 5321 §4.1.1.2"""

    path: Path
    parameters: tuple[Parameter, ...] = ()

    verb: ClassVar[str] = "MAIL"

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return line(" ".join([f"MAIL FROM:{self.path}", *map(str, self.parameters)]))


@dataclass(frozen=True, slots=True)
class Rcpt:
    """rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF   ; RFC 5321 §4.1.1.3"""

    path: Path
    parameters: tuple[Parameter, ...] = ()

    verb: ClassVar[str] = "RCPT"

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return line(" ".join([f"RCPT TO:{self.path}", *map(str, self.parameters)]))


@dataclass(frozen=True, slots=True)
class _Bare:
    """A command with no argument."""

    verb: ClassVar[str]

    def units(self) -> tuple[bytes, ...]:
        return line(self.verb)


class Data(_Bare):
    """data = "DATA" CRLF   ; RFC 5321 §4.1.1.4"""

    __slots__ = ()
    verb = "DATA"


class Rset(_Bare):
    """rset = "RSET" CRLF   ; RFC 5321 §4.1.1.5"""

    __slots__ = ()
    verb = "RSET"


class Quit(_Bare):
    """quit = "QUIT" CRLF   ; RFC 5321 §4.1.1.10"""

    __slots__ = ()
    verb = "QUIT"


class StartTls(_Bare):
    """STARTTLS, with no parameters   ; RFC 3207 §4"""

    __slots__ = ()
    verb = "STARTTLS"


@dataclass(frozen=True, slots=True)
class _Text:
    """A command with a free argument."""

    text: str = ""

    verb: ClassVar[str]

    def units(self) -> tuple[bytes, ...]:
        return line(self.verb, self.text)


class Vrfy(_Text):
    """vrfy = "VRFY" SP String CRLF   ; RFC 5321 §4.1.1.6"""

    __slots__ = ()
    verb = "VRFY"


class Expn(_Text):
    """expn = "EXPN" SP String CRLF   ; RFC 5321 §4.1.1.7"""

    __slots__ = ()
    verb = "EXPN"


class Help(_Text):
    """help = "HELP" [ SP String ] CRLF   ; RFC 5321 §4.1.1.8"""

    __slots__ = ()
    verb = "HELP"


class Noop(_Text):
    """noop = "NOOP" [ SP String ] CRLF   ; RFC 5321 §4.1.1.9"""

    __slots__ = ()
    verb = "NOOP"


class Etrn(_Text):
    """etrn = "ETRN" SP [option-character] node-name CRLF   ; RFC 1985 §5.1"""

    __slots__ = ()
    verb = "ETRN"


@dataclass(frozen=True, slots=True)
class _Attributes:
    """NAME=value pairs in xtext, as Postfix's XCLIENT and XFORWARD carry them."""

    attributes: tuple[tuple[str, str], ...]

    verb: ClassVar[str]

    def units(self) -> tuple[bytes, ...]:
        pairs = [f"{name}={xtext_encode(value)}" for name, value in self.attributes]
        return line(self.verb, " ".join(pairs))


class Xclient(_Attributes):
    """XCLIENT: who the client is to be taken for (Postfix's XCLIENT_README)."""

    __slots__ = ()
    verb = "XCLIENT"


class Xforward(_Attributes):
    """XFORWARD: who the client was, for the log (Postfix's XFORWARD_README)."""

    __slots__ = ()
    verb = "XFORWARD"
