"""A client of a few lines that shows what an IMAP server sends, octet for octet."""

from __future__ import annotations

import re
import socket
from types import TracebackType
from typing import Self

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n\Z")


class RawImap:
    """One connection; each command gives the untagged responses, literals in them, and the tagged one."""

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.create_connection((address, port), timeout=60)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._response()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._socket.close()

    def command(self, line: bytes) -> tuple[list[bytes], bytes]:
        """Send a command.  Raises EOFError if the server ends the connection instead of answering."""
        self._number += 1
        tag = b"r%d " % self._number
        self._socket.sendall(tag + line + b"\r\n")
        untagged = []
        while not (response := self._response()).startswith(tag):
            untagged.append(response)
        return untagged, response.removeprefix(tag)

    def ok(self, line: bytes) -> list[bytes]:
        """The untagged responses to a command that must succeed."""
        untagged, tagged = self.command(line)
        assert tagged.startswith(b"OK "), (line, tagged)
        return untagged

    def append(self, mailbox: bytes, content: bytes, flags: str, received: str) -> None:
        """APPEND, the octets as they are."""
        head = f' ({flags}) "{received}" {{{len(content)}+}}\r\n'.encode()
        self.ok(b"APPEND " + mailbox + head + content)

    def _response(self) -> bytes:
        response = self._line()
        while match := _LITERAL.search(response):
            response += self._file.read(int(match[1])) + self._line()
        return response

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line:
            raise EOFError
        return line


def literal(response: bytes, name: bytes) -> tuple[bytes, bool]:
    """The literal behind `name` in a FETCH response, and whether it is a literal8."""
    match = re.search(re.escape(name) + rb" (~?)\{([0-9]+)\}\r\n", response)
    assert match, response[:200]
    return response[match.end() : match.end() + int(match[2])], bool(match[1])
