"""What can be asked of a container lab: by the real system's own programs."""

from __future__ import annotations

import email
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailsim.dialogue.journey import journey
from mailsim.errors import LabError, UsageError
from mailsim.lab.arguments import LONGEST_WAIT, UNWRITABLE
from mailsim.lab.container import ready
from mailsim.lab.errors import bad_request
from mailsim.lab.faults import named
from mailsim.lab.network import network
from mailsim.model.journey import StopKind
from mailsim.model.stage import Stage
from mailsim.servers.config import FAULTS
from mailsim.servers.firewall import SCANNED, service_name

if TYPE_CHECKING:
    from mailsim.lab.backend import Document
    from mailsim.lab.container.site import Site

Kind = type[Any] | tuple[type[Any], ...]
W = TypeVar("W", bound=Callable[..., Any])

OPERATIONS: dict[str, tuple[Callable[..., Any], Mapping[str, Kind]]] = {}
# What the simulator alone can do: a real server is not disturbed by rule, nor is its clock ours.
_EMBEDDED: Final = frozenset({"advance", "disturb", "set_quota", "sieve_runs", "undisturb"})
_AGAIN: Final = 0.25  # seconds between two looks into the queue
_changing = threading.Lock()


def operation(**kinds: Kind) -> Callable[[W], W]:
    """Declare an operation and the kinds of its parameters."""

    def declare(work: W) -> W:
        OPERATIONS[work.__name__] = (work, kinds)
        return work

    return declare


def perform(site: Site, name: str, parameters: Mapping[str, Any]) -> Any:
    """Check the parameters, do it, give the answer.  Raises MailsimError."""
    if name in _EMBEDDED:
        raise LabError("container.embedded-only", operation=name)
    if name not in OPERATIONS:
        raise bad_request(name, "")
    work, kinds = OPERATIONS[name]
    _check(name, work, kinds, parameters)
    return work(site, **parameters)


def _check(
    name: str, work: Callable[..., Any], kinds: Mapping[str, Kind], given: Mapping[str, Any]
) -> None:
    optional = getattr(work, "__kwdefaults__", None) or {}
    for parameter in kinds.keys() - given.keys() - optional.keys():
        raise bad_request(name, parameter)
    for parameter, value in given.items():
        kind = kinds.get(parameter)
        # True is an int in Python, not in JSON.
        wrong = isinstance(value, bool) and kind is not bool
        if kind is None or wrong or not isinstance(value, kind):
            raise bad_request(name, parameter)


# --- the lab ----------------------------------------------------------------------------------


@operation()
def describe(site: Site) -> Document:
    """What the lab is."""
    return site.describe()


@operation(stage=str)
def reset(site: Site, *, stage: str = "") -> Document:
    """The pristine stage again, the running one or another; its fingerprint."""
    wanted = Stage.of(stage) if stage else None
    with _changing:
        site.reset(wanted)
        return site.state.reached()


@operation(name=str, on=bool)
def fault(site: Site, *, name: str, on: bool) -> list[str]:
    """Build a fault in, or out again; those that are on now."""
    wanted = named(name, FAULTS)
    with _changing:
        site.fault(wanted, on=on)
    return site.faults()


@operation()
def fingerprint(site: Site) -> Document:
    """A hash for each part of the system's state, and `total` for them all."""
    return site.state.fingerprint()


@operation()
def stop(site: Site) -> bool:
    """End the lab, once this is answered."""
    return bool(site)


@operation()
def scan(site: Site) -> list[Document]:
    """The server's ports, tried from the workstation."""
    ports = {service_name(port) or str(port): port for port in SCANNED}
    found = site.on_loop(ready.states(site.outside, ports))
    return [
        {"port": port, "service": service_name(port), "state": found[name].value, "modelled": False}
        for name, port in ports.items()
    ]


# --- mail -------------------------------------------------------------------------------------


@operation(domain=str, up=bool)
def peer(site: Site, *, domain: str, up: bool) -> list[str]:
    """Stop a foreign domain's server, or start it; the domains whose server runs."""
    known = network().peers
    if domain not in known:
        raise LabError("peers.unknown", domain=domain, known=", ".join(known))
    site.server.run("systemctl", "start" if up else "stop", _peer_unit(site, domain))
    states = {
        one: site.server.run("systemctl", "is-active", "-q", _peer_unit(site, one), check=False)
        for one in known
    }
    return sorted(one for one, done in states.items() if not done.returncode)


def _peer_unit(site: Site, domain: str) -> str:
    """Since Postfix 3.9 Debian's units are named without "postfix-"."""
    name = domain.partition(".")[0]
    return f"postfix@{name}" if site.release.postfix >= (3, 9, 0) else f"postfix@postfix-{name}"


@operation(content=str, sender=str, recipients=list)
def deliver(site: Site, *, content: str, sender: str, recipients: list[Any]) -> str:
    """Hand a message (base64) to sendmail(1); its Message-ID."""
    _check_envelope(sender, recipients)
    message, message_id = _identified(site, _content(content))
    words = ("sendmail", "-i", "-f", sender, "--", *recipients)
    done = site.server.run(*words, given=message, check=False)
    if done.returncode:
        raise LabError("lab.refused", reply=done.stderr.decode("utf-8", "replace").strip())
    return message_id


def _check_envelope(sender: str, recipients: list[Any]) -> None:
    if UNWRITABLE.search(sender):
        raise bad_request("deliver", "sender")
    if not recipients or not all(isinstance(one, str) and one for one in recipients):
        raise bad_request("deliver", "recipients")
    if any(UNWRITABLE.search(one) for one in recipients):
        raise bad_request("deliver", "recipients")


def _content(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise bad_request("deliver", "content") from None


def _identified(site: Site, content: bytes) -> tuple[bytes, str]:
    """The message as a local program writes it, and its Message-ID, given where it has none."""
    message = content.replace(b"\r\n", b"\n")
    found = str(email.message_from_bytes(message).get("Message-ID", ""))
    if wanted := found.strip().strip("<>"):
        return message, wanted
    made = f"{time.time_ns():x}.{site.seed}@{network().server.name}"
    return f"Message-ID: <{made}>\n".encode() + message, made


@operation(message_id=str, timeout=(int, float))
def wait(site: Site, *, message_id: str, timeout: float = 10.0) -> bool:
    """Until the message and all that came of it are at rest.  Raises LabError after `timeout`."""
    wanted = message_id.strip().strip("<>")
    if not _until(site, lambda: _at_rest(site, wanted), _patience(timeout)):
        raise LabError("lab.not-seen", message_id=message_id, seconds=timeout)
    return True


def _at_rest(site: Site, message_id: str) -> bool:
    """Whether the log knows it, and nothing of it is on its way."""
    site.log.catch_up()
    way = journey(site.log.lines(), message_id=message_id)
    gone = {stop.line.queue_id for stop in way.of(StopKind.REMOVED)}
    left = set(way.queue_ids) - gone
    # Who hands a message on hears and logs its next queue id before its own is removed.
    return bool(way.queue_ids) and (not left or not left & _moving(site))


@operation(timeout=(int, float))
def idle(site: Site, *, timeout: float = 30.0) -> bool:
    """Until all that can be delivered is.  Raises LabError after `timeout`."""
    if not _until(site, lambda: not _moving(site), _patience(timeout)):
        raise LabError("lab.not-idle", seconds=timeout)
    site.log.catch_up()
    return True


def _until(site: Site, there: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not there():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        # What moves is written to the log.
        site.log.wait(len(site.log.lines()), min(_AGAIN, left))
    return True


def _moving(site: Site) -> set[str]:
    """The queue ids of what is on its way in some instance of Postfix."""
    rest = ("deferred", "hold")
    return {one["queue_id"] for one in site.inside("queue") if one["queue_name"] not in rest}


@operation()
def queue(site: Site) -> list[Document]:
    """The queue's messages, the foreign domains' too."""
    return [_entry(one) for one in site.inside("queue")]


def _entry(one: Document) -> Document:
    waiting = one["queue_name"]
    return {
        "queue_id": one["queue_id"],
        "queue": waiting if waiting in ("deferred", "hold") else "active",
        "sender": "" if one["sender"] == "MAILER-DAEMON" else one["sender"],
        "recipients": [[who["address"], who.get("delay_reason", "")] for who in one["recipients"]],
        "size": one["message_size"],
        "arrival": float(one["arrival_time"]),
        "message_id": one["message_id"],
        "next_attempt": 0.0,
    }


@operation(site_name=str)
def flush(site: Site, *, site_name: str = "") -> bool:
    """Try now what is deferred, all of it or a destination's."""
    words = ["-s", site_name] if site_name else ["-f"]
    site.server.run("postqueue", *words)
    return True


@operation(queue_id=str)
def hold(site: Site, *, queue_id: str) -> bool:
    """Hold a message back."""
    return _postsuper(site, "-h", queue_id)


@operation(queue_id=str)
def release(site: Site, *, queue_id: str) -> bool:
    """Let a message go that was held."""
    return _postsuper(site, "-H", queue_id)


@operation(queue_id=str)
def delete(site: Site, *, queue_id: str) -> bool:
    """Take a message out of the queue for good."""
    return _postsuper(site, "-d", queue_id)


def _postsuper(site: Site, what: str, queue_id: str) -> bool:
    """postsuper(1) takes "ALL" too; here it is one message, of whichever instance."""
    known = {one["queue_id"]: one["folder"] for one in site.inside("queue")}
    if queue_id not in known:
        raise LabError("lab.not-in-queue", queue_id=queue_id)
    site.server.run("postsuper", "-c", known[queue_id], what, queue_id)
    return True


@operation()
def mailboxes(site: Site) -> list[Document]:
    """Every message of every mailbox, as doveadm(1) finds them."""
    found: list[Document] = site.inside("mailboxes")
    return found


@operation()
def counts(site: Site) -> Document:
    """How many messages each mailbox holds."""
    found: Document = site.inside("counts")
    return found


# --- what is seen -----------------------------------------------------------------------------


@operation(since=int, timeout=(int, float), generation=int)
def logs(site: Site, *, since: int = 0, timeout: float = 0.0, generation: int = -1) -> Document:
    """The log from the `since`-th line on, or the last ones (-5); `timeout` waits for one to come.

    A reset begins the log again: another `generation` than the caller's gives it from its start.
    """
    known, begun = generation in (-1, site.generation), site.generation
    if not timeout:
        site.log.catch_up()
    elif known:
        site.log.wait(since, _patience(timeout))
    lines = site.log.lines()
    if not known or site.generation != begun:
        since = 0
    return {
        "lines": lines[since if since >= 0 else max(0, len(lines) + since) :],
        "written": len(lines),
        "generation": site.generation,
    }


@operation(record=dict)
def keep_evidence(site: Site, *, record: Document) -> bool:
    """Keep what a tracer saw, on this side; its later versions take its place."""
    site.evidence.keep(record)
    return True


@operation()
def evidence(site: Site) -> list[Document]:
    """The newest version of every dialogue, in the order in which they began."""
    return site.evidence.documents()


@operation()
def disturbances(site: Site) -> list[Document]:
    """The rules that disturb the lab: a real server knows none."""
    del site
    return []


def _patience(timeout: float) -> float:
    if not 0 <= timeout <= LONGEST_WAIT:
        raise UsageError("lab.bad-seconds", seconds=timeout)
    return timeout
