"""Arguments as Dovecot reads them (RFC 1939 §5 has stricter ones)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailsim.servers.pop3 import replies
from mailsim.wire.pop3 import Reply

_DIGITS = re.compile(r"[0-9]+")
_LARGEST_NUMBER = 2**32 - 1
_LARGEST_SIZE = 2**64 - 1
_ENOUGH = 21  # digits, more than 64 bits hold


class ArgumentError(Exception):
    """The argument is none; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class _Wordings:
    bad: replies.Wording
    large: replies.Wording
    noise: replies.Wording


_NUMBER = _Wordings(replies.BAD_NUMBER, replies.LARGE_NUMBER, replies.NUMBER_NOISE)
_SIZE = _Wordings(replies.BAD_SIZE, replies.LARGE_SIZE, replies.SIZE_NOISE)


def split(raw: bytes) -> tuple[str, str]:
    """A line's command in capitals and its argument.  A NUL ends the line for Dovecot."""
    line = raw.removesuffix(b"\n").removesuffix(b"\r").split(b"\0", 1)[0]
    name, _, argument = line.decode("utf-8", "surrogateescape").partition(" ")
    return ascii_upper(name), argument


def ascii_upper(text: str) -> str:
    """In capitals, as far as they are ASCII's."""
    return "".join(one.upper() if one.isascii() else one for one in text)


def number(text: str, *, more: bool = False) -> tuple[int, str]:
    """The message number at the beginning of `text`, and what is behind it.

    `more`: another argument must follow.  Raises ArgumentError.
    """
    return _read(text, _LARGEST_NUMBER, _NUMBER, " " if more else "")


def size(text: str) -> int:
    """TOP's number of lines.  Raises ArgumentError."""
    return _read(text, _LARGEST_SIZE, _SIZE, "")[0]


def _read(text: str, largest: int, wordings: _Wordings, end: str) -> tuple[int, str]:
    digits = _DIGITS.match(text)
    if digits is None:
        raise ArgumentError(wordings.bad(rest=text))
    value, rest = int(digits[0].lstrip("0")[:_ENOUGH] or "0"), text[digits.end() :]
    if value > largest:
        # What 64 bits hold is read before it is found to be too large.
        raise ArgumentError(wordings.large(rest=rest if value <= _LARGEST_SIZE else text))
    if rest[:1] != end:
        raise ArgumentError(wordings.noise(rest=rest))
    return value, rest.lstrip(" ")
