"""cleanup: a message on its way into the queue.

It reads the header once: takes out what may not travel, adds what is missing in mail of our
own, counts the hops, and finds the Message-ID.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import getaddresses
from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.envelope import Recipient, Submission
from mailsim.servers.queue import received
from mailsim.servers.queue.addresses import Addresses, canonical, qualified, split_address
from mailsim.servers.queue.fields import (
    HEADER_SIZE,
    bounded,
    has,
    header_of,
    message_id,
    replaced,
    values,
    without,
)
from mailsim.servers.queue.refused import Refused

if TYPE_CHECKING:
    from mailsim.servers.config import Config
    from mailsim.servers.world import World

HOPCOUNT_LIMIT = 50
_DROPPED = "bcc|content-length|resent-bcc|return-path"  # message_drop_headers
_DESTINATIONS = "to|cc|bcc"
_ADDRESSED = f"from|sender|reply-to|{_DESTINATIONS}"


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
    config, content = world.config, submission.content
    header = header_of(content)
    _check(config, submission, header, queue_id)
    kept = bounded(without(header, _DROPPED))
    if is_own(world, submission):
        # receive_override_options = no_address_mappings on 10025 (AMA3).
        kept = kept if submission.service == "reinjection" else _mapped(kept, config)
        kept += _missing(world, submission, queue_id, kept)
    return Cleaned(
        _trace(world, submission, queue_id),
        _joined(content, header, kept),
        message_id(kept),
        canonical(qualified(submission.sender, config), config),
        _recipients(world, submission, header),
    )


def is_own(world: World, submission: Submission) -> bool:
    """Whether missing fields are added: to mail from our own addresses alone, authenticated or
    not (local_header_rewrite_clients = permit_inet_interfaces).  So what lacks a Message-ID
    gets it when the filter gives it back."""
    own = ("127.0.0.1", world.network.server.address)
    return submission.service in ("pickup", "bounce") or submission.client.address in own


def _check(config: Config, submission: Submission, header: bytes, queue_id: str) -> None:
    # A bounce has a limit of its own (bounce_size_limit), and must not be lost.
    limit = 0 if submission.service == "bounce" else config.message_size_limit
    if len(submission.content) > limit > 0:
        raise Refused(replies.TOO_BIG())
    hops = 1 + len(values(header, "received", HOPCOUNT_LIMIT))
    if hops >= HOPCOUNT_LIMIT:  # RFC 5321 §6.3
        said = f"{queue_id}: message rejected: hopcount exceeded"
        raise Refused(replies.TOO_MANY_HOPS(), said)


def _trace(world: World, submission: Submission, queue_id: str) -> bytes:
    host, date = world.config.myhostname, world.clock.header()
    if submission.service in ("pickup", "bounce"):
        uid = submission.uid if submission.service == "pickup" else None
        return received.by_postfix(queue_id, host, date, uid)
    return received.by_smtpd(submission, queue_id, host, date)


def _joined(content: bytes, before: bytes, after: bytes) -> bytes:
    """The message with the header `after`; the very same bytes where nothing changes."""
    # A body's first line that stands right behind the header gets its empty line.
    separated = content.startswith(b"\r\n", len(before))
    if separated and len(before) == len(after) and before == after:
        return content
    empty = b"" if separated else b"\r\n"
    return b"".join((after, empty, memoryview(content)[len(before) :]))


def _mapped(header: bytes, config: Config) -> bytes:
    """The header with canonical addresses (fault F29)."""
    for before, after in config.canonical_maps:
        header = replaced(header, _ADDRESSED, before.encode(), after.encode())
    return header


def _missing(world: World, submission: Submission, queue_id: str, header: bytes) -> bytes:
    """The fields that mail of our own gets where it lacks them."""
    config, clock = world.config, world.clock
    resent = "Resent-" if has(header, "resent-[a-z-]+") else ""
    sender = submission.sender or f"MAILER-DAEMON@{config.mydomain}"
    stamp = f"{clock.utc():%Y%m%d%H%M%S}.{queue_id}@{config.myhostname}"
    wanted = (
        (f"{resent}Message-Id", f"<{stamp}>"),
        (f"{resent}Date", clock.header()),
        (f"{resent}From", qualified(sender, config)),
    )
    added = [f"{name}: {value}\r\n" for name, value in wanted if not has(header, name)]
    return "".join(added).encode("utf-8", "surrogateescape")


def _recipients(
    world: World, submission: Submission, header: bytes
) -> tuple[tuple[str, Recipient], ...]:
    config = world.config
    asked = submission.recipients
    if config.header_recipients:
        asked = _of_header(world, header)
    # cleanup and qmgr deliver once to each address (duplicate_filter_limit).
    found: dict[str, Recipient] = {}
    for one in asked:
        found.setdefault(canonical(qualified(one.address, config), config), one)
    return tuple(found.items())


def _of_header(world: World, header: bytes) -> tuple[Recipient, ...]:
    """Fault F25: the header's recipients are taken for the envelope's."""
    text = ",".join(values(header, _DESTINATIONS))[:HEADER_SIZE]
    try:
        parsed = getaddresses([text])
    except RecursionError:  # thousands of parentheses one in the other
        parsed = []
    found = dict.fromkeys(qualified(address, world.config) for _, address in parsed if address)
    addresses = Addresses(world)
    for address in found:
        if addresses.local(split_address(address)[1]) and not addresses.known(address):
            raise Refused(replies.UNKNOWN_USER(name=address))
    if not found:
        raise Refused(replies.NO_RECIPIENTS())
    return tuple(Recipient(address) for address in found)
