"""What carries a message's content: dot-stuffed behind DATA, counted behind BDAT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailsim.errors import UsageError
from mailsim.wire.content import END_OF_DATA, dot_stuff


@dataclass(frozen=True, slots=True)
class Content:
    """What follows the 354: the message, its end marked by a lone dot.

    `data` has CRLF line ends and is not stuffed; `units()` are the stuffed
    block and the final dot.  In server role `size` is how many octets came where they
    were too many to be kept (`data` is empty then), `bare_lf` whether a line ended
    with LF alone.
    """

    data: bytes
    size: int = -1
    bare_lf: bool = False

    verb: ClassVar[str] = "."

    def __post_init__(self) -> None:
        if self.data and not self.data.endswith(b"\r\n"):
            raise UsageError("smtp.content-without-crlf")

    def units(self) -> tuple[bytes, ...]:
        """The bytes as they travel."""
        return (dot_stuff(self.data), END_OF_DATA) if self.data else (END_OF_DATA,)


@dataclass(frozen=True, slots=True)
class Bdat:
    """`BDAT 86 LAST` and its chunk.

        bdat-cmd  ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF    ; RFC 3030 §2

    `size` is what was announced, where it is not the length of `data`: a chunk that was
    too long for the server role to keep.
    """

    data: bytes
    last: bool = False
    size: int = -1

    verb: ClassVar[str] = "BDAT"

    @property
    def octets(self) -> int:
        """The announced size."""
        return len(self.data) if self.size < 0 else self.size

    def units(self) -> tuple[bytes, ...]:
        """The command's line and the chunk."""
        line = f"BDAT {self.octets}{' LAST' if self.last else ''}\r\n".encode()
        return (line, self.data) if self.data else (line,)
