"""What a script decided, done: mail stored, sent on, refused, answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from mailsim.protocol.sieve import Discard, FileInto, Redirect, Reject, Vacation
from mailsim.protocol.sieve.wording import LOG
from mailsim.servers.dovecot.sieve import settings
from mailsim.servers.envelope import LOCALHOST, Recipient, Submission
from mailsim.servers.lmtp import wording
from mailsim.servers.queue.fields import header_of, values
from mailsim.servers.queue.refused import Refused
from mailsim.servers.store.values import INBOX, OverQuotaError

if TYPE_CHECKING:
    from mailsim.protocol.sieve import Action, Keep, Mark
    from mailsim.servers.lmtp.letter import Letter
    from mailsim.servers.queue.journal import Journal
    from mailsim.servers.queue.mail import Mail
    from mailsim.servers.world import World

_REDIRECTED = 12 * 3600  # CMU_redirect keep time: sieve_redirect_duplicate_period
_RETURN_PATH = re.compile(rb"\AReturn-Path:[^\n]*\n")


class Actions:
    """`content` is the message as it came; `send` queues what is sent, as a child of `mail`."""

    def __init__(
        self,
        world: World,
        journal: Journal,
        send: Callable[[Submission, Mail], str],
        mail: Mail,
        given: Letter,
        content: bytes,
    ) -> None:
        self._world = world
        self._journal = journal
        self._send = send
        self._mail = mail
        self._given = given
        self._content = content
        self.stored = False
        """Whether a mailbox has the queued content now."""

    def say(self, line: str, *, error: bool = False, **values: object) -> None:
        """A line in the log."""
        given = self._given
        shown = line.format(msgid=given.shown_id, **values) if values else line
        level = "Error: " if error else ""
        self._journal.lmtp(given.user, given.session, f"{level}sieve: {shown}")

    def impossible(self, decided: Iterable[Action]) -> list[str]:
        """What stands against it: then nothing is done, and the message kept."""
        found = []
        filed = [one for one in decided if isinstance(one, FileInto)]
        octets = 0
        for one in filed:
            octets += len(one.content)
            if reason := self._obstacle(one, octets, len(filed)):
                found.append(
                    wording.NOT_STORED.format(
                        msgid=self._given.shown_id,
                        action="fileinto action: ",
                        mailbox=one.mailbox,
                        reason=reason,
                    )
                )
        return found

    def _obstacle(self, one: FileInto, octets: int, messages: int) -> str:
        store, user = self._world.store, self._given.user
        if not one.create and not any(box.name == one.mailbox for box in store.list(user)):
            return wording.ABSENT.format(mailbox=one.mailbox)
        try:
            store.charge(user, octets, messages)
        except OverQuotaError:
            return wording.QUOTA
        return ""

    def perform(self, decided: Sequence[Action]) -> bool:
        """Do all of it, in its order; whether the message is to be kept all the same."""
        kept = [self._do(one) for one in decided]
        return any(kept)

    def keep(self, action: Keep) -> None:
        """Into INBOX.  Raises OverQuotaError."""
        try:
            self._store(INBOX, action.content, action.flags)
        except OverQuotaError:
            self.say(wording.NOT_STORED, action="", mailbox=INBOX, reason=wording.QUOTA)
            raise
        self.say(wording.STORED, action="", mailbox=INBOX)

    def remember(self, marks: Iterable[Mark]) -> None:
        """The keys that the next message's scripts may ask for."""
        now = self._world.clock.now()
        for one in marks:
            self._world.store.mark(self._given.user, one.key, now, now + one.seconds)

    def _do(self, action: Action) -> bool:
        match action:
            case FileInto():
                self._store(action.mailbox, action.content, action.flags)
                self.say(wording.STORED, action="fileinto action: ", mailbox=action.mailbox)
            case Discard():
                self.say(wording.DISCARDED, action="")
            case Redirect():
                return not self._redirect(action)
            case Reject():
                self._reject(action)
            case Vacation():
                if action.reply is not None:
                    self._post("", action.recipient, action.reply)
                said = LOG[action.outcome].format(**action.params)
                self.say(wording.VACATION, text=said)
        return False

    def _redirect(self, action: Redirect) -> bool:
        """Whether it was sent on: neither in a circle nor twice."""
        given, store, now = self._given, self._world.store, self._world.clock.now()
        if given.address in values(header_of(action.content), "x-sieve-redirected-from"):
            self.say(wording.LOOP, address=action.address)
            return False
        named = f"{given.message_id}\0{given.sender}\0{action.address}"
        key = f"redirect {sha256(named.encode('utf-8', 'surrogateescape')).hexdigest()}"
        if given.message_id and store.marked(given.user, key, now):
            self.say(wording.FORWARDED_TWICE, address=action.address)
            return False
        program = settings(self._world).implementation
        first = f"X-Sieve: {program}\r\nX-Sieve-Redirected-From: {given.address}\r\n"
        rest = _RETURN_PATH.sub(b"", action.content)
        if not self._post(given.sender, action.address, first.encode() + rest):
            return False
        store.mark(given.user, key, now, now + _REDIRECTED)
        self.say(wording.FORWARDED, address=action.address)
        return True

    def _reject(self, action: Reject) -> None:
        given = self._given
        name = "ereject" if action.extended else "reject"
        if not given.sender:
            self.say(wording.REJECTED_NOBODY, name=name)
            return
        self._post("", given.sender, action.report)
        self.say(wording.REJECTED, name=name, sender=given.sender)

    def _store(self, mailbox: str, content: bytes, flags: tuple[str, ...]) -> None:
        given = self._given
        same = content == self._content  # editheader and variables may have changed it
        self._world.store.deliver(
            given.user,
            mailbox,
            given.number if same else content,
            head=given.head if same else b"",
            message_id=given.message_id,
            received=self._world.clock.now(),
            size=len(content),
            flags=flags,
        )
        self.stored = self.stored or same

    def _post(self, sender: str, recipient: str, content: bytes) -> bool:
        """By the sendmail command, which the user's own process runs; whether the queue takes it.

        What it refuses (too many hops, too big) is kept, where Postfix would bounce it.
        """
        submission = Submission(
            sender=sender,
            recipients=(Recipient(recipient),),
            content=content,
            client=LOCALHOST,
            service="pickup",
            uid=self._world.accounts.uid(self._given.user),
        )
        try:
            self._send(submission, self._mail)
        except Refused:  # the log has cleanup's reason
            return False
        return True
