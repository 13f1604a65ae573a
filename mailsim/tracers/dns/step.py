"""What a question came to, able to show itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mailsim.dialogue import Dialogue, Exchange
from mailsim.protocol.core import Received
from mailsim.tracers.dns.message import Message, Record
from mailsim.tracers.step import Step
from mailsim.wire.outcome import Outcome

# RFC 1035 §4.1.1: SERVFAIL is a failure of this server, another try may do.
_TEMPORARY = ("SERVFAIL",)


class DnsStep(Step[Message]):
    """A question with its answer, or its two answers when the first was truncated.

    `str()` is the answer in dig's layout, without ids and times, so that it repeats;
    `dialogue` holds the messages in wire form.
    """

    __slots__ = ("sent",)

    def __init__(
        self,
        exchange: Exchange,
        received: Sequence[Received[Message]],
        dialogue: Callable[[], Dialogue],
        sent: Message,
    ) -> None:
        super().__init__(exchange, received, dialogue)
        self.sent = sent

    @property
    def response(self) -> Message:
        """The answer that counts: the last."""
        return self.received[-1].value

    @property
    def rcode(self) -> str:
        """The answer's code, such as NOERROR, NXDOMAIN or REFUSED."""
        return self.response.rcode

    @property
    def flags(self) -> tuple[str, ...]:
        """The names of the flags that are set in the answer, such as ("QR", "AA")."""
        return self.response.flags

    @property
    def answer(self) -> tuple[Record, ...]:
        """The records of the answer section."""
        return self.response.answer

    @property
    def texts(self) -> tuple[str, ...]:
        """The data of the answer section's records of the type asked for."""
        wanted = self.sent.questions[0].type
        return tuple(one.data for one in self.answer if wanted in ("ANY", one.type))

    @property
    def outcome(self) -> Outcome:
        """SUCCESS for NOERROR, though there may be no record; TEMPORARY for SERVFAIL."""
        if self.rcode == "NOERROR":
            return Outcome.SUCCESS
        return Outcome.TEMPORARY if self.rcode in _TEMPORARY else Outcome.PERMANENT

    def transcript(self, *, reveal: bool = False) -> str:  # noqa: ARG002 - there are no secrets
        """Question and answers in dig's layout."""
        from mailsim.tracers.dns.show import plain_text  # noqa: PLC0415 - only when shown

        return plain_text(self)

    def explain(self, lang: str | None = None) -> str:
        """The same, each row with what it means and where that is laid down."""
        from mailsim.tracers.dns.show import explained_text  # noqa: PLC0415 - only when shown

        return explained_text(self, lang)

    def ladder(self, lang: str | None = None) -> object:
        """Question and answers as a ladder diagram, in words."""
        from mailsim.tracers.dns.show import ladder  # noqa: PLC0415 - only when shown

        return ladder(self, lang)

    def document(self) -> dict[str, Any]:
        """Question and answers as values that JSON knows; ids and times are in it."""
        from mailsim.tracers.dns.show import document  # noqa: PLC0415 - only when shown

        return document(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from mailsim.tracers.dns.show import html  # noqa: PLC0415 - only when shown

        return {"text/plain": self.transcript(), "text/html": html(self)}
