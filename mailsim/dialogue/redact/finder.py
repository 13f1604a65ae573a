"""What the finders have in common: the client's stream, cut into commands whatever its units."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final

from mailsim.dialogue.redact.known import learn, plain_tokens

Span = tuple[int, int]

_NO_SECRET: Final = (b"", b"=", b"*")
"""An empty response and a cancelled exchange (RFC 4954 §4)."""


@dataclass(slots=True)
class Found:
    """Where secrets stand in what was scanned, and what they are."""

    spans: list[Span] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Sasl:
    """An authentication that the server has not ended yet."""

    mechanism: str
    responses: int = 0
    challenged: bool = False
    tag: bytes = b""


class Finder(ABC):
    """Finds the secrets that a client sends.

    Bytes go in in the order in which they travelled, in any units; what is not
    whole yet is judged as far as it goes, so that nothing need be shown later.
    """

    commands: re.Pattern[bytes]
    """What opens a line that cannot be a response, when no challenge has come."""

    def __init__(self) -> None:
        self.sasl: Sasl | None = None
        self.pending = b""
        self.skip = 0

    def client(self, raw: bytes) -> Found:
        """What is secret in the client's unit `raw`; spans count from its beginning."""
        before = len(self.pending)
        data, taken, found = self.pending + raw, 0, Found()
        while taken < len(data):
            one = Found()
            length = self._skipped(len(data) - taken) or self.scan(data[taken:], one)
            found.spans += [(max(a + taken - before, 0), b + taken - before) for a, b in one.spans]
            found.values += one.values
            if not length:
                break
            taken += length
        self.pending = data[taken:]
        found.spans = [(a, b) for a, b in found.spans if a < b]
        return found

    def _skipped(self, there: int) -> int:
        length = min(self.skip, there)
        self.skip -= length
        return length

    @abstractmethod
    def scan(self, data: bytes, found: Found) -> int:
        """Judge the command at the start of `data`; its length, or 0 if it is not whole."""

    @abstractmethod
    def server(self, raw: bytes) -> None:
        """Take note of the server's unit `raw`."""

    # --- for the finders

    def responds(self, line: bytes) -> bool:
        """Whether the client's `line` is a response of the authentication under way."""
        if self.sasl is None:
            return False
        return self.sasl.challenged or not self.commands.match(line)

    def response(self, data: bytes, span: Span, found: Found, *, whole: bool) -> None:
        """Mark data[span] as what the client says in the authentication under way."""
        token = data[slice(*span)]
        if self.sasl is None or token in _NO_SECRET:
            return
        found.spans.append(span)
        if whole:
            is_name = self.sasl.mechanism.upper() == "LOGIN" and self.sasl.responses == 0
            found.values += learn(self.sasl.mechanism, token, is_name=is_name)

    def responded(self) -> None:
        """A response is whole: the next one waits for a challenge."""
        if self.sasl is not None:
            self.sasl.responses += 1
            self.sasl.challenged = False

    def opened(self, mechanism: bytes, tag: bytes = b"") -> None:
        """The client asks for an authentication."""
        self.sasl = Sasl(mechanism.decode("ascii", "replace"), tag=tag)

    def strays(self, line: bytes, found: Found, *, whole: bool) -> None:
        """Mark PLAIN tokens where no command expects one."""
        for span in plain_tokens(line):
            found.spans.append(span)
            if whole:
                found.values += learn("PLAIN", line[slice(*span)])


def stripped(line: bytes, start: int = 0) -> Span:
    """The span of `line` from `start`, without the white space around it."""
    text = line[start:]
    return len(line) - len(text.lstrip()), start + len(text.rstrip())


def first_row(raw: bytes) -> bytes:
    """A unit's first row: a block may be long."""
    return raw[: raw.find(b"\n") + 1] or raw
