"""How much a user may have."""

from __future__ import annotations

from mailsim.servers.store.database import Database
from mailsim.servers.store.values import OverQuotaError, Quota


class Quotas(Database):
    """Limits by user, in octets and in messages.  Without any, none costs a thought."""

    _limited: bool | None = None  # None: to be read
    _general = (0, 0)

    def limit_all(self, *, octets: int = 0, messages: int = 0) -> None:
        """The limits of who has none of his own: the configuration's, not kept."""
        self._general = (octets, messages)
        self._limited = None

    def quota(self, user: str) -> Quota:
        """What the user has, and the limits."""
        used = self._db.execute(
            "SELECT coalesce(sum(octets), 0), coalesce(sum(messages), 0) FROM mailbox"
            " WHERE user = ?",
            (user,),
        ).fetchone()
        limits = self._db.execute(
            "SELECT octets, messages FROM quota WHERE user = ?", (user,)
        ).fetchone()
        return Quota(*used, *(limits or self._general))

    def set_quota(self, user: str, *, octets: int = 0, messages: int = 0) -> None:
        """Set the user's own limits, for good; 0 is none."""
        limits = (octets, messages)
        with self.step():
            self._db.execute("DELETE FROM quota WHERE user = ?", (user,))
            if limits != self._general:
                self._db.execute("INSERT INTO quota VALUES (?, ?, ?)", (user, *limits))
            self._limited = None

    def charge(self, user: str, octets: int, messages: int = 1) -> None:
        """Whether the user may have that much more.  Raises OverQuotaError."""
        if self._limited is None:
            own = self._db.execute("SELECT 1 FROM quota LIMIT 1").fetchone()
            self._limited = any(self._general) or own is not None
        if not self._limited:
            return
        now = self.quota(user)
        if 0 < now.octets_limit < now.octets + octets:
            raise OverQuotaError(user)
        if 0 < now.messages_limit < now.messages + messages:
            raise OverQuotaError(user)

    def _undo(self) -> None:
        super()._undo()
        self._limited = None
