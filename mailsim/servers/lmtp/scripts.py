"""Which Sieve scripts see a user's mail, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsim.servers.dovecot.sieve import compiled

if TYPE_CHECKING:
    from mailsim.protocol.sieve import Refused
    from mailsim.protocol.sieve import Script as Compiled
    from mailsim.servers.world import World

DEFAULT = "/etc/dovecot/global_script/dovecot.sieve"
BEFORE = "/etc/dovecot/sieve/before.sieve"
AFTER = "/etc/dovecot/sieve/after.sieve"


@dataclass(frozen=True, slots=True)
class Placed:
    """A script where Dovecot finds it: `personal` ones are their user's own business, and what is
    wrong in them is told in the user's own log."""

    location: str
    compiled: Compiled | Refused
    personal: bool = False


def scripts_of(world: World, user: str) -> list[Placed]:
    """What the user's mail goes through: sieve_before, then the user's active script or
    sieve_default, then sieve_after (SIE4)."""
    config = world.config
    own = _personal(world, user) or _global(world, DEFAULT, config.sieve_default)
    found = (
        _global(world, BEFORE, config.sieve_before),
        own,
        _global(world, AFTER, config.sieve_after),
    )
    return [one for one in found if one]


def _personal(world: World, user: str) -> Placed | None:
    active = world.store.active_script(user)
    if active is None:
        return None
    name, text = active
    return Placed(f"/home/{user}/.dovecot.sieve", compiled(world, user, name, text), personal=True)


def _global(world: World, location: str, text: str) -> Placed | None:
    if not text:
        return None
    name = location.rpartition("/")[2].removesuffix(".sieve")
    return Placed(location, compiled(world, "", name, text.encode()))
