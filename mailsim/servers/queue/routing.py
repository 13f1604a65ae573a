"""Where mail for a domain goes: RFC 5321 §5.1, as Postfix's smtp_addr.c does it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsim.servers.world import World

_UNFOUND = "Host or domain name not found. Name service error for name={name} type={type}: {why}"


class RoutingError(Exception):
    """The domain leads nowhere: `dsn` and `reason` as the log has them; soft if it may pass."""

    def __init__(self, dsn: str, reason: str) -> None:
        super().__init__(reason)
        self.dsn = dsn
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Host:
    """One address to try."""

    name: str
    address: str
    preference: int = 0

    def __str__(self) -> str:
        return f"{self.name}[{self.address}]"


def hosts(world: World, domain: str) -> list[Host]:
    """The hosts that take mail for `domain`, the most preferred first.  Raises RoutingError."""
    if domain.startswith("["):  # an address literal, or a host without MX (RFC 5321 §4.1.3)
        return _literal(world, domain[1:-1])
    found = _lookup(world, domain, "MX")
    if not found:
        return _addresses(world, domain, 0)  # the implicit MX
    exchangers = sorted(_exchanger(record) for record in found)
    if exchangers == [(0, "")]:  # RFC 7505 §3
        raise RoutingError("5.1.0", f"Domain {domain} does not accept mail (nullMX)")
    return _before_myself(world, domain, exchangers)


def _literal(world: World, inner: str) -> list[Host]:
    try:
        return [Host(inner, str(ipaddress.ip_address(inner)))]
    except ValueError:
        return _addresses(world, inner, 0)


def _exchanger(record: str) -> tuple[int, str]:
    preference, _, name = record.partition(" ")
    return int(preference), name.strip().rstrip(".")


def _before_myself(world: World, domain: str, exchangers: list[tuple[int, str]]) -> list[Host]:
    """The hosts that are more preferred than we are (RFC 5321 §5.1)."""
    found: list[Host] = []
    failure = RoutingError("4.4.4", f"unable to find primary relay for {domain}")
    for preference, name in exchangers:
        try:
            found += _addresses(world, name, preference)
        except RoutingError as error:
            failure = error
    if not found:
        raise failure
    own = (world.network.server.address, "127.0.0.1")
    mine = [one.preference for one in found if one.address in own]
    before = [one for one in found if not mine or one.preference < min(mine)]
    if not before:
        if found[0].preference != exchangers[0][0]:
            raise RoutingError("4.4.4", f"unable to find primary relay for {domain}")
        raise RoutingError("5.4.6", f"mail for {domain} loops back to myself")
    return before


def _addresses(world: World, name: str, preference: int) -> list[Host]:
    records = _lookup(world, name, "A")
    if not records:
        raise RoutingError("5.4.4", _UNFOUND.format(name=name, type="A", why="Host not found"))
    return [Host(name, record, preference) for record in records]


def _lookup(world: World, name: str, rdtype: str) -> tuple[str, ...]:
    """The records; none where the name or the type does not exist."""
    answer = None if world.config.loopback_dropped else world.names.lookup(name, rdtype)
    if answer is None or answer.rcode == "SERVFAIL":
        why = "Host not found, try again"
        raise RoutingError("4.4.3", _UNFOUND.format(name=name, type=rdtype, why=why))
    return tuple(answer.records) if answer.rcode == "NOERROR" else ()
