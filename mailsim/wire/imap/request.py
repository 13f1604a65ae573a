"""What every command has."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mailsim.wire.imap import tokens
from mailsim.wire.imap.tokens import Argument


class Request(ABC):
    """A command: its `name` on the wire, and its `arguments` with SP before each."""

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """In upper case; "UID FETCH" and the like for the UID forms."""

    @property
    @abstractmethod
    def arguments(self) -> tuple[Argument, ...]:
        """What follows the name."""


def check_flags(flags: tuple[str, ...]) -> None:
    """Raise UsageError for what is no flag."""
    for flag in flags:
        tokens.check(tokens.FLAG, flag, "flag")
