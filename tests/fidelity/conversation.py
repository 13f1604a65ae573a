"""What is said to a server, state by state; its answers kept, and the same said to another.

The real system is asked once and what it answers is kept (`record`); the simulator is asked
exactly the same, connection by connection (`replay`).  Within a connection only the last command
leads to another state, so that the rest is said on a new one where the simulator has moved.
"""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailsim.model import Protocol, Security
from mailsim.model.service import SERVICES
from tests.fidelity.cells import Observation
from tests.fidelity.wire import CLOSED, Answer, Wire

if TYPE_CHECKING:
    from mailsim import Lab

STARTTLS: Final = "(handshake)"
"""In a path: the TLS handshake, after the command that asked for it."""
REFUSED: Final = 3
"""How many variants of a command are said in a state that does not allow it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A command.  `label` names it in the report and is what is sent, with CRLF, where no `parts`
    say otherwise: the first is sent at once, each other one where the server asks for more."""

    label: str
    parts: tuple[bytes, ...] = ()
    moves: bool = False
    """Accepted, it leads to another state: what follows needs a new connection."""
    last: bool = False
    """It may have several answers: what follows needs a new connection."""

    @property
    def sent(self) -> tuple[bytes, ...]:
        """What is sent."""
        return self.parts or (self.label.encode("utf-8", "surrogateescape") + b"\r\n",)


@dataclass(frozen=True, slots=True)
class State:
    """A situation: the service, what leads there, and how many refusals it stands."""

    name: str
    service: str
    path: tuple[str, ...] = ()
    errors: int = 9

    @property
    def protocol(self) -> Protocol:
        """What is spoken."""
        return SERVICES[self.service].protocol


@dataclass(slots=True)
class Conversation:
    """One connection: what led to the state, what was said there, and each answer."""

    state: State
    way: list[Answer] = field(default_factory=list)
    said: list[tuple[Probe, Answer]] = field(default_factory=list)


Asked = Iterable[tuple[State, list[Probe]]]


class Connection:
    """A connection to one lab's service, on its way through a state's path."""

    def __init__(self, lab: Lab, state: State) -> None:
        there = lab.endpoints[state.service]
        context = ssl.create_default_context(cafile=str(lab.ca))
        implicit = there.security is Security.IMPLICIT
        self._wire = Wire(there.reached, state.protocol, context, tls=implicit)
        self._protocol = state.protocol
        self._passwords = {one.user: one.password for one in lab.accounts}

    def close(self) -> None:
        """Without a word."""
        self._wire.close()

    def lead(self, path: Iterable[str]) -> Iterator[Answer]:
        """Go the whole path; the answer to each command on it."""
        for line in path:
            if line != STARTTLS:
                yield self.say(Probe(line))
                continue
            self._wire.start_tls()
            if self._protocol is Protocol.MANAGESIEVE:
                self._wire.hear("")

    def say(self, probe: Probe) -> Answer:
        """All of a command, as long as the server asks for more of it; the last answer."""
        tag = self._wire.next_tag() + b" " if self._protocol is Protocol.IMAP else b""
        answer = Answer(CLOSED)
        for number, part in enumerate(probe.sent):
            filled = self._filled(part)
            self._wire.send(filled if number else tag + filled)
            answer = self._wire.hear(probe.label)
            if not answer.more:
                break
        return answer

    def _filled(self, raw: bytes) -> bytes:
        """With the lab's own password where one is named: {password user}, {plain user} for
        PLAIN's response, {base64 user} for LOGIN's."""
        return _NAMED.sub(lambda found: self._secret(*found.groups()), raw)

    def _secret(self, form: bytes, user: bytes) -> bytes:
        password = self._passwords[user.decode()].encode()
        if form == b"password":
            return password
        return b64encode(b"\0%b\0%b" % (user, password) if form == b"plain" else password)


_NAMED: Final = re.compile(rb"\{(password|plain|base64) (\w+)\}")


def record(lab: Lab, asked: Asked) -> Iterator[Conversation]:
    """Say all probes in their states to the lab."""
    for state, probes in asked:
        rest = list(probes)
        while rest:
            yield _recorded(lab, state, rest)


def _recorded(lab: Lab, state: State, rest: list[Probe]) -> Conversation:
    """One connection, as long as it stays in the state; what was said is taken from `rest`."""
    made = Conversation(state)
    connection = Connection(lab, state)
    try:
        made.way.extend(connection.lead(state.path))
        left = state.errors - sum(one.refusal for one in made.way)
        while rest:
            probe = rest.pop(0)
            answer = connection.say(probe)
            made.said.append((probe, answer))
            left -= answer.refusal
            moved = probe.moves and not answer.refusal
            if moved or probe.last or answer.ended or answer.more or left <= 0:
                break
    finally:
        connection.close()
    return made


def replay(lab: Lab, conversations: Iterable[Conversation], where: Place) -> Iterator[Observation]:
    """Say the same to another lab, and hold its answers beside those that were kept."""
    for one in conversations:
        rest = list(one.said)
        while rest:
            yield from _replayed(lab, one, rest, where)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answers are from."""

    release: str
    stage: str

    def observe(self, state: State, label: str, real: Answer, simulated: Answer) -> Observation:
        """Both answers to one command."""
        where = (state.protocol.value, self.release, self.stage, state.name)
        return Observation(*where, label, real, simulated)


def _replayed(
    lab: Lab, kept: Conversation, rest: list[tuple[Probe, Answer]], where: Place
) -> Iterator[Observation]:
    connection = Connection(lab, kept.state)
    try:
        lines = [line for line in kept.state.path if line != STARTTLS]
        for line, real, answer in zip(
            lines, kept.way, connection.lead(kept.state.path), strict=True
        ):
            yield where.observe(kept.state, line, real, answer)
        while rest:
            probe, real = rest.pop(0)
            answer = connection.say(probe)
            yield where.observe(kept.state, probe.label, real, answer)
            # What follows is said in the same state: on a new connection, where this one left it.
            if answer.ended or answer.more or (probe.moves and not answer.refusal):
                break
    finally:
        connection.close()
