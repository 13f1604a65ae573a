"""Who waits until the queue, or one message and what came of it, is at rest."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

# How many messages' children are remembered.
_KEPT = 10_000


class Rest:
    """Which messages are being delivered now, and which came from which."""

    def __init__(self) -> None:
        self.active: dict[str, None] = {}
        self._children: OrderedDict[str, list[str]] = OrderedDict()
        self._waiters: list[asyncio.Future[None]] = []

    def begin(self, queue_id: str) -> None:
        """A message is to be delivered."""
        self.active[queue_id] = None

    def child(self, parent: str, queue_id: str) -> None:
        """`queue_id` came of `parent`."""
        self._children.setdefault(parent, []).append(queue_id)
        while len(self._children) > _KEPT:
            self._children.popitem(last=False)

    def end(self, queue_id: str) -> None:
        """The attempt is over."""
        self.active.pop(queue_id, None)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def idle(self) -> None:
        """Until nothing is being delivered."""
        while self.active:
            await self._less()

    async def settled(self, queue_id: str) -> None:
        """Until neither this message nor what came of it is being delivered."""
        while any(one in self.active for one in self._family(queue_id)):
            await self._less()

    def _family(self, queue_id: str) -> list[str]:
        found = [queue_id]
        for one in found:
            found += [child for child in self._children.get(one, ()) if child not in found]
        return found

    async def _less(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter
