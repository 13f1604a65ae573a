"""What a lab gives: frozen values, made from JSON's, that show themselves as a table."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from mailsim.dialogue import Dialogue
from mailsim.dialogue.json import from_document
from mailsim.dialogue.log import parse_line
from mailsim.errors import MailsimError
from mailsim.lab.backend import Document
from mailsim.lab.errors import NoSuchName
from mailsim.language import word
from mailsim.model.endpoint import Endpoint, PortState, Protocol
from mailsim.model.log import LogLine
from mailsim.model.network import Account
from mailsim.model.queue import QueueEntry, QueueName, StoredMessage, Waiting
from mailsim.model.service import SERVICES, Port

T = TypeVar("T")


class Listing(tuple[T, ...], Generic[T]):
    """A tuple that shows itself with a line for each of its values."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(self._line, self)) or "()"

    def _line(self, value: T) -> str:
        return str(value)


class Logs(Listing[LogLine]):
    """The log."""

    __slots__ = ()


class Queue(Listing[QueueEntry]):
    """The queue, as postqueue -p would show it."""

    __slots__ = ()

    def _line(self, value: QueueEntry) -> str:
        sender = value.sender or "MAILER-DAEMON"
        rows = [f"{value.queue_id} {value.queue.value:<8} {value.size:>8} {sender}"]
        for one in value.recipients:
            rows += [f"    ({one.reason})"] if one.reason else []
            rows.append(f"    {one.address}")
        return "\n".join(rows)


class Evidence(Listing[Dialogue]):
    """Dialogues, a line for each: which service, and how much was said."""

    __slots__ = ()

    def _line(self, value: Dialogue) -> str:
        lines = sum(1 for _ in value.lines())
        return word("lab.dialogue", name=value.endpoint.name, at=value.endpoint, lines=lines)


class Accounts(Listing[Account]):
    """Who has a mailbox, passwords shown: they are the lab's own and protect nothing."""

    __slots__ = ()

    def _line(self, value: Account) -> str:
        return f"{value.address:<24} {value.password}"

    def password(self, user: str) -> str:
        """The password of that user (local part or address).  Raises NoSuchName, a KeyError."""
        for one in self:
            if user in (one.user, one.address):
                return one.password
        raise _no_such(user, [one.address for one in self])


class Scan(Listing[Port]):
    """The ports, and the word that it is a model that says so."""

    __slots__ = ()

    def __repr__(self) -> str:
        modelled = any(one.modelled for one in self)
        return super().__repr__() + (f"\n{word('lab.scan-model')}" if modelled else "")


@dataclass(frozen=True, slots=True)
class SieveRun:
    """One script over one message: its steps (line, depth, sentence), what was wrong, and the
    actions decided (line, action)."""

    user: str
    session: str
    script: str
    decided: tuple[tuple[int, str], ...]
    errors: tuple[str, ...]
    trace: tuple[tuple[int, int, str], ...]

    def __str__(self) -> str:
        steps = (f"{line:>5} {'  ' * depth}{text}" for line, depth, text in self.trace)
        done = (f"{line or '':>5} → {action}" for line, action in self.decided)
        return "\n".join((f"{self.user}: {self.script}", *steps, *self.errors, *done))


class SieveRuns(Listing[SieveRun]):
    """What Sieve did with a message."""

    __slots__ = ()


def _no_such(name: object, known: Iterable[str], absent: str = "lab.no-such-name") -> NoSuchName:
    return NoSuchName(absent, name=name, known=", ".join(known) or "-")


class Snapshot(Mapping[str, T], Generic[T]):
    """A mapping that does not change, and shows a line for each of its names.

    A name that it has not raises NoSuchName, a LabError and a KeyError.
    """

    _absent = "lab.no-such-name"

    def __init__(self, values: Mapping[str, T]) -> None:
        self._values = MappingProxyType(dict(values))

    def __getitem__(self, name: str) -> T:
        try:
            return self._values[name]
        except (KeyError, TypeError):
            raise _no_such(name, self._values, self._absent) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return (
            "\n".join(f"{name:<{width}}  {self._shown(one)}" for name, one in self.items()) or "{}"
        )

    def _shown(self, value: T) -> str:
        return str(value)


class Fingerprint(Snapshot[str]):
    """Part of the lab's state → its hash; `total` is that of them all."""


class Endpoints(Snapshot[Endpoint]):
    """A service's name → where it is reached, and whether it is."""

    def _shown(self, value: Endpoint) -> str:
        at = f"  {value.address}:{value.reached_port}" if value.reached_port else ""
        return f"{value!s:<20}  {value.state.value:<8}{at}".rstrip()


class Mailboxes(Snapshot["Snapshot[tuple[StoredMessage, ...]]"]):
    """User → mailbox → messages."""

    _absent = "lab.no-mail"

    def _shown(self, value: Snapshot[tuple[StoredMessage, ...]]) -> str:
        return ", ".join(f"{name} {len(messages)}" for name, messages in value.items())


@dataclass(frozen=True, slots=True)
class About:
    """What a lab is.  `seed` repeats it where the clock is `fixed`; `document` is all of it."""

    name: str
    backend: str
    release: str
    stage: str
    seed: str
    fixed: bool
    faults: tuple[str, ...]
    document: Document = field(repr=False)


def about(document: Document) -> About:
    """What the lab says of itself."""
    known = ("name", "backend", "release", "stage", "seed", "fixed")
    return About(
        **{name: document[name] for name in known},
        faults=tuple(document["faults"]),
        document=document,
    )


def endpoints(documents: Document, server: str) -> Endpoints:
    """The services of the host `server`."""
    made = {}
    for name, service in SERVICES.items():
        if (one := documents.get(name)) is not None:
            known = (name, service.protocol, server, service.port, service.security)
            reached = (one["host"], one["port"], PortState(one["state"]))
            made[name] = Endpoint(*known, *reached)
    return Endpoints(made)


def services(protocol: Protocol) -> list[str]:
    """The names of the services that speak it."""
    return [name for name, one in SERVICES.items() if one.protocol is protocol]


def queue(documents: list[Document]) -> Queue:
    """The queue's entries."""
    return Queue(
        QueueEntry(
            **{
                **one,
                "queue": QueueName(one["queue"]),
                "recipients": tuple(Waiting(*two) for two in one["recipients"]),
            }
        )
        for one in documents
    )


def mailboxes(documents: list[Document]) -> Mailboxes:
    """The messages by user and mailbox."""
    found: dict[str, dict[str, list[StoredMessage]]] = {}
    for one in documents:
        message = StoredMessage(**{**one, "content": b64decode(one["content"])})
        found.setdefault(message.user, {}).setdefault(message.mailbox, []).append(message)
    return Mailboxes({user: Snapshot(_frozen(boxes)) for user, boxes in found.items()})


def _frozen(boxes: Mapping[str, list[T]]) -> dict[str, tuple[T, ...]]:
    return {name: tuple(messages) for name, messages in boxes.items()}


def scan(documents: list[Document]) -> Scan:
    """The ports."""
    return Scan(
        Port(one["port"], one["service"], PortState(one["state"]), one["modelled"])
        for one in documents
    )


def evidence(documents: list[Document]) -> Evidence:
    """The dialogues."""
    read = map(_dialogue, documents)
    return Evidence(one for one in read if one is not None)


def _dialogue(document: Document) -> Dialogue | None:
    """None for what is no dialogue: whoever has the lab's token may have written it."""
    try:
        return from_document(document)
    except MailsimError:
        return None


def logs(lines: list[str]) -> Logs:
    """The lines, taken apart."""
    return Logs(map(parse_line, lines))


def accounts(documents: list[Document]) -> Accounts:
    """The accounts with their passwords."""
    return Accounts(Account(one["user"], one["domain"], one["password"]) for one in documents)


def sieve_runs(documents: list[Document]) -> SieveRuns:
    """The scripts' runs."""
    listed = ("decided", "trace")
    return SieveRuns(
        SieveRun(
            **{
                **one,
                "errors": tuple(one["errors"]),
                **{name: tuple(tuple(row) for row in one[name]) for name in listed},
            }
        )
        for one in documents
    )
