from __future__ import annotations

import poplib

import pytest

from mailsim import knowledge
from mailsim.tracers.pop3 import Pop3Tracer
from mailsim.wire.pop3 import Dele, Retr, Stat
from tests.oracles.conftest import NAME, PASSWORD, Servers, first_id, unexplained

pytestmark = pytest.mark.oracle

STUFFED = b"Subject: points\r\n\r\n.un\r\n..deux\r\n.\r\nfin\r\n"
MESSAGES = (STUFFED, b"Subject: vide\r\n\r\n", "Subject: é\r\n\r\nété\r\n".encode())


@pytest.fixture
def full(servers: Servers, box: str) -> str:
    servers.deliver(box, *MESSAGES)
    return box


def after_the_trace(message: bytes | None) -> bytes:
    """A message without what delivery put before it."""
    assert message is not None
    assert message.startswith(b"Return-Path: <>\r\n")
    return message[message.index(b"Subject: ") :]


def test_capabilities(servers: Servers, box: str) -> None:
    with servers.pop3() as pop3:
        pop3.capa()
        assert {"TOP", "UIDL", "STLS", "SASL", "PIPELINING", "RESP-CODES"} <= set(pop3.capabilities)
        known(pop3)
        assert pop3.stls().ok
        assert pop3.tls is not None
        assert pop3.tls.names == (NAME,)
        assert pop3.capabilities == {}
        pop3.capa()
        assert "STLS" not in pop3.capabilities
        pop3.login(box, PASSWORD)
        pop3.capa()
        assert "SASL" not in pop3.capabilities
        known(pop3)
        assert unexplained(pop3.dialogue) == []


def known(pop3: Pop3Tracer) -> None:
    assert pop3.capabilities
    for name, arguments in pop3.capabilities.items():
        assert knowledge.find("pop3.capability", name), name
        for mechanism in arguments if name == "SASL" else ():
            assert knowledge.find("sasl.mechanism", mechanism), mechanism


def test_user_and_pass(servers: Servers, box: str) -> None:
    with servers.pop3() as pop3:
        assert pop3.user(box).ok
        refused = pop3.pass_("faux")
        assert (refused.ok, refused.code) == (False, "AUTH")
        assert first_id(pop3.dialogue) == "wording.dovecot.auth-failed"
        pop3.user(box)
        assert pop3.pass_(PASSWORD).ok
        assert "STAT" in pop3.legal()
        assert pop3.quit().ok
        assert unexplained(pop3.dialogue) == []


@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
)
@pytest.mark.parametrize("initial", [True, False])
def test_auth(servers: Servers, box: str, mechanism: str, *, initial: bool) -> None:
    with servers.pop3() as pop3:
        assert pop3.auth(mechanism, box, PASSWORD, initial=initial).ok
        assert pop3.stat().drop_listing.count == 0
        assert unexplained(pop3.dialogue) == []


def test_a_wrong_password_and_an_unknown_mechanism(servers: Servers, box: str) -> None:
    with servers.pop3() as pop3:
        assert pop3.auth("CRAM-MD5", box, "faux").code == "AUTH"
        assert not pop3.send_raw("AUTH KERBEROS_V4\r\n").ok
        assert pop3.auth("CRAM-MD5", box, PASSWORD).ok


def test_the_maildrop(servers: Servers, full: str) -> None:
    with servers.pop3() as pop3:
        pop3.login(full, PASSWORD)
        sizes = [one.octets for one in pop3.list().scan_listings]
        assert pop3.stat().drop_listing.count == 3
        assert pop3.stat().drop_listing.octets == sum(sizes)
        assert pop3.list(2).scan_listings[0].octets == sizes[1]
        ids = pop3.uidl().unique_ids
        assert [one.message for one in ids] == [1, 2, 3]
        assert len({one.uid for one in ids}) == 3
        assert pop3.uidl(3).unique_ids == ids[2:]
        for number, (size, message) in enumerate(zip(sizes, MESSAGES, strict=True), 1):
            got = pop3.retr(number).message
            assert len(got or b"") == size
            assert after_the_trace(got) == message
        assert (
            after_the_trace(pop3.top(1, 2).message) == b"Subject: points\r\n\r\n.un\r\n..deux\r\n"
        )
        assert after_the_trace(pop3.top(1).message) == b"Subject: points\r\n\r\n"
        assert pop3.noop().ok
        assert unexplained(pop3.dialogue) == []


def test_the_same_octets_as_poplib(servers: Servers, full: str) -> None:
    client = poplib.POP3(servers.address, servers.ports["pop3"], timeout=30)
    try:
        client.user(full)
        client.pass_(PASSWORD)
        # poplib gives lines without their ends.
        theirs = [b"".join(line + b"\r\n" for line in client.retr(n)[1]) for n in (1, 2, 3)]
        numbers = [line.split()[1].decode() for line in client.uidl()[1]]
    finally:
        client.quit()
    with servers.pop3() as pop3:
        pop3.login(full, PASSWORD)
        assert [pop3.retr(n).message for n in (1, 2, 3)] == theirs
        assert [one.uid for one in pop3.uidl().unique_ids] == numbers


def test_deletion_and_its_taking_back(servers: Servers, full: str) -> None:
    with servers.pop3() as pop3:
        pop3.login(full, PASSWORD)
        assert pop3.dele(1).ok
        assert not pop3.retr(1).ok
        assert first_id(pop3.dialogue) == "wording.dovecot.pop3-message-deleted"
        assert pop3.stat().drop_listing.count == 2
        assert pop3.rset().ok
        assert pop3.stat().drop_listing.count == 3
        assert pop3.dele(2).ok
        # Cut off without QUIT: nothing is removed (RFC 1939 §6).
    with servers.pop3() as pop3:
        pop3.login(full, PASSWORD)
        assert pop3.stat().drop_listing.count == 3
        assert pop3.dele(2).ok
        assert pop3.quit().ok
    with servers.pop3() as pop3:
        pop3.login(full, PASSWORD)
        assert pop3.stat().drop_listing.count == 2


def test_pipelining(servers: Servers, full: str) -> None:
    with servers.pop3() as pop3:
        pop3.login(full, PASSWORD)
        step = pop3.pipeline(Stat(), Retr(1), Dele(9), Retr(3))
        assert [reply.outcome.ok for reply in step.replies] == [True, True, False, True]
        assert after_the_trace(step.replies[1].content) == MESSAGES[0]
        assert after_the_trace(step.message) == MESSAGES[2]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("RETR 9", "pop3-no-message"),
        ("LIST deux", "pop3-invalid-number"),
        ("BONJOUR", "pop3-unknown-command"),
        ("STLS", "pop3-unknown-command"),
    ],
)
def test_a_refusal_is_explained_by_its_wording(
    servers: Servers, full: str, line: str, name: str
) -> None:
    with servers.pop3() as pop3:
        pop3.login(full, PASSWORD)
        assert not pop3.send_raw(f"{line}\r\n").ok
        assert first_id(pop3.dialogue) == f"wording.dovecot.{name}"
