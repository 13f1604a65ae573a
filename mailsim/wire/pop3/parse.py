"""A command line's bytes to a command: for the server role, and for lines sent raw."""

from __future__ import annotations

import re
from collections.abc import Callable

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.pop3.auth import Auth
from mailsim.wire.pop3.commands import (
    Apop,
    Capa,
    Command,
    Dele,
    Lang,
    List,
    Malformed,
    Noop,
    Pass,
    Quit,
    Retr,
    Rset,
    Stat,
    Stls,
    Top,
    Uidl,
    Unknown,
    User,
    Utf8,
)

_NUMBER = re.compile(r"[0-9]{1,18}")


def parse_command(raw: bytes) -> Command:
    """The command that one line is, its line end still there or not.

        command = keyword *(SP param) CRLF      ; RFC 2449 §3
        keyword = 3*4VCHAR                      ; in any case of letters, RFC 1939 §3

    Never raises: what is no command is Unknown, a command with wrong arguments
    Malformed, and the server has to say -ERR (RFC 1939 §3).
    """
    text = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")
    name, space, argument = text.partition(" ")
    build = _COMMANDS.get(name.upper())
    if build is None:
        return Unknown(name, argument)
    try:
        return build(argument if space else None)
    except UsageError:
        return Malformed(name, argument)


def _wrong() -> UsageError:
    return UsageError("pop3.bad-argument", what="", text="")


def _bare(make: Callable[[], Command]) -> Callable[[str | None], Command]:
    def build(argument: str | None) -> Command:
        if argument is not None:
            raise _wrong()
        return make()

    return build


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _wrong()
    return int(text)


def _numbered(make: Callable[[int], Command]) -> Callable[[str | None], Command]:
    return lambda argument: make(_number(argument or ""))


def _selection(make: Callable[[int | None], Command]) -> Callable[[str | None], Command]:
    return lambda argument: make(None if argument is None else _number(argument))


def _pass(argument: str | None) -> Command:
    return Pass(Secret((argument or "").encode("utf-8", "surrogateescape")))


def _apop(argument: str | None) -> Command:
    name, _, digest = (argument or "").partition(" ")
    return Apop(name, digest)


def _top(argument: str | None) -> Command:
    message, _, lines = (argument or "").partition(" ")
    return Top(_number(message), _number(lines))


def _auth(argument: str | None) -> Command:
    if argument is None:
        return Auth()
    mechanism, space, initial = argument.partition(" ")
    token = Secret(initial.encode("utf-8", "surrogateescape")) if space else None
    # Mechanisms are registered in capitals; RFC 5034 takes them in any case of letters.
    return Auth(mechanism.upper(), token)


_COMMANDS: dict[str, Callable[[str | None], Command]] = {
    **{kind.verb: _bare(kind) for kind in (Capa, Noop, Quit, Rset, Stat, Stls, Utf8)},
    **{kind.verb: _numbered(kind) for kind in (Dele, Retr)},
    **{kind.verb: _selection(kind) for kind in (List, Uidl)},
    "USER": lambda argument: User(argument or ""),
    "PASS": _pass,
    "APOP": _apop,
    "TOP": _top,
    "LANG": Lang,
    "AUTH": _auth,
}

VERBS = tuple(_COMMANDS)
