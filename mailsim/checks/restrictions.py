"""What a line of smtpd_relay_restrictions lets through: read as Postfix reads it, left to right.

The first restriction that decides ends the list; what none decides is let through
(SMTPD_ACCESS_README).  Only what matters for relaying is known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Decision(Enum):
    """What becomes of the recipient."""

    PERMIT = "permit"
    REJECT = "reject"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and for whom: from `mynetworks`, logged in, for a domain of our own."""

    trusted: bool
    user: bool
    ours: bool


_DECIDE: Final[Mapping[str, Callable[[Client], Decision | None]]] = {
    "permit": lambda _: Decision.PERMIT,
    "reject": lambda _: Decision.REJECT,
    "defer": lambda _: Decision.DEFER,
    "permit_mynetworks": lambda one: Decision.PERMIT if one.trusted else None,
    "permit_sasl_authenticated": lambda one: Decision.PERMIT if one.user else None,
    "permit_auth_destination": lambda one: Decision.PERMIT if one.ours else None,
    "reject_unauth_destination": lambda one: None if one.ours else Decision.REJECT,
    "defer_unauth_destination": lambda one: None if one.ours else Decision.DEFER,
}
KNOWN: Final = tuple(_DECIDE)


def names(line: str) -> tuple[str, ...]:
    """The restrictions of the line, with or without "smtpd_relay_restrictions =" before them."""
    value = line.rpartition("=")[2]
    return tuple(one for one in re.split(r"[\s,]+", value.strip()) if one)


def decide(line: str, client: Client) -> Decision:
    """What becomes of this client.  Raises KeyError for a restriction that is not known."""
    for name in names(line):
        if (decision := _DECIDE[name](client)) is not None:
            return decision
    return Decision.PERMIT
