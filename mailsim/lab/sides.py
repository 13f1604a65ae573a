"""One side of a comparison: a lab that runs, one started for it, or any other server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import mailsim
from mailsim.dialogue import Dialogue
from mailsim.errors import LabError, MailsimError, NetworkError, RemoteProtocolError, UsageError
from mailsim.lab.attach import BACKENDS, attach, lab_name, start
from mailsim.lab.client import find
from mailsim.lab.lab import Lab
from mailsim.model.endpoint import Endpoint, Protocol
from mailsim.model.stage import Release, Stage

if TYPE_CHECKING:
    from mailsim.tracers.base import Tracer

Report = Callable[[str], None]
# Both sides have the same passwords and ids, and the same script says the same to both.
_SEED: Final = "compare"
_TRACERS: Final = {
    Protocol.SMTP: "SmtpTracer",
    Protocol.LMTP: "LmtpTracer",
    Protocol.POP3: "Pop3Tracer",
    Protocol.IMAP: "ImapTracer",
    Protocol.MANAGESIEVE: "ManageSieveTracer",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A side as it was asked for: `where` is a backend, a lab's name or HOST:PORT; None where
    stage or release may be any."""

    where: str
    stage: Stage | None = None
    release: Release | None = None

    def like(self, other: Lab | None) -> Wanted:
        """The same, of the other side's stage and release where nothing else was asked for."""
        if other is None:
            return self
        return Wanted(self.where, self.stage or other.stage, self.release or other.release)


@dataclass(frozen=True, slots=True)
class Side:
    """A server to talk to: a lab, or None where `where` is another server's address."""

    name: str
    lab: Lab | None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said to a server, and what broke the connection before the script's end."""

    dialogue: Dialogue
    broken: MailsimError | None = None


@contextmanager
def two_sides(first: Wanted, second: Wanted, report: Report) -> Iterator[tuple[Side, Side]]:
    """Both, what must be started started; that ends with the block.  Raises LabError, UsageError.

    A lab that is started is like the other one where nothing else is asked for.
    """
    a = _there(first, taken=None)
    b = _there(second, taken=a)
    started: list[Callable[[], None]] = []
    try:
        if a is None:
            a = _started(first.like(b.lab if b else None), "a", report, started)
        if b is None:
            b = _started(second.like(a.lab), "b", report, started)
        yield _told_apart(a, b)
    finally:
        for end in reversed(started):
            end()


def _there(wanted: Wanted, taken: Side | None) -> Side | None:
    """What answers already: another server, a lab of that name, or the one in use if it is as
    wanted and not the other side; None if one must be started."""
    if wanted.where in BACKENDS:
        lab = _in_use(wanted)
        other = taken.lab.name if taken and taken.lab else ""
        return None if lab is None or lab.name == other else Side(_title(lab), lab)
    if ":" in wanted.where:
        return Side(wanted.where, None, wanted.where)
    if find(wanted.where) is None:
        raise LabError("lab.not-running", name=wanted.where)
    lab = Lab(name=wanted.where, stage=wanted.stage, release=wanted.release)
    return Side(_title(lab), lab)


def _in_use(wanted: Wanted) -> Lab | None:
    """The lab that MAILSIM_LAB names, or "default", where it is as wanted."""
    name = lab_name()
    if find(name) is None:
        return None
    lab = Lab(name=name)
    as_wanted = (
        _backend(lab) == wanted.where
        and wanted.stage in (None, lab.stage)
        and wanted.release in (None, lab.release)
    )
    return lab if as_wanted else None


def _started(wanted: Wanted, mark: str, report: Report, started: list[Callable[[], None]]) -> Side:
    name = f"compare-{os.getpid()}-{mark}"
    running = start(
        name, wanted.where, stage=wanted.stage, release=wanted.release, seed=_SEED, report=report
    )
    started.append(running.stop)
    lab = Lab(name=name)
    return Side(_title(lab), lab)


def _backend(lab: Lab) -> str:
    return str(attach(lab.name).ask("describe")["backend"])


def _title(lab: Lab) -> str:
    return f"{_backend(lab)} {lab.release.value} {lab.stage.value}"


def _told_apart(a: Side, b: Side) -> tuple[Side, Side]:
    """With the labs' names where all else is the same."""
    if a.name != b.name:
        return a, b
    first, second = (
        Side(f"{one.name} ({one.lab.name if one.lab else mark})", one.lab, one.where)
        for one, mark in ((a, 1), (b, 2))
    )
    return first, second


def say(
    side: Side, script: Iterable[bytes], protocol: Protocol, *, service: str = "", host: str = ""
) -> Said:
    """Say the script's units one after the other, hearing each one's answer; a port that does not
    answer and a connection that breaks are results.

    `service`: a lab's ("" is the protocol's first open one); `host`: who the client is, by XCLIENT.
    Raises UsageError, LabError.
    """
    try:
        with _connected(side, protocol, service, host) as tracer:
            for unit in script:
                if tracer.ended:
                    break
                tracer.send_raw(unit, note=False)
            return Said(tracer.dialogue)
    except (NetworkError, RemoteProtocolError) as error:
        return Said(_dialogue(error, side, protocol), error)


def _connected(side: Side, protocol: Protocol, service: str, host: str) -> Tracer[Any, Any]:
    if side.lab is None:
        if host:
            raise UsageError("lab.as-another", where=side.where)
        kind: type[Tracer[Any, Any]] = getattr(mailsim, _TRACERS[protocol])
        return kind(side.where)
    lab = side.lab
    if protocol is Protocol.SMTP:
        return lab.smtp(service or "smtp", as_host=host or None)
    if host:
        raise UsageError("lab.as-smtp", protocol=protocol.value)
    if protocol is Protocol.IMAP:
        return lab.imap(service)
    if protocol is Protocol.POP3:
        return lab.pop3(service)
    if protocol is Protocol.MANAGESIEVE:
        return lab.sieve(service or "managesieve")
    raise UsageError("lab.compare-protocol", protocol=protocol.value)


def _dialogue(error: MailsimError, side: Side, protocol: Protocol) -> Dialogue:
    if isinstance(error.dialogue, Dialogue):
        return error.dialogue
    return Dialogue(Endpoint(side.name, protocol, side.name, 0), ())
