"""Dovecot's anvil: who is connected how often, and whose POP3 mailbox is locked."""

from __future__ import annotations

import asyncio
from collections import Counter


class Anvil:
    """Counts of one lab; what is counted here ends with its connection."""

    def __init__(self) -> None:
        self._connections: Counter[tuple[str, str, str]] = Counter()
        self._locks: dict[str, asyncio.Event] = {}

    def connect(self, protocol: str, address: str, user: str, limit: int) -> bool:
        """Count one connection more (mail_max_userip_connections); False at the limit, 0 is none."""
        key = (protocol, address, user)
        if limit and self._connections[key] >= limit:
            return False
        self._connections[key] += 1
        return True

    def disconnect(self, protocol: str, address: str, user: str) -> None:
        """One connection less."""
        key = (protocol, address, user)
        self._connections[key] -= 1
        if self._connections[key] <= 0:
            del self._connections[key]

    async def lock(self, user: str, patience: float) -> bool:
        """Lock the user's maildrop (RFC 1939 §4); False if it stays locked for `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                while user in self._locks:
                    await self._locks[user].wait()
        except TimeoutError:
            return False
        self._locks[user] = asyncio.Event()
        return True

    def unlock(self, user: str) -> None:
        """Give the maildrop free."""
        self._locks.pop(user).set()
