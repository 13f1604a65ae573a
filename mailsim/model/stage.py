"""How far the thesis's construction has gone, and whose behaviour the lab shows."""

from __future__ import annotations

from enum import Enum
from functools import total_ordering
from typing import TypeVar

from mailsim.errors import UsageError

E = TypeVar("E", bound=Enum)


def _named(kind: type[E], name: str | E, unknown: str) -> E:
    try:
        return kind(name)
    except ValueError:
        known = ", ".join(one.value for one in kind)
        raise UsageError(unknown, name=name, known=known) from None


@total_ordering
class Stage(Enum):
    """The thesis's steps, each with all that came before; comparable by how far they go."""

    DNS = "dns"
    MAIL = "mail"
    SASL = "sasl"
    RELAY = "relay"
    TLS = "tls"
    FIREWALL = "firewall"
    AMAVIS = "amavis"
    CLAMAV = "clamav"
    SPAMASSASSIN = "spamassassin"
    SIEVE = "sieve"

    @classmethod
    def of(cls, name: str | Stage) -> Stage:
        """The stage of that name.  Raises UsageError, which lists them."""
        return _named(cls, name, "lab.unknown-stage")

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Stage):
            return NotImplemented
        return _RANKS[self] < _RANKS[other]

    __hash__ = object.__hash__


_RANKS = {stage: rank for rank, stage in enumerate(Stage)}


class Release(Enum):
    """The distribution whose Postfix, Dovecot and Amavis the lab behaves like.

    `FULL` exists on the simulator alone: noble's, and whatever more it can do.
    """

    BOOKWORM = "bookworm"
    TRIXIE = "trixie"
    NOBLE = "noble"
    RESOLUTE = "resolute"
    FULL = "full"

    @classmethod
    def of(cls, name: str | Release) -> Release:
        """The release of that name.  Raises UsageError, which lists them."""
        return _named(cls, name, "lab.unknown-release")

    @property
    def postfix(self) -> tuple[int, int, int]:
        """The version of Postfix."""
        return _VERSIONS[self.value][0]

    @property
    def dovecot(self) -> tuple[int, int, int]:
        """The version of Dovecot."""
        return _VERSIONS[self.value][1]


_VERSIONS = {
    "bookworm": ((3, 7, 11), (2, 3, 19)),
    "trixie": ((3, 10, 13), (2, 4, 1)),
    "noble": ((3, 8, 6), (2, 3, 21)),
    "resolute": ((3, 10, 6), (2, 4, 2)),
    "full": ((3, 8, 6), (2, 3, 21)),
}
