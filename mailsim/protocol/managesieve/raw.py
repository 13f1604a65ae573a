"""What raw bytes mean: lines sent by hand, followed as the commands that they are."""

from __future__ import annotations

from mailsim.errors import RemoteProtocolError
from mailsim.wire.managesieve import Command, FrameReader, Malformed, parse_command
from mailsim.wire.quirk import Quirk

# What a user sends is theirs to bound.
_UNBOUNDED = 2**40


class RawFollower:
    """Cuts raw bytes into the commands that the server will answer.

    A half line waits for its other half, an announced literal for its octets.
    LF alone is taken for a line's end, for servers take it so.
    """

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        lenient = frozenset({Quirk.BARE_LF})
        self._frames = FrameReader(
            _UNBOUNDED, _UNBOUNDED, lambda _: None, plus=True, quirks=lenient
        )

    @property
    def begun(self) -> bool:
        """Whether half a line waits."""
        return len(self._frames) > 0

    def follow(self, data: bytes) -> list[Command]:
        """The commands that `data` completes."""
        found: list[Command] = []
        self._frames.feed(data)
        while (command := self._next()) is not None:
            found.append(command)
        return found

    def _next(self) -> Command | None:
        try:
            frame = self._frames.next()
        except RemoteProtocolError:  # a literal that is not a client's: the line ends there
            self._frames.drop()
            return Malformed("")
        return parse_command(frame.parts) if frame else None
