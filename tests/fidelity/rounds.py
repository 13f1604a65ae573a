"""All that is asked at one stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

from mailsim.model import Protocol
from mailsim.model.stage import Stage
from tests.fidelity import probes_imap, probes_pop3, probes_sieve, probes_smtp
from tests.fidelity.conversation import Probe, State

if TYPE_CHECKING:
    from mailsim import Lab

STAGES: Final = (Stage.MAIL, Stage.RELAY, Stage.TLS)
SEED: Final = "fidelity"
Asked = Iterator[tuple[State, list[Probe]]]
_MESSAGES: Final = (
    b"From: a@ugb.sn\r\nSubject: un\r\nMessage-ID: <un@ugb.sn>\r\n\r\nbonjour\r\n",
    b"From: b@ugb.sn\r\nSubject: deux\r\nMessage-ID: <deux@ugb.sn>\r\n\r\n.point\r\n..\r\n",
    (
        b"From: c@ugb.sn\r\nSubject: trois\r\nMessage-ID: <trois@ugb.sn>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nun\r\n--x\r\n'
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+\r\n--x--\r\n"
    ),
)


def put_mail(lab: Lab) -> None:
    """Three messages in each mailbox that is read, in the same order in both labs."""
    for user in (probes_imap.USER, probes_pop3.USER):
        for message in _MESSAGES:
            lab.deliver(message, "a@ugb.sn", [f"{user}@minfo.sn"])
            lab.idle()


def asked(stage: Stage) -> dict[Protocol, Asked]:
    """What the stage answers, protocol by protocol: they may be asked side by side."""
    found = {
        Protocol.SMTP: _smtp(stage),
        Protocol.IMAP: _in_the_clear_and_secure(stage, "imap", probes_imap.states),
        Protocol.POP3: _in_the_clear_and_secure(stage, "pop3", probes_pop3.states),
    }
    if stage >= Stage.SIEVE:
        found[Protocol.MANAGESIEVE] = probes_sieve.states()
    return found


def _smtp(stage: Stage) -> Asked:
    services = ("smtp", "submission", "submissions") if stage >= Stage.TLS else ("smtp",)
    for service in services:
        ways = probes_smtp.ways(stage, service)
        for number, (name, way) in enumerate(ways.items()):
            first = service == "smtp" and not number
            # From stage tls on nothing about them changes.
            if first or stage <= Stage.TLS:
                yield from _one_way(service, name, way, stage, first=first)
        if stage <= Stage.TLS:
            everyone = probes_smtp.CLIENTS if stage < Stage.TLS else probes_smtp.CLIENTS[:3:2]
            yield from probes_smtp.restrictions(service, everyone, ways)


def _one_way(service: str, name: str, way: tuple[str, ...], stage: Stage, *, first: bool) -> Asked:
    before = () if way == (probes_smtp.HELLO,) else way
    yield from probes_smtp.states(service, name, before, brief=not first)
    if "logged in" in name:
        return
    if stage >= Stage.SASL:
        yield from probes_smtp.authenticating(service, name, before)
    if service == "smtp":
        yield from probes_smtp.contents(service, name, before)


def _in_the_clear_and_secure(stage: Stage, service: str, states: Callable[..., Asked]) -> Asked:
    """Before stage tls in the clear; from there on the clear port refuses every login."""
    if stage < Stage.TLS:
        return states(service)
    secure = states(f"{service}s")
    if stage >= Stage.FIREWALL:
        return secure
    return chain(states(service, logins=False), secure)
