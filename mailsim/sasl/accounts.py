"""Credentials held in memory: for `exchange`, tests and small servers."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailsim.sasl.mechanism import Salting
from mailsim.secret import Secret


@dataclass(frozen=True, slots=True)
class Accounts:
    """Passwords and bearer tokens by user.

    `pepper` is the server's own secret, from which every name's salt derives;
    `acting` lists, by user, the other identities that the user may act as.
    """

    passwords: Mapping[str, Secret] = field(default_factory=dict)
    tokens: Mapping[str, Secret] = field(default_factory=dict)
    pepper: Secret = Secret("")
    iterations: int = 4096
    acting: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def get(self, user: str) -> Secret | None:
        """The password of `user`."""
        return self.passwords.get(user)

    def owner(self, token: Secret) -> str | None:
        """The user who holds `token`."""
        given = token.reveal()
        for user, known in self.tokens.items():
            if hmac.compare_digest(known.reveal(), given):
                return user
        return None

    def salting(self, user: str, mechanism: str) -> Salting:
        """16 bytes that depend on pepper, mechanism and name, for known and unknown alike."""
        name = f"{mechanism}\0{user}".encode()
        return Salting(hmac.digest(self.pepper.reveal(), name, "sha256")[:16], self.iterations)

    def authorizes(self, user: str, authzid: str) -> bool:
        """A user may act as itself, and as `acting` says."""
        return authzid == user or authzid in self.acting.get(user, frozenset())
