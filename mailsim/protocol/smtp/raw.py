"""What raw bytes mean: lines sent by hand, followed as the commands that they are."""

from __future__ import annotations

from mailsim.protocol.smtp.states import State
from mailsim.secret import Secret
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp import Bdat, Command, Content, SaslAnswer, parse_command

_END = b"\r\n.\r\n"


class RawFollower:
    """Cuts raw bytes into what the server will answer.

    In a transaction's content nothing is answered before the lone dot; behind
    BDAT the announced octets are skipped.  A half line waits for its other half.
    LF alone is taken for a line's end, for servers take it so; `quirks` are
    what the server is known to take besides.
    """

    __slots__ = ("_chunk", "_content", "_held", "_quirks")

    def __init__(self, quirks: frozenset[Quirk] = NONE) -> None:
        self._quirks = quirks
        self._held = b""
        self._chunk = 0
        self._content = False

    @property
    def begun(self) -> bool:
        """Whether half a command line has been sent."""
        return bool(self._held) and not self._content

    def follow(self, data: bytes, state: State) -> list[Command]:
        """The commands, contents and responses that `data` completes in `state`."""
        found: list[Command] = []
        if state is State.DATA and not self._content:
            self._content = True
            self._held = b"\r\n"  # the lone dot may be the very first line
        self._held += data
        while (value := self._next(state)) is not None:
            found.append(value)
        return found

    def _next(self, state: State) -> Command | None:
        if self._chunk:
            skipped = min(self._chunk, len(self._held))
            self._chunk -= skipped
            self._held = self._held[skipped:]
        if self._content:
            return self._content_end()
        line, end, rest = self._held.partition(b"\n")
        if not end:
            return None
        self._held = rest
        if state is State.AUTH:
            return SaslAnswer(Secret(line.rstrip(b"\r")))
        value = parse_command(line, self._quirks)
        if isinstance(value, Bdat):
            self._chunk = value.octets
        return value

    def _content_end(self) -> Command | None:
        at = self._held.find(_END)
        if at < 0:
            self._held = self._held[1 - len(_END) :]
            return None
        self._held = self._held[at + len(_END) :]
        self._content = False
        return Content(b"")
