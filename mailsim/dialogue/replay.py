"""A dialogue played again through the state machines of both sides, in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mailsim.dialogue.values import Dialogue, Line, Side
from mailsim.errors import LocalProtocolError, UsageError
from mailsim.model import Protocol
from mailsim.protocol.core import Core, Received
from mailsim.protocol.imap import ImapClient, ImapServer
from mailsim.protocol.managesieve import ManageSieveClient, ManageSieveServer
from mailsim.protocol.pop3 import Pop3Client, Pop3Server
from mailsim.protocol.smtp import SmtpClient, SmtpServer
from mailsim.wire.quirk import NONE, Quirk

_Cores = tuple[Core[Any, Any], Core[Any, Any]]

_IMAP_GREETING = re.compile(rb"\* (?:OK|PREAUTH|BYE)\b", re.IGNORECASE)
# What opens a fragment that does not begin with a greeting.
_GREETINGS: Final[Mapping[Protocol, bytes]] = {
    Protocol.SMTP: b"220 replay\r\n",
    Protocol.LMTP: b"220 replay\r\n",
    Protocol.POP3: b"+OK replay\r\n",
    Protocol.IMAP: b"* OK replay\r\n",
    Protocol.MANAGESIEVE: b'"IMPLEMENTATION" "replay"\r\n"SIEVE" ""\r\n"VERSION" "1.0"\r\nOK\r\n',
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What both sides understood.

    `commands` is what the server read, `answers` what the client read, each with
    the units that carried it; `written` the answers' bytes as the server writes them.
    """

    commands: tuple[Received[Any], ...]
    answers: tuple[Received[Any], ...]
    written: bytes


def whole(raw: bytes) -> Iterable[bytes]:
    """One piece: how `replay` feeds a unit unless told otherwise."""
    return (raw,)


def replay(
    dialogue: Dialogue,
    *,
    pieces: Callable[[bytes], Iterable[bytes]] = whole,
    quirks: frozenset[Quirk] = NONE,
) -> Replayed:
    """Feed the server's lines to a client and the client's to a server.

    `pieces` cuts each unit as it is to arrive.  A dialogue that does not begin with
    a greeting is given one first, which is not reported.  Raises
    RemoteProtocolError where a side breaks the protocol, UsageError for DNS.
    """
    player = _Player(*_cores(dialogue.endpoint.protocol, quirks), pieces)
    lines = tuple(dialogue.lines())
    if lines and not _greets(lines[0]):
        player.play(Line(Side.SERVER, _GREETINGS[dialogue.endpoint.protocol]))
        player.forget()
    for line in _covered(lines, player):
        player.play(line)
    return Replayed(tuple(player.commands), tuple(player.answers), b"".join(player.written))


def _greets(line: Line) -> bool:
    """Whether a server's first line is a greeting; in IMAP other data may open a fragment."""
    data = line.raw.startswith(b"* ") and not _IMAP_GREETING.match(line.raw)
    return line.side is Side.SERVER and not data


def _covered(lines: Iterable[Line], player: _Player) -> Iterator[Line]:
    """The lines; TLS begins where the first that it covers does, unless it covers all."""
    before: Line | None = None
    for line in lines:
        if before is not None and line.secure and not before.secure:
            player.start_tls()
        before = line
        yield line


def _cores(protocol: Protocol, quirks: frozenset[Quirk]) -> _Cores:
    lmtp = protocol is Protocol.LMTP
    if lmtp or protocol is Protocol.SMTP:
        return SmtpClient(lmtp=lmtp, quirks=quirks), SmtpServer(lmtp=lmtp, quirks=quirks)
    if protocol is Protocol.POP3:
        return Pop3Client(quirks=quirks), Pop3Server(quirks=quirks)
    if protocol is Protocol.IMAP:
        return ImapClient(quirks=quirks), ImapServer(quirks=quirks)
    if protocol is Protocol.MANAGESIEVE:
        return ManageSieveClient(quirks=quirks), ManageSieveServer(quirks=quirks)
    raise UsageError("dialogue.replay-protocol", protocol=protocol.value)


@dataclass(slots=True)
class _Player:
    client: Core[Any, Any]
    server: Core[Any, Any]
    pieces: Callable[[bytes], Iterable[bytes]]
    commands: list[Received[Any]] = field(default_factory=list)
    answers: list[Received[Any]] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)

    def play(self, line: Line) -> None:
        if line.side is Side.CLIENT:
            self.client.send_raw(line.raw)
            self.client.outgoing()
        for piece in self.pieces(line.raw):
            if line.side is Side.CLIENT:
                self.server.receive(piece)
            else:
                self.client.receive(piece)
            self._settle()

    def _settle(self) -> None:
        """What the client read is what the server must have said: so it goes on."""
        self._read()
        while answer := self.client.next_event():
            self.client.outgoing()
            self.answers.append(answer)
            self._say(answer)
            self.written.extend(self.server.outgoing())
            self._read()

    def _say(self, answer: Received[Any]) -> None:
        try:
            self.server.send(answer.value)
        except LocalProtocolError:
            # What a server in order would not say, or says of itself (IMAP's "+" to a literal).
            self.server.send_raw(b"".join(answer.units))

    def _read(self) -> None:
        while command := self.server.next_event():
            self.server.outgoing()
            self.commands.append(command)

    def start_tls(self) -> None:
        self.client.tls_started()
        self.server.tls_started()

    def forget(self) -> None:
        self.commands.clear()
        self.answers.clear()
        self.written.clear()
