"""What the answers to single commands say.

Each raises RemoteProtocolError for data that its grammar does not have, and
UsageError for a response that is not OK.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.managesieve.items import Atom, Item, encode
from mailsim.wire.managesieve.responses import Response


@dataclass(frozen=True, slots=True)
class Script:
    """A script's name, and whether it is the active one."""

    name: str
    active: bool = False


def capabilities(response: Response) -> dict[str, str | None]:
    """The capabilities of a greeting or of CAPABILITY: each name, in capitals, with its value.

    single-capability = capability-name [SP string] CRLF     ; RFC 5804 §4
    """
    found: dict[str, str | None] = {}
    for line in _data(response):
        if not 1 <= len(line) <= 2 or not all(isinstance(item, bytes) for item in line):
            raise _unreadable(line)
        name, *value = (
            item.decode("utf-8", "surrogateescape") for item in line if isinstance(item, bytes)
        )
        found[name.upper()] = value[0] if value else None
    return found


def scripts(response: Response) -> tuple[Script, ...]:
    """LISTSCRIPTS's answer.

    response-listscripts = *(sieve-name [SP "ACTIVE"] CRLF) response-oknobye   ; RFC 5804 §4
    """
    found = []
    for line in _data(response):
        name, *mark = line
        active = [isinstance(item, Atom) and item.upper() == "ACTIVE" for item in mark]
        if not isinstance(name, bytes) or active not in ([], [True]):
            raise _unreadable(line)
        found.append(Script(name.decode("utf-8", "surrogateescape"), bool(active)))
    return tuple(found)


def script(response: Response) -> bytes:
    """GETSCRIPT's answer: the script's octets.

    response-getscript = (sieve-script CRLF response-ok) / response-nobye      ; RFC 5804 §4
    """
    lines = _data(response)
    if len(lines) != 1 or len(lines[0]) != 1 or not isinstance(lines[0][0], bytes):
        raise _unreadable(lines[-1] if lines else ())
    return bytes(lines[0][0])


def _data(response: Response) -> tuple[tuple[Item, ...], ...]:
    if not response.ok:
        raise UsageError("managesieve.no-data", response=str(response))
    return response.data


def _unreadable(line: tuple[Item, ...]) -> RemoteProtocolError:
    shown = b"".join(encode(line, plus=False))[:80].rstrip().decode("utf-8", "backslashreplace")
    return RemoteProtocolError("managesieve.bad-data", line=shown)
