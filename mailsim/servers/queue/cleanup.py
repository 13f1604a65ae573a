"""cleanup: a message on its way into the queue.

It reads the header once: takes out what may not travel, adds what is missing in mail of our
own, counts the hops, and finds the Message-ID.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import getaddresses
from typing import TYPE_CHECKING

from mailsim.servers.envelope import Recipient, Submission
from mailsim.servers.queue import received
from mailsim.servers.queue.addresses import Addresses, canonical, qualified, split_address
from mailsim.servers.queue.fields import Field, split
from mailsim.servers.queue.refused import Refused
from mailsim.wire.smtp import Reply

if TYPE_CHECKING:
    from mailsim.servers.config import Config
    from mailsim.servers.world import World

HOPCOUNT_LIMIT = 50
# message_drop_headers
_DROPPED = frozenset({"bcc", "content-length", "resent-bcc", "return-path"})
_DESTINATIONS = ("to", "cc", "bcc")
_ADDRESSED = frozenset({"from", "sender", "reply-to", *_DESTINATIONS})


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`trace` (our Received field) and `data` are the message; `recipients` pairs of the
    address to deliver to and the one asked for."""

    trace: bytes
    data: bytes
    message_id: str
    sender: str
    recipients: tuple[tuple[str, Recipient], ...]


def clean(world: World, submission: Submission, queue_id: str) -> Cleaned:
    """The message as the queue will hold it.  Raises Refused."""
    config = world.config
    fields, end = split(submission.content)
    _check(config, submission, fields)
    trace = _trace(world, submission, queue_id)
    kept = [one for one in fields if one.name not in _DROPPED]
    added: list[Field] = []
    if is_own(world, submission):
        kept = [_mapped(one, config) for one in kept]
        added = _missing(world, submission, queue_id, fields)
    data = _join(submission.content, end, fields, kept + added)
    return Cleaned(
        trace,
        data,
        _message_id([*fields, *added]),
        canonical(qualified(submission.sender, config), config),
        _recipients(world, submission, fields),
    )


def is_own(world: World, submission: Submission) -> bool:
    """Whether missing fields are added: mail from our own addresses alone, authenticated or
    not (local_header_rewrite_clients = permit_inet_interfaces).  What comes back from the
    filter is not ours."""
    if submission.service == "reinjection":
        return False
    own = ("127.0.0.1", world.network.server.address)
    return submission.service in ("pickup", "bounce") or submission.client.address in own


def _check(config: Config, submission: Submission, fields: list[Field]) -> None:
    if len(submission.content) > config.message_size_limit > 0:
        raise Refused(Reply.of(552, "5.3.4", "Error: message file too big"))
    hops = 1 + sum(one.name == "received" for one in fields)
    if hops >= HOPCOUNT_LIMIT:  # RFC 5321 §6.3
        raise Refused(Reply.of(554, "5.4.0", "Error: too many hops"))


def _trace(world: World, submission: Submission, queue_id: str) -> bytes:
    host, date = world.config.myhostname, world.clock.header()
    if submission.service in ("pickup", "bounce"):
        return received.by_postfix(queue_id, host, date, submission.service == "pickup")
    return received.by_smtpd(submission, queue_id, host, date)


def _join(content: bytes, end: int, before: list[Field], after: list[Field]) -> bytes:
    """The message with the header `after`; the very same bytes where nothing changes."""
    # A body's first line that stands right behind the header gets its empty line.
    separated = content.startswith(b"\r\n", end)
    if separated and before == after:
        return content
    empty = () if separated else (b"\r\n",)
    return b"".join((*(one.raw for one in after), *empty, memoryview(content)[end:]))


def _mapped(one: Field, config: Config) -> Field:
    """The field with canonical addresses (fault F29)."""
    if one.name not in _ADDRESSED:
        return one
    raw = one.raw
    for before, after in config.canonical_maps:
        raw = raw.replace(before.encode(), after.encode())
    return Field(one.name, raw)


def _missing(
    world: World, submission: Submission, queue_id: str, fields: list[Field]
) -> list[Field]:
    names = {one.name for one in fields}
    resent = "Resent-" if any(name.startswith("resent-") for name in names) else ""
    config, clock = world.config, world.clock
    sender = submission.sender or f"MAILER-DAEMON@{config.mydomain}"
    stamp = f"{clock.utc():%Y%m%d%H%M%S}.{queue_id}@{config.myhostname}"
    wanted = (
        ("Message-Id", f"<{stamp}>"),
        ("Date", clock.header()),
        ("From", qualified(sender, config)),
    )
    return [
        Field(f"{resent}{name}".lower(), f"{resent}{name}: {value}\r\n".encode())
        for name, value in wanted
        if f"{resent}{name}".lower() not in names
    ]


def _message_id(fields: list[Field]) -> str:
    for one in fields:
        if one.name == "message-id":
            return one.value
    return ""


def _recipients(
    world: World, submission: Submission, fields: list[Field]
) -> tuple[tuple[str, Recipient], ...]:
    config = world.config
    asked = submission.recipients
    if config.header_recipients:
        asked = _of_header(world, fields)
    # cleanup and qmgr deliver once to each address (duplicate_filter_limit).
    found: dict[str, Recipient] = {}
    for one in asked:
        found.setdefault(canonical(qualified(one.address, config), config), one)
    return tuple(found.items())


def _of_header(world: World, fields: list[Field]) -> tuple[Recipient, ...]:
    """Fault F25: the header's recipients are taken for the envelope's."""
    texts = [one.value for one in fields if one.name in _DESTINATIONS]
    found = dict.fromkeys(
        qualified(address, world.config) for _, address in getaddresses(texts) if address
    )
    addresses = Addresses(world)
    for address in found:
        if addresses.local(split_address(address)[1]) and not addresses.known(address):
            text = f"<{address}>: Recipient address rejected: User unknown in local recipient table"
            raise Refused(Reply.of(550, "5.1.1", text))
    if not found:
        raise Refused(Reply.of(554, "5.5.1", "Error: no valid recipients"))
    return tuple(Recipient(address) for address in found)
