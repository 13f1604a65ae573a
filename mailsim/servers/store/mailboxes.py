"""The mailboxes' side of the store."""

from __future__ import annotations

from mailsim.model.queue import StoredMessage
from mailsim.servers.store.names import Names


class Mailboxes(Names):
    """Who has which messages, as a whole."""

    def messages(self, user: str, mailbox: str = "INBOX") -> tuple[StoredMessage, ...]:
        """What is in a mailbox, in the order of UIDs; nothing in one that does not exist."""
        rows = self._db.execute(
            "SELECT uid, message_id, head, content FROM message WHERE mailbox ="
            " (SELECT id FROM mailbox WHERE user = ? AND name = ?) ORDER BY uid",
            (user, mailbox),
        ).fetchall()
        return tuple(
            StoredMessage(user, mailbox, uid, message_id, head + self.content(number))
            for uid, message_id, head, number in rows
        )

    def mailboxes(self) -> dict[str, dict[str, int]]:
        """How many messages each mailbox of each user holds."""
        counts: dict[str, dict[str, int]] = {}
        for user, name, count in self._db.execute(
            "SELECT user, name, messages FROM mailbox ORDER BY user, name"
        ):
            counts.setdefault(user, {})[name] = count
        return counts

    def mail_state(self) -> list[tuple[object, ...]]:
        """All of it, messages with a digest for their content.  What is derived from them does
        not count."""
        state: list[tuple[object, ...]] = []
        for statement in (
            "SELECT 'numbers', seq FROM sqlite_sequence",
            "SELECT 'mailbox', * FROM mailbox ORDER BY id",
            "SELECT 'expunged', * FROM expunged ORDER BY mailbox, modseq",
            "SELECT 'subscription', * FROM subscription ORDER BY user, name",
            "SELECT 'quota', * FROM quota ORDER BY user",
        ):
            state += self._db.execute(statement).fetchall()
        rows = self._db.execute(
            "SELECT mailbox, uid, modseq, flags, keywords, received, saved, size, message_id, head,"
            " content FROM message ORDER BY mailbox, uid"
        ).fetchall()
        state += [
            ("message", *columns, self._digest(head, number)) for *columns, head, number in rows
        ]
        return state

    def clear(self) -> None:
        """Empty it: the lab as it was in the beginning."""
        with self.step():
            super().clear()
            for opened in tuple(self._live.values()):
                opened.gone()
            self.forget_next()
            self._limited = None
            self.after(self._live.clear)  # ids begin again: nobody shall get one of these
            self.after(self._modseqs_used.clear)
