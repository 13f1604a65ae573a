"""What Sieve did at deliveries, step by step: for who asks why a message lies where it does."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsim.protocol.sieve import Complaint, Step

# A trace of 500 steps (dovecot.sieve's limit) has some 300 octets a step.
KEPT = 200


@dataclass(frozen=True, slots=True)
class SieveRun:
    """One script over one message: who got it, in which LMTP session, and what was decided why.

    `decided` are the actions as a script would write them, each with its line (0: by none).
    """

    message_id: str
    user: str
    session: str
    location: str
    decided: tuple[tuple[int, str], ...]
    errors: tuple[Complaint, ...]
    trace: tuple[Step, ...]


class SieveRuns:
    """The newest runs, the oldest first."""

    def __init__(self) -> None:
        self._runs: deque[SieveRun] = deque(maxlen=KEPT)

    def append(self, run: SieveRun) -> None:
        """Remember a run; the oldest goes if there are too many."""
        self._runs.append(run)

    def of(self, message_id: str) -> tuple[SieveRun, ...]:
        """The runs over the message of that Message-ID, with or without its brackets."""
        wanted = message_id.strip("<>")
        return tuple(one for one in self._runs if one.message_id.strip("<>") == wanted)
