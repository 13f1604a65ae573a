"""The names of mailboxes: what there is, made, deleted, renamed, subscribed to."""

from __future__ import annotations

from mailsim.servers.store.deliveries import Deliveries
from mailsim.servers.store.opened import OpenMailbox
from mailsim.servers.store.reading import UID_VALIDITY
from mailsim.servers.store.values import (
    INBOX,
    SEPARATOR,
    Mailbox,
    MailboxExistsError,
    NoSuchMailboxError,
    Status,
    mailbox_name,
)


class Names(Deliveries):
    """A name has "/" between its levels; a level above it need not be a mailbox itself.

    Every user has INBOX: it is made when it is first asked for.
    """

    def list(self, user: str) -> tuple[Mailbox, ...]:
        """The user's mailboxes by name."""
        self._number(user, INBOX)
        rows = self._db.execute(
            "SELECT id, name, uid_next, modseq FROM mailbox WHERE user = ? ORDER BY name", (user,)
        ).fetchall()
        return tuple(
            Mailbox(number, user, name, UID_VALIDITY + number, uid_next, modseq)
            for number, name, uid_next, modseq in rows
        )

    def open(self, user: str, mailbox: str) -> OpenMailbox:
        """The mailbox itself; all who have it open share it.  Raises NoSuchMailboxError."""
        number = self._number(user, mailbox)
        opened = self._live.get(number)
        if opened is None:
            opened = self._live[number] = OpenMailbox(self, number)
        return opened

    def status(self, user: str, mailbox: str) -> Status:
        """The mailbox's counts, without opening it.  Raises NoSuchMailboxError."""
        number = self._number(user, mailbox)
        messages, unseen, uid_next, first_recent, modseq, octets = self._db.execute(
            "SELECT messages, unseen, uid_next, first_recent, modseq, octets FROM mailbox"
            " WHERE id = ?",
            (number,),
        ).fetchone()
        recent = 0 if first_recent == uid_next else self._from(number, first_recent)
        return Status(messages, recent, unseen, uid_next, UID_VALIDITY + number, modseq, octets)

    def delete(self, user: str, mailbox: str) -> None:
        """Delete a mailbox and all that is in it, but none below it.  Raises NoSuchMailboxError."""
        number = self._number(user, mailbox)
        with self.step():
            contents = self._db.execute(
                "DELETE FROM message WHERE mailbox = ? RETURNING content", (number,)
            ).fetchall()
            for (content,) in contents:
                self.release(content)
            for table in ("derived", "expunged"):
                self._db.execute(f"DELETE FROM {table} WHERE mailbox = ?", (number,))  # noqa: S608
            self._db.execute("DELETE FROM mailbox WHERE id = ?", (number,))
            opened = self._live.get(number)
            if opened is not None:
                opened.gone()
            self.forget_next()

    def rename(self, user: str, mailbox: str, name: str) -> None:
        """Give a mailbox, and all below it, another name.  Messages keep UIDs and mailboxes
        UIDVALIDITY.

        INBOX stays, with what is below it: its messages go into a new mailbox (RFC 3501
        §6.3.5).  Raises NoSuchMailboxError, MailboxExistsError.
        """
        inbox = self.open(user, INBOX)
        with self.step():
            if mailbox_name(mailbox) == INBOX:
                self._free(user, name)
                self.create(user, name)
                inbox.move(inbox.uids, self.open(user, name))
                return
            moved = self._below(user, mailbox)
            if not moved:
                raise NoSuchMailboxError(mailbox)
            self._free(user, name)  # also when only those below it are mailboxes
            self._rename(user, {old: name + old[len(mailbox) :] for old in moved})

    def subscribe(self, user: str, mailbox: str) -> bool:
        """Remember the name, of a mailbox or of none; False if it was known."""
        with self.step():
            made = self._db.execute(
                "INSERT INTO subscription VALUES (?, ?) ON CONFLICT DO NOTHING",
                (user, mailbox_name(mailbox)),
            )
        return made.rowcount == 1

    def unsubscribe(self, user: str, mailbox: str) -> bool:
        """Forget the name; False if it was not known."""
        where = (user, mailbox_name(mailbox))
        with self.step():
            gone = self._db.execute("DELETE FROM subscription WHERE user = ? AND name = ?", where)
        return gone.rowcount == 1

    def subscriptions(self, user: str) -> tuple[str, ...]:
        """The names, sorted."""
        rows = self._db.execute(
            "SELECT name FROM subscription WHERE user = ? ORDER BY name", (user,)
        ).fetchall()
        return tuple(name for (name,) in rows)

    def _number(self, user: str, mailbox: str) -> int:
        number = self._find(user, mailbox)
        if not number and mailbox_name(mailbox) == INBOX:
            self.create(user, INBOX)
            number = self._find(user, INBOX)
        if not number:
            raise NoSuchMailboxError(mailbox)
        return number

    def _from(self, number: int, uid: int) -> int:
        """How many messages have this UID or a higher one."""
        row = self._db.execute(
            "SELECT count(*) FROM message INDEXED BY message_changed"
            " WHERE mailbox = ? AND uid >= ?",
            (number, uid),
        ).fetchone()
        return int(row[0])

    def _below(self, user: str, mailbox: str) -> tuple[str, ...]:
        """The names of the mailbox and of all below it."""
        under = mailbox + SEPARATOR
        rows = self._db.execute(
            "SELECT name FROM mailbox WHERE user = ?1 AND (name = ?2"
            " OR substr(name, 1, length(?3)) = ?3) ORDER BY name",
            (user, mailbox, under),
        ).fetchall()
        return tuple(name for (name,) in rows)

    def _free(self, user: str, name: str) -> None:
        """Raises MailboxExistsError if there is a mailbox of that name."""
        if self._find(user, name):
            raise MailboxExistsError(name)

    def _rename(self, user: str, names: dict[str, str]) -> None:
        for old, new in names.items():
            self._free(user, new)
            number = self._number(user, old)
            self._db.execute("UPDATE mailbox SET name = ? WHERE id = ?", (new, number))
            opened = self._live.get(number)
            if opened is not None:
                opened.renamed()
        self.forget_next()
