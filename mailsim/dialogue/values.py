"""What was said on one connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from mailsim.model import Endpoint

_ROW = re.compile(rb"[^\n]*\n|[^\n]+")


class Side(Enum):
    """Who speaks."""

    CLIENT = "C"
    SERVER = "S"


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One unit that travelled: a line with its line end, or a block.

    A block (message content, a literal, a chunk) may hold many line ends; `rows()`
    gives what a transcript shows.  `at` is in seconds since the dialogue began.
    """

    side: Side
    raw: bytes
    secure: bool = False
    at: float = 0.0

    @property
    def text(self) -> str:
        r"""The line without its line end; bytes that are not UTF-8 as \xNN."""
        return self.raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")

    @property
    def is_block(self) -> bool:
        """Whether there is more than one row in it, or no line end."""
        return self.raw.find(b"\n") != len(self.raw) - 1

    def __repr__(self) -> str:
        # Without the bytes: a notebook shows a dialogue by its lines, and only the
        # renderings know which of them are secret.
        covered = ", secure" if self.secure else ""
        return f"<Line {self.side.value}: {len(self.raw)} octets{covered}>"

    def rows(self) -> tuple[bytes, ...]:
        """The rows of a block, each with its own line end; cut at LF alone."""
        return tuple(_ROW.findall(self.raw)) if self.is_block else (self.raw,)


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on an exchange: an id of `messages/note.json` with its parameters.

    "note.raw": sent with send_raw; "note.tls": TLS covers what follows; "note.timeout" …
    """

    id: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """What the client said and what came back, in the order in which it travelled.

    Several lines each way: continuations, pipelined commands, unsolicited data.
    A greeting is an exchange in which the client says nothing.
    """

    lines: tuple[Line, ...]
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        # Without the bytes: which of them are secret, what was said before decides.
        return f"<Exchange: {len(self.sent)} sent, {len(self.received)} received>"

    @property
    def sent(self) -> tuple[Line, ...]:
        """The client's lines."""
        return tuple(line for line in self.lines if line.side is Side.CLIENT)

    @property
    def received(self) -> tuple[Line, ...]:
        """The server's lines."""
        return tuple(line for line in self.lines if line.side is Side.SERVER)


@dataclass(frozen=True, slots=True, repr=False)
class Dialogue:
    """All that was said on one connection, so far or to its end.

    `str()` and a notebook show its lines, secrets hidden, as they show a Step's.
    """

    endpoint: Endpoint
    exchanges: tuple[Exchange, ...] = ()

    def lines(self) -> Iterator[Line]:
        """Every line, in order."""
        for exchange in self.exchanges:
            yield from exchange.lines

    def __len__(self) -> int:
        return len(self.exchanges)

    def __repr__(self) -> str:
        from mailsim.dialogue.redact import redact  # noqa: PLC0415 - both are made of dialogues
        from mailsim.dialogue.text import lines_text  # noqa: PLC0415

        return lines_text(redact(self)) or f"<Dialogue with {self.endpoint}: nothing was said>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        pages = {kind: page(self) for kind, page in _PAGES.items()}
        return {"text/plain": repr(self), **pages}


_PAGES: Final[dict[str, Callable[[Dialogue], str]]] = {}


def show_dialogues(kind: str, page: Callable[[Dialogue], str]) -> None:
    """Let notebooks show every dialogue by `page` too; `kind` is its media type.

    What makes HTML of a dialogue stands above this layer, and says here that it is there.
    """
    _PAGES[kind] = page
