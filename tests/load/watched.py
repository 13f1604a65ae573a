"""A lab that is watched while a hostile client is at it: its memory, and how others fare."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailsim.lab.client import find
from tests.load.load_connections import memory

if TYPE_CHECKING:
    from tests.conftest import Up

MOST = 64
"""So many MB the process may grow, whatever comes."""
_PATIENCE = 120.0


class Wire:
    """A connection on which anything may be said."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._reader = connection.makefile("rb")

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        """The next line; b"" at the end."""
        try:
            return self._reader.readline()
        except ConnectionError:
            return b""

    def until(self, pattern: bytes) -> bytes:
        """The next line that begins so (a regular expression).  Raises EOFError."""
        match = re.compile(pattern).match
        while not match(line := self.line()):
            if not line:
                raise EOFError(pattern)
        return line

    def ask(self, said: bytes, pattern: bytes) -> bytes:
        """Say it, and wait for such a line."""
        self.say(said)
        return self.until(pattern)

    def close_reader(self) -> None:
        self._reader.close()

    def close(self) -> None:
        with suppress(OSError):
            self._reader.close()
        self.socket.close()


class Watched:
    """A lab of a process of its own."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.pid = up.process.pid
        self._wires: list[Wire] = []
        self.passwords = {one["user"]: one["password"] for one in up.document["accounts"]}

    def close(self) -> None:
        """Leave without a word."""
        for one in self._wires:
            one.close()

    def reach(self, service: str) -> Wire:
        """Connected, and nothing said."""
        where = self.up.document["endpoints"][service]
        connection = socket.create_connection((where["host"], where["port"]), _PATIENCE)
        self._wires.append(Wire(connection))
        return self._wires[-1]

    @cached_property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.up.document["ca"])

    def secure(self, wire: Wire) -> Wire:
        """The TLS handshake, which must succeed."""
        wire.close_reader()
        secured = self.context.wrap_socket(wire.socket, server_hostname="mail.minfo.sn")
        self._wires.append(Wire(secured))
        return self._wires[-1]

    @property
    def clear(self) -> bool:
        """Whether IMAP and POP3 are spoken in the clear."""
        return bool(self.up.document["stage"] == "mail")

    def imap(self, user: str = "user") -> Wire:
        """Logged in."""
        wire = self.reach("imap") if self.clear else self.secure(self.reach("imaps"))
        wire.until(rb"\* OK")
        wire.ask(f"a LOGIN {user} {self.passwords[user]}\r\n".encode(), b"a OK")
        return wire

    def pop3(self, user: str = "user") -> Wire:
        wire = self.reach("pop3") if self.clear else self.secure(self.reach("pop3s"))
        wire.until(rb"\+OK")
        wire.ask(f"USER {user}\r\n".encode(), rb"\+OK")
        wire.ask(f"PASS {self.passwords[user]}\r\n".encode(), rb"\+OK")
        return wire

    def sieve(self, user: str = "user") -> Wire:
        wire = self.reach("managesieve")
        wire.until(b"OK")
        wire.ask(b"STARTTLS\r\n", b"OK")
        wire = self.secure(wire)
        wire.until(b"OK")
        token = b64encode(f"\0{user}\0{self.passwords[user]}".encode())
        wire.ask(b'AUTHENTICATE "PLAIN" "%s"\r\n' % token, b"OK")
        return wire

    def smtp(self) -> Wire:
        """Greeted, and between two messages."""
        wire = self.reach("smtp")
        wire.until(b"220 ")
        wire.ask(b"EHLO poste.minfo.sn\r\n", b"250 ")
        return wire

    def send(self, content: bytes, user: str = "user") -> bytes:
        """A message by SMTP; what is answered to it."""
        wire = self.smtp()
        wire.ask(b"MAIL FROM:<autre_user@minfo.sn>\r\n", b"250 ")
        wire.ask(f"RCPT TO:<{user}@minfo.sn>\r\n".encode(), b"250 ")
        wire.ask(b"DATA\r\n", b"354 ")
        said = wire.ask(content.replace(b"\n.", b"\n..") + b"\r\n.\r\n", b"[245]")
        wire.close()
        return said

    def deliver(self, user: str, content: bytes) -> None:
        """The same, and it has arrived."""
        assert self.send(content, user).startswith(b"250 ")
        self.rest()

    def rest(self) -> None:
        """Until the queue has nothing to do."""
        attached: Any = find("default")
        attached.ask("idle", timeout=120)

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Memory never grows by more than MOST meanwhile, not even at its highest."""
        before = memory(self.pid)
        forget_peak(self.pid)
        yield
        grown = peak(self.pid) - before
        assert grown <= MOST, f"{before} MB, and {grown} more"

    def meanwhile(self, bomb: Callable[[], object], most: int = 10) -> None:
        """Do it again and again until somebody else has logged in and read mail: that must not
        take more than so many times."""
        served = threading.Event()

        def read() -> None:
            self.read_mail()
            served.set()

        other = threading.Thread(target=read)
        other.start()
        count = 0
        while count == 0 or not served.is_set():
            assert count < most, "nobody else is served"
            bomb()
            count += 1
        other.join()

    def read_mail(self) -> None:
        """As an ordinary client does."""
        wire = self.imap("mactar")
        assert b"1 EXISTS" in wire.ask(b"b SELECT INBOX\r\n", rb"\* \d+ EXISTS")
        wire.ask(b"c FETCH 1 (FLAGS BODY.PEEK[])\r\n", rb"\* 1 FETCH")
        wire.until(b"c OK")
        wire.ask(b"d LOGOUT\r\n", b"d OK")
        wire.close()


def forget_peak(pid: int) -> None:
    """What memory(pid) was at its highest counts from now on."""
    clear = Path(f"/proc/{pid}/clear_refs")
    if clear.exists():
        clear.write_text("5", "ascii")


def peak(pid: int) -> int:
    """The highest resident set in MB, 0 where /proc does not tell it."""
    status = Path(f"/proc/{pid}/status")
    text = status.read_text("ascii") if status.exists() else ""
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) >> 10 if found else 0
