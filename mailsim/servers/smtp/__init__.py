"""The smtpd of mail.minfo.sn, in Postfix's manner: ports 25, 587 and 465."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mailsim.servers.smtp.session import SmtpSession

if TYPE_CHECKING:
    import ssl

    from mailsim.net.serving import Listener, Peer
    from mailsim.servers.world import World

__all__ = ["SmtpSession", "serve_smtp"]


async def serve_smtp(
    world: World, service: str, *, tls: Callable[[str], ssl.SSLContext | None]
) -> Listener:
    """Listen for clients of `service` ("smtp", "submission" or "submissions")."""
    from mailsim.net.serving import serve  # noqa: PLC0415 - sockets only where they are needed

    async def handle(peer: Peer) -> None:
        await SmtpSession(world, service, tls=tls).run(peer)

    return await serve(handle, limit=world.config.default_process_limit)
