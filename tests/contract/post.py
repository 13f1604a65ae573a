"""Mail for the tests: written, sent as each stage wants it, and found again as a client finds it."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mailsim.model.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailsim import ImapTracer, Lab, SmtpTracer
    from mailsim.model.journey import Journey
    from mailsim.tracers.smtp import SmtpStep

PATIENCE: Final = 60.0  # seconds; a real filter chain on a busy machine takes some


class Post:
    """Sends through one lab; `name` makes its Message-IDs this test's own."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self._name = hashlib.sha256(name.encode()).hexdigest()[:12]
        self._count = 0

    def new_id(self) -> str:
        """A Message-ID that nobody else has."""
        self._count += 1
        return f"{self._name}.{self._count}@contract"

    def letter(
        self,
        sender: str,
        to: str,
        body: str = "Bonjour.\n",
        *,
        subject: str = "essai",
        message_id: str = "",
        extra: str = "",
    ) -> str:
        """A message as RFC 5322 wants it."""
        message_id = message_id or self.new_id()
        fields = (
            f"From: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{message_id}>\n"
            "Date: Mon, 21 Jun 2010 08:00:00 +0000\n"
        )
        return f"{fields}{extra}\n{body}"

    # --- sending

    def submit(self, user: str, to: str, body: str = "Bonjour.\n", **fields: str) -> Journey:
        """user@minfo.sn sends as a client at this stage must; the message's way, once it rests."""
        sender, message_id = f"{user}@minfo.sn", self.new_id()
        with self.submitting(user) as smtp:
            self.talk(
                smtp, sender, to, self.letter(sender, to, body, message_id=message_id, **fields)
            )
        return self.lab.wait(message_id, timeout=PATIENCE)

    def arrive(self, sender: str, to: str, body: str = "Bonjour.\n", **fields: str) -> Journey:
        """It comes from mx.ugb.sn, as mail from abroad does."""
        message_id = self.new_id()
        with self.lab.smtp(as_host="mx.ugb.sn") as smtp:
            smtp.ehlo("mx.ugb.sn")
            self.talk(
                smtp, sender, to, self.letter(sender, to, body, message_id=message_id, **fields)
            )
        return self.lab.wait(message_id, timeout=PATIENCE)

    @contextmanager
    def submitting(self, user: str) -> Iterator[SmtpTracer]:
        """A connection that may send for that user: 587 from stage tls on, else 25."""
        stage = self.lab.stage
        with self.lab.smtp("submission" if stage >= Stage.TLS else "smtp") as smtp:
            smtp.ehlo("poste.minfo.sn")
            if stage >= Stage.TLS:
                assert smtp.starttls().ok
                smtp.ehlo("poste.minfo.sn")
            if stage >= Stage.SASL:
                assert smtp.auth("PLAIN", user, self.lab.accounts.password(user)).ok
            yield smtp

    @staticmethod
    def talk(smtp: SmtpTracer, sender: str, to: str, message: str) -> SmtpStep:
        """The transaction; each command must be taken."""
        for step in (smtp.mail(sender), smtp.rcpt(to)):
            assert step.ok, step
        done = smtp.data(message)
        assert done.ok, done
        return done

    # --- reading

    @contextmanager
    def mailbox(self, user: str, name: str = "INBOX") -> Iterator[ImapTracer]:
        """The mailbox, opened as a client at this stage must."""
        secure = self.lab.stage >= Stage.TLS
        with self.lab.imap("imaps" if secure else "imap") as imap:
            assert imap.login(user, self.lab.accounts.password(user)).ok
            assert imap.select(name).ok
            yield imap

    def found(self, user: str, message_id: str, name: str = "INBOX") -> int:
        """How many messages of that Message-ID the user sees there."""
        with self.mailbox(user, name) as imap:
            return len(imap.search(f"HEADER Message-ID {message_id}").numbers)

    def read(self, user: str, message_id: str, name: str = "INBOX") -> str:
        """The message, as the user reads it.  It must be there once."""
        with self.mailbox(user, name) as imap:
            (number,) = imap.search(f"HEADER Message-ID {message_id}").numbers
            (fetched,) = imap.fetch(number, "BODY.PEEK[]").fetched
            content = fetched.get("BODY[]")
            assert isinstance(content, bytes)
            return content.decode("utf-8", "surrogateescape")

    def until_gone(self, message_id: str) -> Journey:
        """The way of a message that is tried again, once its queue id is gone."""
        deadline = time.monotonic() + PATIENCE
        while True:
            way = self.lab.wait(message_id, timeout=PATIENCE)
            if not [one for one in self.lab.queue if one.message_id == message_id]:
                return self.lab.journey(message_id)
            assert time.monotonic() < deadline, way
