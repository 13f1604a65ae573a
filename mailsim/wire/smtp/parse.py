"""A command line's bytes to a command, for the server role and for explanations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import ClassVar

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp.auth import Auth
from mailsim.wire.smtp.commands import (
    Command,
    Data,
    Ehlo,
    Etrn,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
    Xclient,
    Xforward,
    line,
)
from mailsim.wire.smtp.content import Bdat
from mailsim.wire.smtp.params import Parameter, parse_parameters, xtext_decode
from mailsim.wire.smtp.path import Path, split_path


class Problem(Enum):
    """What is wrong with a command that cannot be parsed; a server's policy picks the reply."""

    ENCODING = "bytes that are not UTF-8"
    ARGUMENT_MISSING = "an argument is missing"
    ARGUMENT_UNEXPECTED = "an argument where none is allowed"
    KEYWORD = "FROM: or TO: is missing or misplaced"
    PATH = "the path is not in the grammar"
    PARAMETER = "a parameter is not in the grammar"
    DOMAIN = "the domain is not in the grammar"
    ARGUMENT = "the argument is not in the grammar"


@dataclass(frozen=True, slots=True)
class Malformed:
    """A known verb with an argument that its grammar does not have."""

    name: str
    argument: str
    problem: Problem

    verb: ClassVar[str] = "MALFORMED"

    def units(self) -> tuple[bytes, ...]:
        """The line as it came."""
        return line(self.name, self.argument)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A verb that is none."""

    name: str
    argument: str = ""

    verb: ClassVar[str] = "UNKNOWN"

    def units(self) -> tuple[bytes, ...]:
        """The line as it came."""
        return line(self.name, self.argument)


class _BadArgument(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


_BDAT = re.compile(r"0*([0-9]{1,19})( +[Ll][Aa][Ss][Tt])?")
_SHORT = 128
_LONGEST_CHUNK = 2**63 - 1  # what a file may have (off_t)
_MECHANISM = re.compile(r"[A-Za-z0-9_-]{1,20}")
_BASE64 = re.compile(r"=|(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def parse_command(raw: bytes, quirks: frozenset[Quirk] = NONE) -> Command:
    """The command in one line, CRLF included or not; never an exception.

    command = verb [SP argument] CRLF, the verb in any case of letters
    (RFC 5321 §2.4).  A known verb with a wrong argument gives `Malformed`, a
    verb that is none `Unknown`.  Trailing spaces are ignored (RFC 5321 §4.1.1).
    """
    # Clients say the same again and again; what may hold a secret is not remembered.
    if len(raw) <= _SHORT and raw.lstrip()[:4].upper() != b"AUTH":
        return _parsed_before(raw, quirks)
    return _parse_command(raw, quirks)


def _parse_command(raw: bytes, quirks: frozenset[Quirk]) -> Command:
    body = raw.removesuffix(b"\n").removesuffix(b"\r")
    text = body.decode("utf-8", "surrogateescape").rstrip(" ")
    name, _, argument = text.partition(" ")
    parser = _PARSERS.get(name.upper())
    if parser is None:
        return Unknown(name, argument)
    try:
        if not argument.isascii() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise _BadArgument(Problem.ENCODING)
        return parser(argument, quirks)
    except _BadArgument as bad:
        return Malformed(name, argument, bad.problem)


_parsed_before = lru_cache(maxsize=512)(_parse_command)

_Parser = Callable[[str, frozenset[Quirk]], Command]


def _bare(kind: Callable[[], Command]) -> _Parser:
    def parse(argument: str, _: frozenset[Quirk]) -> Command:
        if argument:
            raise _BadArgument(Problem.ARGUMENT_UNEXPECTED)
        return kind()

    return parse


def _text(kind: Callable[[str], Command], *, required: bool) -> _Parser:
    def parse(argument: str, _: frozenset[Quirk]) -> Command:
        if required and not argument:
            raise _BadArgument(Problem.ARGUMENT_MISSING)
        return kind(argument)

    return parse


def _named(kind: Callable[[str], Command]) -> _Parser:
    def parse(argument: str, _: frozenset[Quirk]) -> Command:
        if not argument:
            raise _BadArgument(Problem.ARGUMENT_MISSING)
        try:
            return kind(argument)
        except UsageError:
            raise _BadArgument(Problem.DOMAIN) from None

    return parse


def _envelope(kind: Callable[..., Command], keyword: str) -> _Parser:
    def parse(argument: str, quirks: frozenset[Quirk]) -> Command:
        rest = _after_keyword(argument, keyword, quirks)
        path, tail = _path(rest, quirks)
        if tail and not tail.startswith(" "):
            raise _BadArgument(Problem.PATH)
        try:
            return kind(path, parse_parameters(tail))
        except UsageError:
            raise _BadArgument(Problem.PARAMETER) from None

    return parse


def _after_keyword(argument: str, keyword: str, quirks: frozenset[Quirk]) -> str:
    """ "FROM:" or "TO:", with no space before or after the colon (RFC 5321 §3.3)."""
    if not argument:
        raise _BadArgument(Problem.ARGUMENT_MISSING)
    word, colon, rest = argument.partition(":")
    if Quirk.SPACE_BEFORE_COLON in quirks:
        word = word.rstrip(" ")
    if not colon or word.upper() != keyword:
        raise _BadArgument(Problem.KEYWORD)
    return rest.lstrip(" ") if Quirk.SPACE_IN_PATH in quirks else rest


def _path(text: str, quirks: frozenset[Quirk]) -> tuple[Path, str]:
    if Quirk.NO_ANGLE_BRACKETS in quirks and not text.startswith("<"):
        word, space, tail = text.partition(" ")
        text = f"<{word}>{space}{tail}"
    found = split_path(text)
    if found is None:
        raise _BadArgument(Problem.PATH)
    route, address, tail = found
    if Quirk.SPACE_IN_PATH in quirks:
        address = address.strip(" ")
    try:
        return Path(address, route), tail
    except UsageError:
        raise _BadArgument(Problem.PATH) from None


def _forward(path: Path, parameters: tuple[Parameter, ...]) -> Command:
    """A forward-path is never null (RFC 5321 §4.1.1.3)."""
    if not path.address:
        raise _BadArgument(Problem.PATH)
    return Rcpt(path, parameters)


def _bdat(argument: str, _: frozenset[Quirk]) -> Command:
    found = _BDAT.fullmatch(argument)
    if not found or int(found[1]) > _LONGEST_CHUNK:
        raise _BadArgument(Problem.ARGUMENT)
    return Bdat(b"", bool(found[2]), int(found[1]))


def _auth(argument: str, _: frozenset[Quirk]) -> Command:
    """AUTH SP sasl-mech [SP initial-response]   ; RFC 4954"""
    mechanism, space, initial = argument.partition(" ")
    if not mechanism:
        raise _BadArgument(Problem.ARGUMENT_MISSING)
    if not _MECHANISM.fullmatch(mechanism) or (space and not _BASE64.fullmatch(initial)):
        raise _BadArgument(Problem.ARGUMENT)
    return Auth(mechanism.upper(), Secret(initial) if space else None)


def _attributes(kind: Callable[[tuple[tuple[str, str], ...]], Command]) -> _Parser:
    def parse(argument: str, _: frozenset[Quirk]) -> Command:
        pairs = [word.partition("=") for word in argument.split()]
        if not pairs:
            raise _BadArgument(Problem.ARGUMENT_MISSING)
        if not all(name and equals for name, equals, _value in pairs):
            raise _BadArgument(Problem.ARGUMENT)
        return kind(tuple((name.upper(), xtext_decode(value)) for name, _equals, value in pairs))

    return parse


_PARSERS: dict[str, _Parser] = {
    "HELO": _named(Helo),
    "EHLO": _named(Ehlo),
    "LHLO": _named(Lhlo),
    "MAIL": _envelope(Mail, "FROM"),
    "RCPT": _envelope(_forward, "TO"),
    "DATA": _bare(Data),
    "BDAT": _bdat,
    "RSET": _bare(Rset),
    "VRFY": _text(Vrfy, required=True),
    "EXPN": _text(Expn, required=True),
    "HELP": _text(Help, required=False),
    "NOOP": _text(Noop, required=False),
    "QUIT": _bare(Quit),
    "STARTTLS": _bare(StartTls),
    "AUTH": _auth,
    "ETRN": _text(Etrn, required=True),
    "XCLIENT": _attributes(Xclient),
    "XFORWARD": _attributes(Xforward),
}
VERBS = tuple(_PARSERS)
