"""What a server's core does with a literal that a command has announced."""

from __future__ import annotations

import pytest

from mailsim.errors import RemoteProtocolError
from mailsim.protocol.core import Limits
from mailsim.protocol.imap import ImapServer, Malformed, Tagged
from mailsim.wire.imap.frames import Announced
from mailsim.wire.imap.responses import Continuation, Status


def greeted(**options: object) -> ImapServer:
    server = ImapServer(**options)  # type: ignore[arg-type]
    server.send(Status("OK", "bonjour"))
    server.outgoing()
    return server


def test_it_asks_in_the_words_it_is_given() -> None:
    server = greeted(ready=Continuation("OK"))
    server.receive(b"a LOGIN {4}\r\n")
    assert server.next_event() is None
    assert server.outgoing() == (b"+ OK\r\n",)


def test_it_asks_a_client_that_does_not_wait_all_the_same() -> None:
    server = greeted()
    server.receive(b"a LOGIN {4}\r\nuser {5}\r\nminfo\r\n")
    event = server.next_event()
    assert event is not None
    assert isinstance(event.value, Tagged)
    assert len(server.outgoing()) == 2


def test_what_is_not_admitted_is_not_asked_for_and_the_next_command_comes() -> None:
    shown: list[tuple[tuple[bytes, ...], Announced]] = []

    def admit(units: tuple[bytes, ...], literal: Announced) -> bool:
        shown.append((units, literal))
        return False

    server = greeted(admit=admit)
    server.receive(b"a APPEND absente {99999999999}\r\nb NOOP\r\n")
    event = server.next_event()
    assert event is not None
    assert isinstance(event.value, Malformed)
    assert event.value.tag == "a"
    assert shown == [((b"a APPEND absente {99999999999}\r\n",), Announced(99_999_999_999, True))]  # noqa: FBT003
    assert server.outgoing() == ()
    server.send(Status("NO", "pas de boîte", tag="a"))
    event = server.next_event()
    assert event is not None
    assert isinstance(event.value, Tagged)
    assert event.value.tag == "b"


def test_what_is_too_long_ends_it_where_nobody_says_no() -> None:
    server = greeted(limits=Limits(block=10))
    server.receive(b"a LOGIN {11}\r\n")
    with pytest.raises(RemoteProtocolError):
        server.next_event()


def test_of_a_literal_that_comes_by_itself_it_tells_before_the_first_octet() -> None:
    def admit(units: tuple[bytes, ...], literal: Announced) -> bool:
        del units
        if literal.size > 4:
            raise RemoteProtocolError("imap.literal-too-long", size="5", limit=4)
        return True

    server = greeted(admit=admit)
    server.receive(b"a LOGIN {4+}\r\nuser {5+}\r\n")
    with pytest.raises(RemoteProtocolError):
        server.next_event()
    assert server.outgoing() == ()


def test_it_tells_what_has_begun() -> None:
    server = greeted()
    assert (server.begun, server.awaited) == (b"", None)
    server.receive(b"a APPEND INBOX {50+}\r\nabc")
    assert server.next_event() is None
    assert server.begun == b"a APPEND INBOX {50+}\r\n"
    assert server.awaited == (3, 50)


def test_octets_above_127_in_brackets_are_no_text() -> None:
    server = greeted()
    server.receive(b"a XYZZY [\xff]\r\n")
    event = server.next_event()
    assert event is not None
    assert isinstance(event.value, Malformed)
