"""What stands in a transcript's `# key: value` lines, and the endpoint that they describe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final, TypeVar

from mailsim.errors import UsageError
from mailsim.model import Endpoint, Protocol, Security
from mailsim.model.service import usual_port

Metadata = Mapping[str, tuple[str, ...]]
"""The values of each key, in the order in which they stand."""

UNKNOWN_SERVER: Final = "server.example"
ENDPOINT_KEYS: Final = ("endpoint", "protocol", "server", "security")

# By their first words, a server's and a client's; the first that matches is taken.
_SPEECH: Final = (
    (
        Protocol.SMTP,
        re.compile(rb"[2-5]\d\d(?:[- ]|\r?\n)|(?:EHLO|HELO|MAIL FROM)\b", re.IGNORECASE),
    ),
    (Protocol.LMTP, re.compile(rb"LHLO\b", re.IGNORECASE)),
    (Protocol.POP3, re.compile(rb"[+]OK|-ERR|(?:USER|PASS|APOP|CAPA|STLS)\b", re.IGNORECASE)),
    (
        Protocol.IMAP,
        re.compile(rb"[*] |[a-z]*\d+ +(?:OK|NO|BAD|[a-z]+)\b|[a-z]+ LOGIN\b", re.IGNORECASE),
    ),
    (
        Protocol.MANAGESIEVE,
        re.compile(rb'"|(?:OK|NO|BYE|(?:GET|PUT|CHECK|LIST)SCRIPTS?|HAVESPACE)\b', re.IGNORECASE),
    ),
)
E = TypeVar("E", bound=Enum)


def guess_protocol(rows: Iterable[bytes]) -> Protocol | None:
    """The protocol that the first rows speak, or None if none is recognised."""
    for row in rows:
        for protocol, speech in _SPEECH:
            if speech.match(row):
                return protocol
    return None


def member(kind: type[E], value: str, fail: Callable[[str], UsageError]) -> E:
    """The member of `kind` with that value; `fail` makes the error from the accepted values."""
    for one in kind:
        if one.value == value.lower():
            return one
    raise fail(", ".join(str(one.value) for one in kind))


def endpoint_metadata(endpoint: Endpoint) -> dict[str, tuple[str, ...]]:
    """An endpoint as metadata; where it is reached now is no part of a transcript."""
    found: dict[str, tuple[str, ...]] = {
        "endpoint": (endpoint.name,),
        "protocol": (endpoint.protocol.value,),
        "server": (f"{endpoint.server}:{endpoint.port}",),
    }
    if endpoint.security is not Security.NONE:
        found["security"] = (endpoint.security.value,)
    return found


def described_endpoint(metadata: Metadata, otherwise: Endpoint) -> Endpoint:
    """The endpoint that `metadata` describes; what it does not say is taken from `otherwise`.

    The values have been checked by `check_value`.
    """
    first = {key: values[0] for key, values in metadata.items() if values}
    if not first.keys() & set(ENDPOINT_KEYS):
        return otherwise
    protocol = Protocol(first["protocol"].lower()) if "protocol" in first else otherwise.protocol
    usual = otherwise.port if protocol is otherwise.protocol else usual_port(protocol)
    server, port = _server(first.get("server", ""), otherwise.server, usual)
    security = Security(first["security"].lower()) if "security" in first else otherwise.security
    name = first.get("endpoint") or (
        otherwise.name if protocol is otherwise.protocol else protocol.value
    )
    return Endpoint(name, protocol, server, port, security)


def check_value(key: str, value: str, fail: Callable[[str], UsageError]) -> None:
    """Raise `fail(accepted values)` if `value` is none that `key` can have."""
    if key == "protocol":
        member(Protocol, value, fail)
    elif key == "security":
        member(Security, value, fail)
    elif key == "server" and (not value or " " in value or _server(value, "", 0)[1] > 65_535):
        raise fail("HOST, HOST:PORT")


def _server(text: str, server: str, port: int) -> tuple[str, int]:
    host, _, number = text.rpartition(":")
    if host and number.isascii() and number.isdigit():
        return host, int(number)
    return text or server, port
