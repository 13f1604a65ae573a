"""A client's line to a command: for the server role, and for lines sent raw."""

from __future__ import annotations

from collections.abc import Callable

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.secret import Secret
from mailsim.wire.managesieve.commands import (
    Auth,
    Capability,
    CheckScript,
    Command,
    DeleteScript,
    GetScript,
    HaveSpace,
    ListScripts,
    Logout,
    Malformed,
    Noop,
    PutScript,
    RenameScript,
    SaslAnswer,
    SetActive,
    StartTls,
    Unauthenticate,
    Unknown,
)
from mailsim.wire.managesieve.items import Atom, Item, parse_items


def parse_command(parts: tuple[bytes, ...]) -> Command:
    """The command that one line is, given as its texts and literals.

        command = atom *(SP (string / number)) CRLF    ; RFC 5804 §1.2, §4

    Never raises: what is no command is Unknown or Malformed.
    """
    try:
        items = parse_items(parts)
    except RemoteProtocolError:
        return Malformed(parts[0].split(b" ")[0][:80].decode("utf-8", "backslashreplace"), parts)
    if not items or not isinstance(items[0], Atom):
        return Malformed("", parts)
    build = _COMMANDS.get(items[0].upper())
    if build is None:
        return Unknown(str(items[0]), parts)
    try:
        return build(*items[1:])
    except (TypeError, UsageError):
        return Malformed(str(items[0]), parts)


def parse_answer(parts: tuple[bytes, ...]) -> SaslAnswer | Malformed:
    """The string that answers a challenge   ; command-authenticate, RFC 5804 §4"""
    try:
        (item,) = parse_items(parts)
    except (RemoteProtocolError, ValueError):
        return Malformed("", parts)
    return SaslAnswer(Secret(item)) if isinstance(item, bytes) else Malformed("", parts)


def _octets(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise UsageError("managesieve.bad-name", name="")
    return bytes(item)


def _text(item: Item) -> str:
    return _octets(item).decode("utf-8", "surrogateescape")


def _auth(mechanism: Item, initial: Item | None = None) -> Command:
    token = None if initial is None else Secret(_octets(initial))
    return Auth(_text(mechanism).upper(), token)


def _have_space(name: Item, size: Item) -> Command:
    if not isinstance(size, int):
        raise UsageError("managesieve.bad-size", size="")
    return HaveSpace(_text(name), size)


_COMMANDS: dict[str, Callable[..., Command]] = {
    "AUTHENTICATE": _auth,
    "STARTTLS": StartTls,
    "LOGOUT": Logout,
    "CAPABILITY": Capability,
    "HAVESPACE": _have_space,
    "PUTSCRIPT": lambda name, script: PutScript(_text(name), _octets(script)),
    "LISTSCRIPTS": ListScripts,
    "SETACTIVE": lambda name: SetActive(_text(name)),
    "GETSCRIPT": lambda name: GetScript(_text(name)),
    "DELETESCRIPT": lambda name: DeleteScript(_text(name)),
    "RENAMESCRIPT": lambda old, new: RenameScript(_text(old), _text(new)),
    "CHECKSCRIPT": lambda script: CheckScript(_octets(script)),
    "NOOP": lambda *tag: Noop(*map(_text, tag)),
    "UNAUTHENTICATE": Unauthenticate,
}

VERBS = tuple(_COMMANDS)
