"""Whose an address is: local domains, users, aliases, canonical addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsim.servers.config import Config
    from mailsim.servers.world import World

# How deep aliases may lead to aliases: more than any sane file needs.
_DEPTH = 100


class AliasLoopError(Exception):
    """An alias leads to itself."""


def split_address(address: str) -> tuple[str, str]:
    """Local part and domain; "" where there is none."""
    local, at, domain = address.rpartition("@")
    return (local, domain) if at else (address, "")


def qualified(address: str, config: Config) -> str:
    """The address with a domain: $myorigin, which Debian reads from /etc/mailname (MTA2)."""
    return address if not address or "@" in address else f"{address}@{config.mydomain}"


def canonical(address: str, config: Config) -> str:
    """What canonical_maps make of an address."""
    for before, after in config.canonical_maps:
        if before == address.lower():
            return after
    return address


class Addresses:
    """The world's addresses as its settings have them now."""

    def __init__(self, world: World) -> None:
        self._world = world
        network = world.network
        self._users = frozenset(network.users())
        self._aliases = {name.lower(): text for name, text in network.aliases.items()}
        self._own = (network.server.address, "127.0.0.1")

    def local(self, domain: str) -> bool:
        """Whether mail for this domain ends here: mydestination, or one of our addresses."""
        name = domain.lower()
        if name.startswith("["):
            return name[1:-1] in self._own
        return not name or name in self._world.config.mydestination

    def user(self, local_part: str) -> str:
        """The user of that local part, with or without an extension; "" if there is none."""
        name = local_part.lower()
        base = name.partition(self._world.config.recipient_delimiter)[0]
        return name if name in self._users else base if base in self._users else ""

    def known(self, address: str) -> bool:
        """Whether `address` at a local domain is a user or an alias."""
        local, _ = split_address(address)
        return bool(self.user(local) or self._alias(local))

    def expand(self, address: str) -> list[str]:
        """Where mail for a local address goes: users' addresses here, and addresses elsewhere.

        Empty for an unknown user.  Raises AliasLoopError.
        """
        found: dict[str, None] = {}
        self._expand(address, found, _DEPTH)
        return list(found)

    def _expand(self, address: str, found: dict[str, None], depth: int) -> None:
        if depth == 0:
            raise AliasLoopError(address)
        local, domain = split_address(address)
        alias = self._alias(local) if self.local(domain) else ""
        if alias:
            for target in alias.split(","):
                inner = qualified(target.strip(), self._world.config)
                self._expand(inner, found, depth - 1)
        elif not self.local(domain) or self.user(local):
            found[address] = None

    def _alias(self, local_part: str) -> str:
        name = local_part.lower()
        base = name.partition(self._world.config.recipient_delimiter)[0]
        return self._aliases.get(name) or self._aliases.get(base, "")
