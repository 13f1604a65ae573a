"""The mailboxes' side of the store."""

from __future__ import annotations

from mailsim.model.queue import StoredMessage
from mailsim.servers.store.database import Database

# A mailbox's UIDVALIDITY is this plus its number: never 0, and the same in each run.
_UID_VALIDITY = 1_277_107_200


class Mailboxes(Database):
    """Who has which messages.  `user` is a login at minfo.sn or a full address elsewhere."""

    def deliver(
        self,
        user: str,
        mailbox: str,
        content: bytes | int,
        *,
        head: bytes = b"",
        message_id: str = "",
        received: float = 0.0,
        size: int = -1,
    ) -> int:
        """Put a message into a mailbox, which is made if it is not there; its UID.

        `content` are its bytes, or the number of content that is kept already; `head` stands
        before it.
        """
        with self.step():
            number = content if isinstance(content, int) else self.keep(content)
            if size < 0:
                size = len(head) + len(self.content(number))
            box, uid = self._next_uid(user, mailbox)
            self._db.execute(
                "INSERT INTO message VALUES (?, ?, ?, ?, ?, '', ?, ?)",
                (box, uid, message_id, received, size, head, number),
            )
        return uid

    def create(self, user: str, mailbox: str) -> None:
        """Make an empty mailbox, if it is not there."""
        self._db.execute(
            "INSERT INTO mailbox (user, name, uid_validity, uid_next)"
            " SELECT ?1, ?2, ?3 + coalesce(max(id), 0) + 1, 1 FROM mailbox"
            " WHERE true ON CONFLICT DO NOTHING",
            (user, mailbox, _UID_VALIDITY),
        )

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
            "SELECT user, name, (SELECT count(*) FROM message WHERE mailbox = mailbox.id)"
            " FROM mailbox ORDER BY user, name"
        ):
            counts.setdefault(user, {})[name] = count
        return counts

    def uid_validity(self, user: str, mailbox: str) -> int:
        """The mailbox's UIDVALIDITY; 0 if there is no such mailbox."""
        row = self._db.execute(
            "SELECT uid_validity FROM mailbox WHERE user = ? AND name = ?", (user, mailbox)
        ).fetchone()
        return int(row[0]) if row else 0

    def expunge(self, user: str, mailbox: str, uid: int) -> bool:
        """Remove a message for good; whether it was there."""
        with self.step():
            row = self._db.execute(
                "DELETE FROM message WHERE uid = ? AND mailbox ="
                " (SELECT id FROM mailbox WHERE user = ? AND name = ?) RETURNING content",
                (uid, user, mailbox),
            ).fetchone()
            if row:
                self.release(row[0])
        return row is not None

    def mail_state(self) -> list[tuple[object, ...]]:
        """Mailboxes and messages, the latter with a digest for their content."""
        boxes: list[tuple[object, ...]] = self._db.execute(
            "SELECT user, name, uid_validity, uid_next FROM mailbox ORDER BY user, name"
        ).fetchall()
        rows = self._db.execute(
            "SELECT user, name, uid, flags, head, content FROM message JOIN mailbox"
            " ON mailbox.id = mailbox ORDER BY user, name, uid"
        ).fetchall()
        return boxes + [
            (user, name, uid, flags, self._digest(head, number))
            for user, name, uid, flags, head, number in rows
        ]

    def _next_uid(self, user: str, mailbox: str) -> tuple[int, int]:
        for _ in range(2):
            row = self._db.execute(
                "UPDATE mailbox SET uid_next = uid_next + 1 WHERE user = ? AND name = ?"
                " RETURNING id, uid_next - 1",
                (user, mailbox),
            ).fetchone()
            if row:
                return int(row[0]), int(row[1])
            self.create(user, mailbox)
        raise KeyError(mailbox)
