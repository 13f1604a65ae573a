"""What can be asked of an embedded lab.  All run on the simulator's loop; values are JSON's."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from mailsim.dialogue.journey import journey
from mailsim.errors import LabError, UsageError
from mailsim.lab.arguments import LONGEST_WAIT
from mailsim.lab.backend import Document
from mailsim.lab.delivery import bare, submission
from mailsim.lab.errors import bad_request
from mailsim.lab.faults import named
from mailsim.model.queue import QueueEntry, StoredMessage
from mailsim.model.stage import Stage
from mailsim.servers import firewall
from mailsim.servers.clock import LATEST
from mailsim.servers.config import FAULTS
from mailsim.servers.disturbance import Rule
from mailsim.servers.queue.refused import Refused

if TYPE_CHECKING:
    from mailsim.lab.embedded import Site

Kind = type[Any] | tuple[type[Any], ...]
Work = Callable[..., Any]
W = TypeVar("W", bound=Work)

OPERATIONS: dict[str, tuple[Work, Mapping[str, Kind]]] = {}


def operation(**kinds: Kind) -> Callable[[W], W]:
    """Declare an operation and the kinds of its parameters."""

    def declare(work: W) -> W:
        OPERATIONS[work.__name__] = (work, kinds)
        return work

    return declare


async def perform(site: Site, name: str, parameters: Mapping[str, Any]) -> Any:
    """Check the parameters, do it, give the answer.  Raises MailsimError."""
    if name not in OPERATIONS:
        raise bad_request(name, "")
    work, kinds = OPERATIONS[name]
    _check(name, work, kinds, parameters)
    result = work(site, **parameters)
    answer = await result if isinstance(result, Awaitable) else result
    site.write_log()  # who is answered may read it
    return answer


def _check(name: str, work: Work, kinds: Mapping[str, Kind], given: Mapping[str, Any]) -> None:
    optional = work.__kwdefaults__ or {}
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
    """What the lab is: all but what travels through it."""
    return site.describe()


@operation(stage=str)
async def reset(site: Site, *, stage: str = "") -> Document:
    """The pristine stage again, the running one or another; its fingerprint."""
    await site.reset(Stage.of(stage) if stage else None)
    return fingerprint(site)


@operation(name=str, on=bool)
def fault(site: Site, *, name: str, on: bool) -> list[str]:
    """Switch a fault; those that are on now."""
    site.world.fault(named(name, FAULTS), on=on)
    return site.faults()


@operation()
def fingerprint(site: Site) -> Document:
    """A hash for each part of the lab's state, and `total` for them all."""
    state: Document = {**site.world.state(), "config": asdict(site.world.config)}
    parts = {name: _hash(value) for name, value in sorted(state.items())}
    return {**parts, "total": _hash(parts)}


@operation()
def stop(site: Site) -> bool:
    """End the lab, once this is answered."""
    return bool(site)


@operation()
def scan(site: Site) -> list[Document]:
    """Every port that some stage uses: open, closed or filtered."""
    return [
        {
            "port": one.number,
            "service": one.service,
            "state": one.state.value,
            "modelled": one.modelled,
        }
        for one in firewall.scan(site.world.config)
    ]


# --- mail -------------------------------------------------------------------------------------


@operation(domain=str, up=bool)
async def peer(site: Site, *, domain: str, up: bool) -> list[str]:
    """Stop a foreign domain's server, or start it; the domains whose server runs."""
    return await site.embedded.peer(domain, up=up)


@operation(content=str, sender=str, recipients=list)
async def deliver(site: Site, *, content: str, sender: str, recipients: list[str]) -> str:
    """Hand a message (base64) to the queue, as a program on the server would; its Message-ID."""
    given = submission(content, sender, recipients)
    await site.world.queue.calm()
    begun = site.world.log.written
    try:
        queue_id = site.world.queue.accept(given)
    except Refused as refused:
        raise LabError("lab.refused", reply=refused.reply.text) from None
    # cleanup has given it one where it had none, and written so.
    return journey(site.world.log.lines(begun), queue_id=queue_id).message_id


@operation(message_id=str, timeout=(int, float))
async def wait(site: Site, *, message_id: str, timeout: float = 10.0) -> bool:  # noqa: ASYNC109 - the caller's parameter
    """Until the message and all that came of it are at rest.  Raises LabError after `timeout`."""
    try:
        async with asyncio.timeout(_patience(timeout)):
            await _at_rest(site, message_id.strip().strip("<>"))
    except TimeoutError:
        raise LabError("lab.not-seen", message_id=message_id, seconds=timeout) from None
    return True


async def _at_rest(site: Site, message_id: str) -> None:
    settled: set[str] = set()
    while True:
        queue_ids = set(journey(site.world.log.lines(), message_id=message_id).queue_ids)
        if queue_ids and queue_ids <= settled:
            return
        for queue_id in sorted(queue_ids - settled):
            await site.world.queue.settled(queue_id)
        settled |= queue_ids
        if not queue_ids:
            await site.named_in_log(message_id)


@operation(timeout=(int, float))
async def idle(site: Site, *, timeout: float = 30.0) -> bool:  # noqa: ASYNC109 - the caller's parameter
    """Until all that can be delivered is.  Raises LabError after `timeout`."""
    try:
        async with asyncio.timeout(_patience(timeout)):
            await site.world.queue.idle()
    except TimeoutError:
        raise LabError("lab.not-idle", seconds=timeout) from None
    return True


@operation(seconds=(int, float))
async def advance(site: Site, *, seconds: float) -> float:
    """Let so many seconds pass on the lab's clock; the time."""
    if not 0 <= seconds < 1e9:
        raise UsageError("lab.bad-seconds", seconds=seconds)
    await site.world.queue.calm()
    if site.world.clock.now() + seconds > LATEST:
        raise UsageError("lab.clock-end", seconds=seconds)
    site.world.clock.advance(float(seconds))
    return site.world.clock.now()


@operation()
def queue(site: Site) -> list[Document]:
    """The queue's messages."""
    return [_entry(one) for one in site.world.queue.entries()]


@operation(site_name=str)
def flush(site: Site, *, site_name: str = "") -> bool:
    """Try now what is deferred, all of it or a destination's."""
    site.world.queue.flush(site_name)
    return True


@operation(queue_id=str)
def hold(site: Site, *, queue_id: str) -> bool:
    """Hold a message back."""
    return _there(queue_id, found=site.world.queue.hold(queue_id))


@operation(queue_id=str)
def release(site: Site, *, queue_id: str) -> bool:
    """Let a message go that was held."""
    return _there(queue_id, found=site.world.queue.release(queue_id))


@operation(queue_id=str)
def delete(site: Site, *, queue_id: str) -> bool:
    """Take a message out of the queue for good."""
    return _there(queue_id, found=site.world.queue.delete(queue_id))


def _there(queue_id: str, *, found: bool) -> bool:
    if not found:
        raise LabError("lab.not-in-queue", queue_id=queue_id)
    return True


@operation()
def mailboxes(site: Site) -> list[Document]:
    """Every message of every mailbox; an empty mailbox is not there."""
    store = site.world.store
    kept = sorted(store.mailboxes().items())
    found = (store.messages(user, box) for user, boxes in kept for box in sorted(boxes))
    return [_message(one) for messages in found for one in messages]


@operation()
def counts(site: Site) -> Document:
    """How many messages each mailbox holds."""
    return {user: dict(boxes) for user, boxes in sorted(site.world.store.mailboxes().items())}


@operation(user=str, octets=int, messages=int)
def set_quota(site: Site, user: str, *, octets: int = 0, messages: int = 0) -> bool:
    """Limit what a user may keep."""
    known = site.world.network.users()
    if user not in known:
        raise UsageError("lab.no-such-name", name=user, known=", ".join(known))
    site.world.store.set_quota(user, octets=max(0, octets), messages=max(0, messages))
    return True


@operation(message_id=str, lang=str)
def sieve_runs(site: Site, *, message_id: str, lang: str = "en") -> list[Document]:
    """What Sieve did with a message, script by script; the trace is worded in `lang`."""
    return [
        {
            "user": one.user,
            "session": one.session,
            "script": one.location,
            "decided": [list(action) for action in one.decided],
            "errors": [error.worded(lang) for error in one.errors],
            "trace": [[step.line, step.depth, step.worded(lang)] for step in one.trace],
        }
        for one in site.world.sieve_runs.of(message_id)
    ]


# --- what is seen -----------------------------------------------------------------------------


@operation(since=int, timeout=(int, float), generation=int)
async def logs(
    site: Site,
    *,
    since: int = 0,
    timeout: float = 0.0,  # noqa: ASYNC109 - the caller's parameter
    generation: int = -1,
) -> Document:
    """The log from the `since`-th line on, or the last ones (-5); `timeout` waits for one to come.

    A reset begins the log again: another `generation` than the caller's gives it from its start.
    """
    known = generation in (-1, site.generation)
    begun = site.generation
    if known and timeout and since >= site.world.log.written:
        await site.news(_patience(timeout))
    if not known or site.generation != begun:
        since = 0
    log = site.world.log
    return {
        "lines": list(log.lines(since if since >= 0 else max(0, log.written + since))),
        "written": log.written,
        "generation": site.generation,
    }


@operation(record=dict)
def keep_evidence(site: Site, *, record: Document) -> bool:
    """Keep what a tracer saw; its later versions take its place."""
    site.evidence.keep(record)
    return True


@operation()
def evidence(site: Site) -> list[Document]:
    """The newest version of every dialogue, in the order in which they began."""
    return site.evidence.documents()


# --- disturbances -----------------------------------------------------------------------------


@operation(rules=dict)
def disturb(site: Site, *, rules: Document) -> list[str]:
    """Add rules; the names of all that are there."""
    site.world.disturbances.load(rules)
    return [str(one.name) for one in site.world.disturbances.rules]


@operation(name=str)
def undisturb(site: Site, *, name: str = "") -> bool:
    """Take a rule away, or all."""
    if name:
        site.world.disturbances.remove(name)
    else:
        site.world.disturbances.clear()
    return True


@operation()
def disturbances(site: Site) -> list[Document]:
    """The rules."""
    return [_rule(one) for one in site.world.disturbances.rules]


def _rule(rule: Rule) -> Document:
    """The rule as it is written in a file of rules."""
    document = asdict(rule)
    document["action"] = type(rule.action).__name__.lower()
    return {**document, **asdict(rule.action)}


# --- values to JSON ---------------------------------------------------------------------------


def _entry(entry: QueueEntry) -> Document:
    return {
        "queue_id": entry.queue_id,
        "queue": entry.queue.value,
        "sender": entry.sender,
        "recipients": [[one.address, one.reason] for one in entry.recipients],
        "size": entry.size,
        "arrival": entry.arrival,
        "message_id": bare(entry.message_id),
        "next_attempt": entry.next_attempt,
    }


def _message(message: StoredMessage) -> Document:
    return {
        "user": message.user,
        "mailbox": message.mailbox,
        "uid": message.uid,
        "message_id": bare(message.message_id),
        "content": b64encode(message.content).decode(),
    }


def _patience(timeout: float) -> float:
    if not 0 <= timeout <= LONGEST_WAIT:
        raise UsageError("lab.bad-seconds", seconds=timeout)
    return timeout


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """`value` as JSON knows it, sets in order."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(one) for one in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (str, int, float, bool)) else repr(value)
