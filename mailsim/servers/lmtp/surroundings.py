"""What a running script may ask of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.lmtp.letter import Letter

if TYPE_CHECKING:
    from mailsim.servers.world import World


class Surroundings:
    """mailsim.protocol.sieve's Environment, for one user's message."""

    def __init__(self, world: World, given: Letter) -> None:
        self._world = world
        self._user = given.user
        config = world.config
        # What Pigeonhole tells of itself at delivery (RFC 5183 §4.1).
        self._items = {
            "domain": config.mydomain,
            "host": config.myhostname,
            "location": "MDA",
            "phase": "during",
            "name": "Pigeonhole Sieve",
        }

    def now(self) -> float:
        """The lab's time."""
        return self._world.clock.now()

    def zone(self) -> int:
        """The server runs on UTC."""
        return 0

    def new_message_id(self) -> str:
        """As Pigeonhole makes it."""
        world = self._world
        seconds = int(world.clock.now())
        fraction = int.from_bytes(world.ids.bytes("message-id", 4), "big") % 1_000_000
        return f"<dovecot-sieve-{seconds}-{fraction}-0@{world.config.myhostname}>"

    def mailbox_exists(self, name: str) -> bool:
        """Whether the user has this mailbox."""
        return any(one.name == name for one in self._world.store.list(self._user))

    def seen(self, key: str) -> bool:
        """Whether the key was marked not too long ago."""
        return self._world.store.marked(self._user, key, self._world.clock.now())

    def item(self, name: str) -> str | None:
        """An item of RFC 5183."""
        return self._items.get(name)
