"""A step of IMAP: what the server said, by kind."""

from __future__ import annotations

from typing import TypeVar

from mailsim.tracers.step import Step
from mailsim.wire.imap.codes import Code
from mailsim.wire.imap.responses import (
    Continuation,
    Esearch,
    Fetch,
    MailboxList,
    Response,
    Search,
    Status,
)
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.outcome import Outcome

R = TypeVar("R")


class ImapStep(Step[Response]):
    """A step of IMAP: the tagged response's condition, code and text, and the data, at hand.

    What came unasked in the same breath (EXISTS, EXPUNGE …) is in `data` too.
    """

    __slots__ = ()

    @property
    def responses(self) -> tuple[Response, ...]:
        """Every response, in order."""
        return self.values

    @property
    def status(self) -> Status | None:
        """The last tagged response, else the last status of the server's own; None for neither."""
        found = [value for value in self.values if isinstance(value, Status)]
        tagged = [value for value in found if value.tag is not None]
        return (tagged or found)[-1] if found else None

    @property
    def outcome(self) -> Outcome | None:
        """What the status comes to; INTERMEDIATE where the server waits for more."""
        last = self.status
        if last is not None and (last.tag is not None or not self._continued):
            return last.outcome
        return Outcome.INTERMEDIATE if self._continued else None

    @property
    def _continued(self) -> bool:
        return any(isinstance(value, Continuation) for value in self.values)

    @property
    def condition(self) -> str:
        """OK, NO, BAD, BYE, PREAUTH; "" for none."""
        return self.status.condition if self.status else ""

    @property
    def code(self) -> Code | None:
        """The status's response code, such as Code("TRYCREATE")."""
        return self.status.code if self.status else None

    @property
    def text(self) -> str:
        """The status's text, without the code."""
        return self.status.text if self.status else ""

    @property
    def data(self) -> tuple[Response, ...]:
        """The untagged data, statuses and continuation requests apart."""
        others = (Status, Continuation)
        return tuple(value for value in self.values if not isinstance(value, others))

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """The responses of one kind: `step.of(Exists)`."""
        return tuple(value for value in self.values if isinstance(value, kind))

    @property
    def fetched(self) -> tuple[Fetch, ...]:
        """The messages' data."""
        return self.of(Fetch)

    @property
    def mailboxes(self) -> tuple[MailboxList, ...]:
        """The mailboxes of LIST or LSUB."""
        return self.of(MailboxList)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that SEARCH or SORT found; none for ESEARCH's set (`found`)."""
        return tuple(number for value in self.of(Search) for number in value.numbers)

    @property
    def found(self) -> SequenceSet | None:
        """The set that SEARCH with RETURN (ALL) found."""
        for value in self.of(Esearch):
            if isinstance(numbers := value.get("ALL"), SequenceSet):
                return numbers
        return None
