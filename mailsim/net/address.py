"""From what a person types ("mail.minfo.sn:25") to an Endpoint."""

from __future__ import annotations

import ipaddress
import re

from mailsim.errors import LabError, UsageError
from mailsim.model import Endpoint, Protocol, Security
from mailsim.model.service import IMPLICIT_TLS, SERVICES, usual_port

_NOT_IN_A_NAME = re.compile(r"[\s/]")


def endpoint(
    where: str | Endpoint, protocol: Protocol, *, tls: bool | None = None, server_name: str = ""
) -> Endpoint:
    """The endpoint that `where` names: "host", "host:port", "[::1]:port".

    Without a port the protocol's own is taken.  `tls`: from the first byte; None
    goes by the port (465, 993, 995).  `server_name` is what transcripts show and
    TLS verifies, where it is not the host connected to.  Raises UsageError, and
    LabError for a lab's name when no lab is there.
    """
    if isinstance(where, Endpoint):
        return where
    if not isinstance(where, str):
        raise UsageError("net.bad-endpoint", where=where)
    host, port = _split(where)
    if not port and host in SERVICES:
        raise LabError("net.no-lab", name=host)
    number = port or usual_port(protocol, Security.IMPLICIT if tls else Security.NONE)
    secure = number in IMPLICIT_TLS if tls is None else tls
    return Endpoint(
        name=where,
        protocol=protocol,
        server=server_name or host,
        port=number,
        security=Security.IMPLICIT if secure else Security.NONE,
        address=host if server_name else "",
    )


def _split(where: str) -> tuple[str, int]:
    """host [":" port]; an IPv6 address with a port stands in brackets."""
    text = where.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError("net.bad-endpoint", where=where)
        return _host(host, where), _port(rest[1:], where)
    if text.count(":") > 1:
        return _host(text, where), 0
    host, _, port = text.partition(":")
    return _host(host, where), _port(port, where)


def _host(host: str, where: str) -> str:
    if ":" in host and not is_address(host):
        raise UsageError("net.bad-endpoint", where=where)
    if not host or _NOT_IN_A_NAME.search(host):
        raise UsageError("net.bad-endpoint", where=where)
    return host


def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address, with its zone perhaps ("fe80::1%eth0")."""
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _port(text: str, where: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise UsageError("net.bad-port", port=text, where=where)
    return int(text)
