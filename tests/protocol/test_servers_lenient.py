"""What the server cores of POP3 and ManageSieve can do for a server that is not strict."""

from __future__ import annotations

import pytest

from mailsim.errors import RemoteProtocolError
from mailsim.protocol.core import Limits
from mailsim.protocol.managesieve.server import ManageSieveServer
from mailsim.protocol.managesieve.states import State as SieveState
from mailsim.protocol.pop3.server import Pop3Server
from mailsim.protocol.pop3.states import State
from mailsim.wire.managesieve import (
    Auth,
    Challenge,
    ListScripts,
    Literal,
    Noop,
    PutScript,
    Response,
    Status,
    TooLong,
)
from mailsim.wire.pop3 import Auth as PopAuth
from mailsim.wire.pop3 import Capa, Malformed, Reply
from mailsim.wire.pop3 import Status as PopStatus
from mailsim.wire.quirk import Quirk

OK = Response(Status.OK)


def sieve(*, skips: bool = True, quirks: frozenset[Quirk] = frozenset()) -> ManageSieveServer:
    core = ManageSieveServer(limits=Limits(line=100, block=10), skips=skips, quirks=quirks)
    core.send(OK)
    core.outgoing()
    return core


def pop3() -> Pop3Server:
    core = Pop3Server()
    core.send(Reply(PopStatus.OK))
    core.outgoing()
    return core


# --- ManageSieve: what is too long


@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_a_literal_that_is_too_long_comes_at_once_and_is_let_go(cut: int) -> None:
    core = sieve()
    core.receive(b'PUTSCRIPT "a" {11+}\r\n')
    assert core.next_event() is not None
    literal = core.parts[1]
    assert isinstance(literal, TooLong)
    assert (literal, literal.size) == (b"", 11)
    core.send(Response(Status.NO))
    rest = b"NOOP\r\nNOOP\r x\r\nNOOP\r\n"
    for start in range(0, len(rest), cut):
        core.receive(rest[start : start + cut])
        found = core.next_event()
        assert found is None or found.value == Noop()
    assert core.waiting
    assert core.skipped == len(rest) - len(b"NOOP\r\n")


def test_without_skips_it_is_an_error() -> None:
    core = sieve(skips=False)
    core.receive(b"NOOP {11+}\r\n")
    with pytest.raises(RemoteProtocolError):
        core.next_event()


def test_a_literal_as_long_as_the_limit_is_kept() -> None:
    core = sieve()
    core.receive(b'PUTSCRIPT "a" {10+}\r\n0123456789\r\n')
    found = core.next_event()
    assert found is not None
    assert found.value == PutScript("a", b"0123456789")


def test_a_number_that_is_none_announces_nothing() -> None:
    core = sieve()
    core.receive(b"NOOP {99999999999999999999+}\r\nNOOP\r\n")
    assert core.next_event() is not None
    assert not any(isinstance(part, Literal) for part in core.parts)
    core.send(Response(Status.NO))
    found = core.next_event()
    assert found is not None
    assert found.value == Noop()


def test_a_line_that_is_too_long_may_be_skipped() -> None:
    core = sieve()
    core.receive(b"NOOP " + b"x" * 200)
    with pytest.raises(RemoteProtocolError):
        core.next_event()
    assert core.begun(4) == b"NOOP"
    core.skip_line()
    core.receive(b"yyy\r\nNOOP\r\n")
    found = core.next_event()
    assert found is not None
    assert found.value == Noop()


def test_limits_may_change_and_the_line_s_beginning_can_be_seen() -> None:
    core = sieve()
    core.limit(300, 20)
    core.receive(b"NOOP {15+}\r\n" + b"x" * 14)
    assert core.next_event() is None
    assert core.begun(6) == b"NOOP {"
    core.receive(b"x\r\n")
    assert core.next_event() is not None


def test_a_client_s_literal_without_its_plus() -> None:
    with pytest.raises(RemoteProtocolError):
        heard(sieve(), b"NOOP {1}\r\nx\r\n")
    found = heard(sieve(quirks=frozenset({Quirk.PLAIN_LITERAL})), b"NOOP {1}\r\nx\r\n")
    assert found == Noop("x")


def heard(core: ManageSieveServer, raw: bytes) -> object:
    core.receive(raw)
    found = core.next_event()
    return found.value if found else None


# --- reading a command as another, and leaving one without an answer


def test_a_command_may_be_read_as_another() -> None:
    core = sieve()
    heard(core, b"LISTSCRIPTS x\r\n")
    core.read_as(ListScripts())
    core.send(Response(Status.OK, data=((b"a",),)))
    assert b"".join(core.outgoing()) == b'"a"\r\nOK\r\n'
    pop = pop3()
    pop.receive(b"CAPA x\r\n")
    found = pop.next_event()
    assert found is not None
    assert isinstance(found.value, Malformed)
    pop.read_as(Capa())
    pop.send(Reply(PopStatus.OK, lines=("TOP",)))
    assert b"".join(pop.outgoing()) == b"+OK\r\nTOP\r\n.\r\n"


def test_an_exchange_that_is_given_up_is_over() -> None:
    core = sieve()
    heard(core, b'AUTHENTICATE "PLAIN"\r\n')
    core.read_as(Auth("PLAIN"))
    core.send(Challenge(b""))
    heard(core, b'"x"\r\n')
    core.give_up()
    assert (core.state, core.waiting) == (SieveState.NON_AUTHENTICATED, False)
    pop = pop3()
    pop.receive(b"AUTH PLAIN\r\nx\r\nCAPA\r\n")
    pop.next_event()
    pop.read_as(PopAuth("PLAIN"))
    pop.send(Reply(PopStatus.CHALLENGE))
    pop.next_event()
    pop.give_up()
    assert (pop.state, pop.waiting) == (State.AUTHORIZATION, False)
    found = pop.next_event()
    assert found is not None
    assert found.value == Capa()


def test_pop3s_longest_line_may_change() -> None:
    pop = pop3()
    pop.limit_line(6)
    pop.receive(b"NOOP\r\nNOOP x\r\n")
    assert pop.next_event() is not None
    pop.give_up()
    assert pop.begun(100) == b"NOOP x\r\n"
    with pytest.raises(RemoteProtocolError):
        pop.next_event()
    pop.limit_line(8)
    assert pop.next_event() is not None
