"""What becomes of a message that has come to its user's mailboxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsim.servers.lmtp import wording
from mailsim.servers.lmtp.letter import Letter, letter
from mailsim.servers.store.values import INBOX, OverQuotaError

if TYPE_CHECKING:
    from mailsim.servers.envelope import Submission
    from mailsim.servers.lmtp.scripts import Placed
    from mailsim.servers.queue.journal import Journal
    from mailsim.servers.queue.mail import Mail
    from mailsim.servers.world import World


@dataclass(frozen=True, slots=True)
class Delivered:
    """The LMTP server's reply after the content (RFC 2033 §4.2), and whether a mailbox has the
    queued content now."""

    reply: str
    stored: bool

    @property
    def ok(self) -> bool:
        """Whether the server has taken responsibility."""
        return self.reply.startswith("2")

    @property
    def dsn(self) -> str:
        """The reply's enhanced code."""
        return self.reply.split(" ", 2)[1]


class Lmtp:
    """Delivers at once: all that it does is part of the caller's step in the store.

    `send` queues what a script sends, as a child of the message.
    """

    def __init__(
        self, world: World, journal: Journal, send: Callable[[Submission, Mail], str]
    ) -> None:
        self._world = world
        self._journal = journal
        self._send = send

    def deliver(self, mail: Mail, original: str, user: str, address: str) -> Delivered:
        """Deliver to one user; `original` is the recipient as RCPT named it."""
        given = letter(self._world, mail, original, user, address)
        self._journal.dovecot("lmtp", "Connect from local")
        try:
            stored = self._store(mail, given)
            reply = f"250 2.0.0 <{address}> {given.session} Saved"
        except OverQuotaError:
            stored = False
            reply = f"552 5.2.2 <{address}> {wording.QUOTA}"
        return Delivered(reply, stored)

    def _store(self, mail: Mail, given: Letter) -> bool:
        """Whether a mailbox has the queued content now.  Raises OverQuotaError."""
        if self._world.config.sieve and (scripts := self._scripts(given.user)):
            return self._by_scripts(mail, given, scripts)
        try:
            self._world.store.deliver(
                given.user,
                INBOX,
                given.number,
                head=given.head,
                message_id=given.message_id,
                received=self._world.clock.now(),
                size=given.size,
            )
        except OverQuotaError:
            self._say(given, f"save failed to {INBOX}: {wording.QUOTA}")
            raise
        self._say(given, f"saved mail to {INBOX}")
        return True

    def _say(self, given: Letter, said: str) -> None:
        self._journal.lmtp(given.user, given.session, f"msgid={given.shown_id}: {said}")

    # Sieve is not loaded before it is needed: a lab of an earlier stage starts without it.

    def _scripts(self, user: str) -> list[Placed]:
        from mailsim.servers.lmtp.scripts import scripts_of  # noqa: PLC0415

        return scripts_of(self._world, user)

    def _by_scripts(self, mail: Mail, given: Letter, scripts: list[Placed]) -> bool:
        from mailsim.servers.lmtp.actions import Actions  # noqa: PLC0415
        from mailsim.servers.lmtp.sieve import Filtering  # noqa: PLC0415

        content = given.head + self._world.store.content(given.number)
        actions = Actions(self._world, self._journal, self._send, mail, given, content)
        Filtering(self._world, given, content, actions).run(scripts)
        return actions.stored
