"""The Sieve scripts' side of the store."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from mailsim.servers.store.database import Database


@dataclass(frozen=True, slots=True)
class StoredScript:
    """A script without its text: `size` in octets; a user's active one is run at delivery."""

    name: str
    size: int
    active: bool


class Scripts(Database):
    """Who has which scripts.  At most one of a user's is active."""

    def scripts(self, user: str) -> tuple[StoredScript, ...]:
        """The user's scripts by their names."""
        rows = self._db.execute(
            "SELECT name, length(content), active FROM script WHERE user = ? ORDER BY name", (user,)
        ).fetchall()
        return tuple(StoredScript(name, size, bool(active)) for name, size, active in rows)

    def script(self, user: str, name: str) -> bytes | None:
        """The script's text as it was put, or None if there is none of that name."""
        row = self._db.execute(
            "SELECT content FROM script WHERE user = ? AND name = ?", (user, name)
        ).fetchone()
        return bytes(row[0]) if row else None

    def active_script(self, user: str) -> tuple[str, bytes] | None:
        """Name and text of the script that is run when mail for the user comes."""
        row = self._db.execute(
            "SELECT name, content FROM script WHERE user = ? AND active", (user,)
        ).fetchone()
        return (row[0], bytes(row[1])) if row else None

    def put_script(self, user: str, name: str, content: bytes) -> None:
        """Keep a script; one of that name is replaced, and stays active if it was."""
        with self.step():
            self._db.execute(
                "INSERT INTO script VALUES (?, ?, ?, 0)"
                " ON CONFLICT DO UPDATE SET content = excluded.content",
                (user, name, content),
            )

    def activate_script(self, user: str, name: str) -> None:
        """Make this script the active one; "" makes none active."""
        with self.step():
            self._db.execute("UPDATE script SET active = name = ? WHERE user = ?", (name, user))

    def rename_script(self, user: str, old: str, new: str) -> None:
        """Give a script a name that is free."""
        with self.step():
            self._db.execute(
                "UPDATE script SET name = ? WHERE user = ? AND name = ?", (new, user, old)
            )

    def delete_script(self, user: str, name: str) -> None:
        """Remove a script."""
        with self.step():
            self._db.execute("DELETE FROM script WHERE user = ? AND name = ?", (user, name))

    def script_state(self) -> list[tuple[object, ...]]:
        """All scripts, with a digest for their text: for the fingerprint."""
        rows = self._db.execute(
            "SELECT user, name, active, content FROM script ORDER BY user, name"
        ).fetchall()
        return [(*columns, sha256(content).hexdigest()) for *columns, content in rows]
