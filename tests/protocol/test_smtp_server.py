"""SMTP's server role where it is more lenient, or keeps less, than RFC 5321 asks."""

from __future__ import annotations

from typing import Any

import pytest

from mailsim.protocol.core import Limits, Received
from mailsim.protocol.smtp import SmtpServer, State
from mailsim.wire.quirk import Quirk
from mailsim.wire.smtp import Bdat, Command, Content, Ehlo, Malformed, Noop, Reply, SaslAnswer

OK, MORE = Reply(250), Reply(354)
CUT = frozenset({Quirk.BARE_LF, Quirk.CUT_LINE})


def greeted(**settings: Any) -> SmtpServer:
    server = SmtpServer(**settings)
    server.send(Reply(220))
    server.outgoing()
    return server


def heard(server: SmtpServer, raw: bytes, reply: Reply = OK) -> Received[Command]:
    server.receive_early(raw)
    event = server.next_event()
    assert event is not None
    server.send(reply)
    return event


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_line_over_the_limit_is_cut_there_and_the_rest_skipped(step: int) -> None:
    server = greeted(limits=Limits(line=20), quirks=CUT)
    raw = b"NOOP " + b"x" * 3000 + b"\r\nEHLO a.sn\r\n"
    for at in range(0, len(raw), step):
        server.receive(raw[at : at + step])
        assert len(server.ahead(10**6)) <= 20 + step + 11
        if server.waiting:
            break
        event = server.next_event()
        if event:
            assert event.units == (b"NOOP " + b"x" * 15,)
            assert isinstance(event.value, Noop)
            server.send(OK)
            server.receive_early(raw[at + step :])
            break
    event = server.next_event()
    assert event is not None
    assert event.value == Ehlo("a.sn")


def test_a_response_may_be_longer_than_a_command() -> None:
    server = greeted(limits=Limits(line=100), quirks=CUT)
    heard(server, b"EHLO a.sn\r\n")
    heard(server, b"AUTH PLAIN\r\n", Reply(334))
    event = heard(server, b"A" * 12_000 + b"\r\n", Reply(535))
    assert isinstance(event.value, SaslAnswer)
    assert len(event.units[0]) == 12_002
    assert heard(server, b"NOOP " + b"x" * 200 + b"\r\n").units == (b"NOOP " + b"x" * 95,)


@pytest.mark.parametrize("step", [3, 64, 4096])
def test_too_much_content_is_read_to_its_end_and_not_kept(step: int) -> None:
    server = greeted(size_limit=100)
    heard(server, b"EHLO a.sn\r\n")
    heard(server, b"MAIL FROM:<a@b.sn>\r\n")
    heard(server, b"RCPT TO:<a@b.sn>\r\n")
    heard(server, b"DATA\r\n", MORE)
    raw = b"line\r\n" * 500
    for at in range(0, len(raw), step):
        server.receive(raw[at : at + step])
        assert server.next_event() is None
        assert server.content_size == len(raw[: at + step])
    event = heard(server, b".\r\nNOOP\r\n", Reply(552))
    assert event.value == Content(b"", len(raw))
    assert server.state is State.READY
    assert heard(server, b"").value == Noop()


@pytest.mark.parametrize("step", [1, 64, 4096])
def test_a_chunk_over_the_limit_is_read_to_its_end_and_not_kept(step: int) -> None:
    server = greeted(size_limit=100)
    heard(server, b"EHLO a.sn\r\n")
    raw = b"BDAT 500 LAST\r\n" + b"x" * 500 + b"NOOP\r\n"
    event, at = None, -step
    while event is None:
        at += step
        server.receive(raw[at : at + step])
        event = server.next_event()
    assert event.value == Bdat(b"", last=True, size=500)
    server.send(Reply(552))
    server.receive_early(raw[at + step :])
    event = server.next_event()
    assert event is not None
    assert event.value == Noop()


def test_a_command_may_count_as_another_than_its_grammar_says() -> None:
    server = greeted()
    heard(server, b"EHLO a.sn\r\n")
    server.receive(b"MAIL FROM:a@b.sn\r\n")
    event = server.next_event()
    assert event is not None
    assert isinstance(event.value, Malformed)
    server.read_as("MAIL")
    server.send(OK)
    assert server.state is State.MAIL


def test_a_command_given_up_gets_no_reply() -> None:
    server = greeted()
    server.receive(b"NOOP\r\nEHLO a.sn\r\n")
    server.next_event()
    assert server.waiting
    server.give_up()
    assert server.outgoing() == ()
    event = server.next_event()
    assert event is not None
    assert event.value == Ehlo("a.sn")


def test_the_session_may_go_back_to_its_greeting() -> None:
    server = greeted()
    server.receive(b"XCLIENT ADDR=192.168.66.66\r\nNOOP\r\n")
    server.next_event()
    server.give_up()
    server.begin_again()
    assert server.opening
    assert server.next_event() is None
    server.send(Reply(220, ("hi",)))
    assert server.outgoing() == (b"220 hi\r\n",)
    assert server.next_event() is not None


def test_a_challenge_of_nothing_keeps_its_space() -> None:
    assert Reply(334).units() == (b"334 \r\n",)
