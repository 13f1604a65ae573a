"""What raw bytes mean: sent by hand, followed as the commands that they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailsim.errors import RemoteProtocolError
from mailsim.protocol.imap.flight import Flight
from mailsim.wire.imap.command_reader import read_command, read_tag
from mailsim.wire.imap.frames import Announced, FrameReader
from mailsim.wire.quirk import Quirk

# One's own bytes are no attack; LF alone is taken for a line's end, for servers take it so.
_ANY_SIZE: Final = 2**40


class RawFollower:
    """Cuts raw bytes into the commands that the server will see."""

    __slots__ = ("_asked", "_reader")

    def __init__(self) -> None:
        self._reader = _new_reader()
        self._asked: Announced | None = None

    def __bool__(self) -> bool:
        """Whether a command has begun and is not whole."""
        return len(self._reader) > 0

    @property
    def awaits_continuation(self) -> bool:
        """Whether the server is about to ask for a literal that has not been sent."""
        literal = self._reader.announced
        return literal is not None and literal.synchronizing and literal is not self._asked

    @property
    def tag(self) -> str | None:
        """The tag of the command that has begun."""
        return read_tag(self._reader.begun)

    def continued(self) -> None:
        """The server has asked for the literal."""
        self._asked = self._reader.announced

    def drop(self) -> None:
        """The server has answered the command that had begun."""
        self._reader = _new_reader()

    def follow(self, data: bytes, *, answering: bool) -> Iterator[Flight | bytes]:
        """The commands that `data` completes or, when `answering` within one, the line."""
        self._reader.feed(data)
        if answering:
            line = self._reader.line()
            if line is not None:
                yield line
        yield from self._commands()

    def _commands(self) -> Iterator[Flight]:
        while (units := self._reader.next()) is not None:
            yield _flight(units)


def _new_reader() -> FrameReader:
    quirks = frozenset({Quirk.BARE_LF})
    return FrameReader(
        line=_ANY_SIZE, block=_ANY_SIZE, frame=_ANY_SIZE, commands=True, quirks=quirks
    )


def _flight(units: tuple[bytes, ...]) -> Flight:
    """What the server will answer; a line that is no command has at least its tag."""
    try:
        tag, command = read_command(units)
    except RemoteProtocolError:
        return Flight(read_tag(units[0]), "", b"".join(units))
    return Flight(tag, command.name, command)
