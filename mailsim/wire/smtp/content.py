"""Message content: dot-stuffed behind DATA, counted behind BDAT."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from typing import ClassVar

from mailsim.errors import UsageError

END_OF_DATA = b".\r\n"


def crlf(message: str | bytes | Message) -> bytes:
    """A message as it may travel: every line end is CRLF, the last line has one.

    Bare CR and bare LF become CRLF (RFC 5321 §2.3.8 allows neither alone); to
    send them as they are, use `send_raw()`.
    """
    if isinstance(message, Message):
        message = message.as_bytes()
    raw = message.encode("utf-8", "surrogateescape") if isinstance(message, str) else message
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n"


def dot_stuff(content: bytes) -> bytes:
    """Double the dot at the beginning of each line (RFC 5321 §4.5.2)."""
    if content[:1] != b"." and b"\n." not in content:
        return content
    return (b"." if content[:1] == b"." else b"") + content.replace(b"\n.", b"\n..")


def dot_unstuff(content: bytes) -> bytes:
    """Take off the first dot of each line that begins with one (RFC 5321 §4.5.2)."""
    if content[:1] != b"." and b"\n." not in content:
        return content
    return content[1 if content[:1] == b"." else 0 :].replace(b"\n.", b"\n")


@dataclass(frozen=True, slots=True)
class Content:
    """What follows the 354: the message, its end marked by a lone dot.

    `data` has CRLF line ends and is not stuffed; `units()` are the stuffed
    block and the final dot.
    """

    data: bytes

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

    In server role the command comes with `data` empty and the chunk follows as a
    `Content`-like block; `size` is what was announced.
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
