"""IDLE: the server tells of changes as they come (RFC 2177)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from mailsim.protocol.core import Received
from mailsim.protocol.imap.server import Event
from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked, Sync
from mailsim.servers.imap.replies import Reply, ok
from mailsim.wire.imap.commands import Done
from mailsim.wire.imap.responses import Continuation

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

_NOTIFY_INTERVAL: Final = 120.0
"""imap_idle_notify_interval: so often the server says that it is still there."""


async def idle(session: ImapSession, asked: Asked) -> Reply:
    """idle = "IDLE" CRLF "DONE" """
    if asked.value is None:
        raise asked.refused(replies.INVALID)
    await session.say(Continuation(replies.IDLING))
    event = await _until_done(session)
    await session.tell(Sync.ALL)
    return ok("Idle completed") if isinstance(event.value, Done) else replies.DONE_EXPECTED


async def _until_done(session: ImapSession) -> Received[Event]:
    """What the client says; meanwhile it is told of all that changes."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    if session.view is not None:
        session.view.woken = changed.set
        changed.set()
    heard = loop.create_task(session.event())
    try:
        while True:
            await session.tell(Sync.ALL)
            await session.flush()
            changed.clear()
            news = loop.create_task(changed.wait())
            done, _ = await asyncio.wait(
                {heard, news}, timeout=_NOTIFY_INTERVAL, return_when=asyncio.FIRST_COMPLETED
            )
            news.cancel()
            if heard in done:
                return heard.result()
            if not done:
                await session.untagged(replies.STILL_HERE)
    finally:
        heard.cancel()
        if session.view is not None:
            session.view.woken = None
