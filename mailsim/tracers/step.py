"""What a tracer's method returns: the exchange that it caused, able to show itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from mailsim.dialogue import Dialogue, Exchange
from mailsim.dialogue.values import show_dialogues
from mailsim.protocol.core import Received
from mailsim.wire.outcome import Outcome

V = TypeVar("V")


class Step(Generic[V]):
    """One exchange, with the values that were read in it.

    `str()` is the transcript, secrets hidden; in a notebook it shows itself with
    the same lines in colour.  `dialogue` is all that was said up to here.
    """

    __slots__ = ("_dialogue", "exchange", "received")

    def __init__(
        self,
        exchange: Exchange,
        received: Sequence[Received[V]],
        dialogue: Callable[[], Dialogue],
    ) -> None:
        self.exchange = exchange
        self.received = tuple(received)
        self._dialogue = dialogue

    @property
    def values(self) -> tuple[V, ...]:
        """What the server said, in order, unasked data included."""
        return tuple(event.value for event in self.received)

    @property
    def value(self) -> V | None:
        """The last thing that the server said, or None if it said nothing."""
        return self.received[-1].value if self.received else None

    @property
    def outcome(self) -> Outcome | None:
        """What the last answer comes to, or None if there was none."""
        return getattr(self.value, "outcome", None)

    @property
    def ok(self) -> bool:
        """Whether the server did, or is doing, what was asked."""
        return self.outcome is not None and self.outcome.ok

    @property
    def dialogue(self) -> Dialogue:
        """What was said on this connection up to the end of this step."""
        everything = self._dialogue()
        return Dialogue(everything.endpoint, _up_to(everything.exchanges, self.exchange))

    def transcript(self, *, reveal: bool = False) -> str:
        """The lines as text; with `reveal`, secrets are shown."""
        from mailsim.render.text import step_text  # noqa: PLC0415 - only when shown

        return step_text(self.dialogue, reveal=reveal)

    def explain(self, lang: str | None = None) -> str:
        """Each line with what it means, why it came and where that is laid down."""
        from mailsim.render.explained import explained_text  # noqa: PLC0415 - only when shown

        return explained_text(self.dialogue, lang=lang, last_only=True)

    def ladder(self, lang: str | None = None) -> object:
        """The exchange as a ladder diagram that shows itself in a notebook."""
        from mailsim.render.ladder import Ladder  # noqa: PLC0415 - only when shown

        return Ladder.last(self.dialogue, lang)

    def __str__(self) -> str:
        return self.transcript()

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from mailsim.render.html import step_html  # noqa: PLC0415 - only when shown

        return {"text/plain": self.transcript(), "text/html": step_html(self.dialogue)}


def _page(dialogue: Dialogue) -> str:
    from mailsim.render.html import dialogue_html  # noqa: PLC0415 - only when shown

    return dialogue_html(dialogue)


show_dialogues("text/html", _page)


def _up_to(exchanges: tuple[Exchange, ...], last: Exchange) -> tuple[Exchange, ...]:
    """The exchanges up to `last`, by identity: equal exchanges are no strangers to dialogues."""
    for index, exchange in enumerate(exchanges):
        if exchange is last:
            return exchanges[: index + 1]
    return exchanges
