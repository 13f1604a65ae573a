"""What Sieve remembers from one message to the next: Dovecot's duplicate database."""

from __future__ import annotations

from mailsim.servers.store.database import Database


class Marks(Database):
    """Keys that count as seen until their time has run out: whom a vacation has answered, which
    message was forwarded, what `duplicate` has met.  Times are seconds on the lab's clock."""

    def marked(self, user: str, key: str, now: float) -> bool:
        """Whether the user's key was marked for longer than until `now`."""
        return (
            self._db.execute(
                "SELECT 1 FROM mark WHERE user = ? AND key = ? AND until > ?", (user, key, now)
            ).fetchone()
            is not None
        )

    def mark(self, user: str, key: str, now: float, until: float) -> None:
        """Remember a key; those whose time has run out are forgotten."""
        self._db.execute("DELETE FROM mark WHERE user = ? AND until <= ?", (user, now))
        self._db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", (user, key, until))

    def mark_state(self) -> list[tuple[object, ...]]:
        """All of them: for the fingerprint."""
        return self._db.execute("SELECT user, key, until FROM mark ORDER BY user, key").fetchall()
