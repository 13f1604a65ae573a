from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.pop3 import TABLE, Authenticate, Pop3Client, Pop3Server, State
from mailsim.secret import Secret
from mailsim.wire import pop3
from mailsim.wire.outcome import Outcome
from mailsim.wire.pop3 import Command, Reply, Status

GREETING = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"
MESSAGE = b"Subject: bonjour\r\n\r\n.\r\n..\r\nfin\r\n"
PASSWORD = Secret("minfo")


def _ok(text: str = "") -> Reply:
    return Reply(Status.OK, text)


def _err(text: str = "", code: str = "") -> Reply:
    return Reply(Status.ERR, text, code)


def _drain(client: Pop3Client) -> list[Received[Reply]]:
    found = []
    while event := client.next_event():
        found.append(event)
    return found


def _hear(client: Pop3Client, raw: bytes) -> list[Reply]:
    client.receive(raw)
    return [event.value for event in _drain(client)]


def _state(core: Pop3Client | Pop3Server) -> tuple[State, bool]:
    return core.state, core.waiting


def _said(core: Pop3Client | Pop3Server) -> bytes:
    return b"".join(core.outgoing())


def _client(*dialogue: tuple[Command, bytes]) -> Pop3Client:
    """A client after the greeting and the dialogue."""
    client = Pop3Client()
    _hear(client, GREETING)
    for command, answer in dialogue:
        client.send(command)
        _said(client)
        _hear(client, answer)
    return client


def _logged_in() -> Pop3Client:
    return _client((pop3.User("user"), b"+OK\r\n"), (pop3.Pass(PASSWORD), b"+OK\r\n"))


@dataclass
class Said:
    data: bytes


@dataclass
class Scripted:
    """A mechanism that says what it was told to."""

    says: list[bytes]
    initial: bool = True
    name: str = "SCRIPTED"
    asked: list[bytes | None] = field(default_factory=list)

    def respond(self, challenge: bytes | None) -> Said:
        self.asked.append(challenge)
        return Said(self.says.pop(0))

    def succeed(self, data: bytes | None = None) -> None:
        if self.says:
            raise RemoteProtocolError("challenge.not-base64")
        self.asked.append(data)


# RFC 1939 §10, with two messages in the place of what it leaves out.

SESSION: list[tuple[Command | None, Reply]] = [
    (None, _ok("POP3 server ready <1896.697170952@dbc.mtview.ca.us>")),
    (
        pop3.Apop("mrose", "c4c9334bac560ecc979e58001b3e22fb"),
        _ok("mrose's maildrop has 2 messages (320 octets)"),
    ),
    (pop3.Stat(), _ok("2 320")),
    (pop3.List(), Reply(Status.OK, "2 messages (320 octets)", lines=("1 120", "2 200"))),
    (pop3.Retr(1), Reply(Status.OK, "120 octets", content=MESSAGE)),
    (pop3.Dele(1), _ok("message 1 deleted")),
    (pop3.Retr(2), Reply(Status.OK, "200 octets", content=b"")),
    (pop3.Dele(2), _ok("message 2 deleted")),
    (pop3.Quit(), _ok("dewey POP3 server signing off (maildrop empty)")),
]


def _pieces(raw: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    return [raw[a:b] for a, b in pairwise(edges) if a < b]


def _couple(cut: Callable[[bytes], list[bytes]]) -> tuple[Pop3Client, Pop3Server, list[bytes]]:
    """Client and server speak SESSION through `cut`; all units that the client read."""
    client, server = Pop3Client(), Pop3Server()
    units: list[bytes] = []
    for command, reply in SESSION:
        if command is not None:
            client.send(command)
            said = []
            for piece in cut(_said(client)):
                server.receive(piece)
                said += [event.value for event in [server.next_event()] if event]
            assert said == [command]
            assert server.waiting
        server.send(reply)
        raw = _said(server)
        events = []
        for piece in cut(raw):
            assert client.waiting
            client.receive(piece)
            events += _drain(client)
        assert [(event.value, event.answers) for event in events] == [(reply, command)]
        assert b"".join(events[0].units) == raw
        units += events[0].units
    return client, server, units


def test_a_session_whole_and_byte_by_byte() -> None:
    whole = _couple(lambda raw: [raw])
    assert _couple(lambda raw: [raw[i : i + 1] for i in range(len(raw))])[2] == whole[2]
    client, server, units = whole
    assert client.state is server.state is State.UPDATE
    assert client.closed
    assert server.closed
    assert units[3:9] == [
        *(b"+OK 2 messages (320 octets)\r\n", b"1 120\r\n", b"2 200\r\n", b".\r\n"),
        b"+OK 120 octets\r\n",
        b"Subject: bonjour\r\n\r\n..\r\n...\r\nfin\r\n",
    ]
    assert not client.waiting
    assert client.timestamp == "<1896.697170952@dbc.mtview.ca.us>"


@given(st.lists(st.integers(0, 10_000), max_size=6))
def test_a_session_at_random_cuts(cuts: list[int]) -> None:
    client, _, _ = _couple(lambda raw: _pieces(raw, cuts))
    assert client.state is State.UPDATE


# States.


def test_nothing_may_be_said_before_the_greeting() -> None:
    client = Pop3Client()
    assert client.waiting
    with pytest.raises(LocalProtocolError) as caught:
        client.send(pop3.Quit())
    assert caught.value.message_id == "protocol.not-now"
    assert "opening" in str(caught.value)


def test_a_negative_greeting_closes() -> None:
    client = Pop3Client()
    assert (
        _hear(client, b"-ERR [SYS/TEMP] too many connections\r\n")[0].outcome is Outcome.TEMPORARY
    )
    assert client.state is State.CLOSED
    assert client.legal() == ()


@pytest.mark.parametrize(
    ("state", "legal"),
    [
        (State.AUTHORIZATION, "USER APOP AUTH STLS UTF8 CAPA LANG QUIT"),
        (State.PASSWORD, "PASS CAPA LANG QUIT"),
        (State.SASL, "RESPONSE"),
        (State.TRANSACTION, "STAT LIST UIDL RETR TOP DELE RSET NOOP CAPA LANG QUIT"),
        (State.UPDATE, ""),
    ],
)
def test_what_each_state_allows(state: State, legal: str) -> None:
    assert TABLE.legal(state) == tuple(legal.split())


def test_pass_comes_only_after_a_successful_user() -> None:
    client = _client()
    with pytest.raises(LocalProtocolError):
        client.send(pop3.Pass(PASSWORD))
    client = _client((pop3.User("user"), b"-ERR\r\n"))
    with pytest.raises(LocalProtocolError):
        client.send(pop3.Pass(PASSWORD))
    client = _client((pop3.User("user"), b"+OK\r\n"), (pop3.Pass(PASSWORD), b"-ERR [AUTH] no\r\n"))
    assert client.state is State.AUTHORIZATION
    with pytest.raises(LocalProtocolError):
        client.send(pop3.Pass(PASSWORD))


def test_quit_updates_only_from_transaction() -> None:
    assert _client((pop3.Quit(), b"+OK bye\r\n")).state is State.CLOSED
    client = _logged_in()
    client.send(pop3.Quit())
    _hear(client, b"-ERR some deleted messages not removed\r\n")
    assert client.state is State.UPDATE


def test_the_diagram_is_drawn_from_the_table() -> None:
    drawn = TABLE.mermaid()
    assert "PASSWORD --> TRANSACTION: PASS" in drawn
    assert "TRANSACTION --> UPDATE: QUIT" in drawn


def test_capabilities_are_kept() -> None:
    client = _client((pop3.Capa(), b"+OK\r\nUSER\r\nsasl PLAIN LOGIN\r\n.\r\n"))
    assert client.capabilities == {"USER": (), "SASL": ("PLAIN", "LOGIN")}


# Pipelining.


def test_pipelined_commands_are_answered_in_order() -> None:
    client = _client()
    commands: list[Command] = [
        *(pop3.User("user"), pop3.Pass(PASSWORD), pop3.Stat(), pop3.List(), pop3.Retr(1)),
        pop3.Quit(),
    ]
    for command in commands:
        client.send(command)
    assert len(client.outgoing()) == len(commands)
    client.receive(b"+OK\r\n+OK\r\n+OK 1 5\r\n+OK\r\n1 5\r\n.\r\n+OK\r\nabc\r\n.\r\n+OK\r\n")
    events = _drain(client)
    assert [event.answers for event in events] == commands
    assert (events[3].value.lines, events[4].value.content) == (("1 5",), b"abc\r\n")
    assert client.state is State.UPDATE
    assert not client.waiting


def test_a_refusal_takes_back_what_was_hoped_for() -> None:
    client = _client()
    client.send(pop3.User("user"))
    client.send(pop3.Pass(PASSWORD))
    assert "STAT" in client.legal()
    _hear(client, b"-ERR no such user\r\n")
    assert "STAT" not in client.legal()
    _hear(client, b"-ERR no USER\r\n")
    assert client.state is State.AUTHORIZATION
    assert "USER" in client.legal()


def test_the_server_hands_out_one_command_at_a_time() -> None:
    server = Pop3Server()
    server.receive(b"USER user\r\nPASS minfo\r\n")
    assert server.next_event() is None
    server.send(_ok("ready"))
    first = server.next_event()
    assert first is not None
    assert first.value == pop3.User("user")
    assert server.next_event() is None
    server.send(_ok())
    second = server.next_event()
    assert second is not None
    assert second.value == pop3.Pass(PASSWORD)


# SASL.


def _served(*commands: Command) -> Pop3Server:
    """A server that was asked `commands`, and said +OK to all but the last."""
    server = Pop3Server()
    server.send(_ok("ready"))
    for command in commands:
        if server.waiting:
            server.send(_ok())
        server.receive(b"".join(command.units()))
        assert server.next_event() is not None
    _said(server)
    return server


def test_plain_travels_with_the_command() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"\0user\0minfo"], name="PLAIN")))
    assert _said(client) == b"AUTH PLAIN AHVzZXIAbWluZm8=\r\n"
    assert _hear(client, b"+OK Logged in.\r\n") == [_ok("Logged in.")]
    assert client.state is State.TRANSACTION


def test_an_empty_initial_response_is_an_equals_sign() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b""], name="EXTERNAL")))
    assert _said(client) == b"AUTH EXTERNAL =\r\n"


def test_challenges_are_answered_by_the_core() -> None:
    client = _client()
    auth = Authenticate.by(Scripted([b"user", b"minfo"], name="LOGIN", initial=False))
    client.send(auth)
    assert _said(client) == b"AUTH LOGIN\r\n"
    with pytest.raises(LocalProtocolError):
        client.send(pop3.Quit())
    for challenge, answer in [(b"VXNlcm5hbWU6", b"dXNlcg=="), (b"UGFzc3dvcmQ6", b"bWluZm8=")]:
        client.receive(b"+ " + challenge + b"\r\n")
        event = client.next_event()
        assert event is not None
        assert (event.value.outcome, event.answers) == (Outcome.INTERMEDIATE, auth)
        assert _said(client) == answer + b"\r\n"
        assert client.waiting
    client.receive(b"+OK\r\n")
    assert [event.answers for event in _drain(client)] == [auth]
    assert client.state is State.TRANSACTION


@pytest.mark.parametrize("length", [150, 300])
def test_an_initial_response_that_makes_the_line_too_long_waits(length: int) -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"x" * length], name="PLAIN")))
    first = _said(client)
    assert (first == b"AUTH PLAIN\r\n") == (length == 300)
    if length == 300:
        _hear(client, b"+ \r\n")
        assert len(_said(client)) == 402


def test_a_held_back_initial_response_answers_the_empty_challenge() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"abc"]), initial=False))
    assert _said(client) == b"AUTH SCRIPTED\r\n"
    _hear(client, b"+ \r\n")
    assert _said(client) == b"YWJj\r\n"


def test_a_challenge_that_is_no_base64_is_cancelled_and_said() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"x"], initial=False)))
    _said(client)
    _hear(client, b"+ !!!\r\n")
    assert _said(client) == b"*\r\n"
    client.receive(b"-ERR cancelled\r\n")
    event = client.next_event()
    assert event is not None
    assert client.waiting
    with pytest.raises(RemoteProtocolError) as caught:
        client.next_event()
    assert caught.value.message_id == "challenge.not-base64"
    assert client.state is State.AUTHORIZATION
    assert not client.waiting


def test_success_before_the_server_has_proved_itself_is_an_error() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"first", b"never said"])))
    client.receive(b"+OK\r\n")
    assert client.next_event() is not None
    with pytest.raises(RemoteProtocolError):
        client.next_event()


def test_an_exchange_by_hand() -> None:
    client = _client()
    client.send(pop3.Auth("LOGIN"))
    _hear(client, b"+ VXNlcm5hbWU6\r\n")
    assert (client.state, client.waiting) == (State.SASL, False)
    assert client.legal() == ("RESPONSE",)
    client.send(pop3.SaslAnswer(Secret("*")))
    _hear(client, b"-ERR cancelled\r\n")
    assert client.state is State.AUTHORIZATION


def test_the_server_s_side_of_an_exchange() -> None:
    server = _served(pop3.Auth("LOGIN"))
    server.receive(b"QUIT\r\nSTAT\r\n")
    server.send(Reply(Status.CHALLENGE, "VXNlcm5hbWU6"))
    assert _said(server) == b"+ VXNlcm5hbWU6\r\n"
    event = server.next_event()
    assert event is not None
    assert event.value == pop3.SaslAnswer(Secret("QUIT"))
    server.send(_ok())
    assert server.state is State.TRANSACTION
    event = server.next_event()
    assert event is not None
    assert event.value == pop3.Stat()


def test_a_challenge_outside_sasl_breaks_the_protocol() -> None:
    client = _client()
    client.send(pop3.User("user"))
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b"+ x\r\n")
    assert caught.value.message_id == "pop3.bad-status"


# STLS.


def test_stls_stops_at_the_answer_and_forgets_the_capabilities() -> None:
    client = _client((pop3.Capa(), b"+OK\r\nSTLS\r\n.\r\n"))
    client.send(pop3.Stls())
    with pytest.raises(LocalProtocolError) as caught:
        client.send(pop3.Capa())
    assert caught.value.message_id == "protocol.tls-pending"
    client.receive(b"+OK Begin TLS\r\n+OK injected\r\n")
    assert len(_drain(client)) == 1
    assert (client.tls_pending, client.waiting) == (True, False)
    assert client.unread() == b"+OK injected\r\n"
    client.tls_started()
    assert client.capabilities is None
    assert (client.state, client.tls_pending) == (State.AUTHORIZATION, False)


def test_what_is_not_taken_out_does_not_survive_the_handshake() -> None:
    client = _client()
    client.send(pop3.Stls())
    _hear(client, b"+OK\r\n+OK injected\r\n")
    client.tls_started()
    client.send(pop3.Capa())
    assert _hear(client, b"+OK\r\nUSER\r\n.\r\n")[0].lines == ("USER",)


def test_a_refused_stls_changes_nothing() -> None:
    client = _client((pop3.Stls(), b"-ERR Command not permitted when TLS active\r\n"))
    assert client.state is State.AUTHORIZATION
    assert not client.tls_pending


def test_stls_is_not_allowed_after_utf8() -> None:
    client = _client((pop3.Utf8(), b"+OK\r\n"))
    assert "STLS" not in client.legal()
    with pytest.raises(LocalProtocolError):
        client.send(pop3.Stls())


def test_the_server_leaves_what_came_behind_stls() -> None:
    server = _served(pop3.Stls())
    server.receive(b"USER injected\r\n")
    server.send(_ok("Begin TLS"))
    assert server.tls_pending
    assert server.next_event() is None
    assert server.unread() == b"USER injected\r\n"
    server.tls_started()
    server.receive(b"CAPA\r\n")
    event = server.next_event()
    assert event is not None
    assert event.value == pop3.Capa()


def test_tls_from_the_first_byte_leaves_the_greeting_to_come() -> None:
    client = Pop3Client()
    client.tls_started()
    assert (client.state, client.waiting) == (State.OPENING, True)


# Raw bytes.


def test_a_raw_command_has_the_answer_that_it_will_have() -> None:
    client = _logged_in()
    client.send_raw(b"retr 1\r\n")
    assert _said(client) == b"retr 1\r\n"
    client.receive(b"+OK\r\nabc\r\n.\r\n")
    (event,) = _drain(client)
    assert (event.value.content, event.answers) == (b"abc\r\n", pop3.Retr(1))


def test_a_raw_half_line_waits_for_its_other_half() -> None:
    client = _logged_in()
    client.send_raw(b"LI")
    assert _state(client) == (State.TRANSACTION, False)
    client.send_raw(b"ST\r\n")
    assert _state(client) == (State.TRANSACTION, True)
    assert _hear(client, b"+OK\r\n1 5\r\n.\r\n")[0].lines == ("1 5",)


def test_a_command_behind_a_raw_half_line_is_one_line_with_it() -> None:
    client = _logged_in()
    client.send_raw(b"X")
    client.send(pop3.List())
    assert _said(client) == b"XLIST\r\n"
    client.receive(b"-ERR Unknown command.\r\n")
    (event,) = _drain(client)
    assert event.answers == pop3.Unknown("XLIST")


def test_raw_commands_may_break_the_order_and_the_server_s_answer_decides() -> None:
    client = _client()
    client.send_raw(b"PASS minfo\r\n")
    _hear(client, b"-ERR No username given.\r\n")
    assert _state(client) == (State.AUTHORIZATION, False)
    client.send_raw(b"PASS minfo\r\n")
    _hear(client, b"+OK careless\r\n")
    assert _state(client) == (State.TRANSACTION, False)


def test_a_raw_auth_makes_the_next_raw_line_its_response() -> None:
    client = _client()
    client.send_raw(b"AUTH PLAIN\r\n")
    _hear(client, b"+ \r\n")
    client.send_raw(b"AHVzZXIAbWluZm8=\r\n")
    client.receive(b"+OK\r\n")
    (event,) = _drain(client)
    assert event.answers == pop3.SaslAnswer(Secret("AHVzZXIAbWluZm8="))
    assert client.state is State.TRANSACTION


def test_a_raw_auth_and_its_response_in_one_go() -> None:
    client = _client()
    client.send_raw(b"AUTH PLAIN\r\nAHVzZXIAbWluZm8=\r\nSTAT\r\n")
    client.receive(b"+ \r\n+OK\r\n+OK 2 320\r\n")
    answered = [event.answers for event in _drain(client)]
    assert answered == [
        pop3.Auth("PLAIN"),
        pop3.SaslAnswer(Secret("AHVzZXIAbWluZm8=")),
        pop3.Stat(),
    ]
    assert client.state is State.TRANSACTION


def test_a_raw_auth_alone_may_list_the_mechanisms() -> None:
    client = _client()
    client.send_raw(b"AUTH\r\n")
    assert _hear(client, b"+OK\r\nPLAIN\r\n.\r\n")[0].lines == ("PLAIN",)


def test_raw_bytes_of_the_server_are_followed_too() -> None:
    server = _served(pop3.User("user"), pop3.Pass(PASSWORD), pop3.List())
    assert server.state is State.TRANSACTION
    server.send_raw(b"+OK\r\n1 5\r\n")
    assert _state(server) == (State.TRANSACTION, True)
    server.send_raw(b".\r\n")
    assert _state(server) == (State.TRANSACTION, False)
    assert _said(server) == b"+OK\r\n1 5\r\n.\r\n"


def test_raw_rubbish_of_the_server_answers_nothing() -> None:
    server = _served(pop3.User("user"))
    server.send_raw(b"250 wrong protocol\r\n")
    assert server.waiting
    server.send_raw(b"+OK\r\n")
    assert server.state is State.PASSWORD


# Servers that break the rules, and the server core's own.


@pytest.mark.parametrize(
    "raw", [b"220 smtp\r\n", b"* OK imap\r\n", b"\r\n", b"+ok\r\n", b"+OK\n", b"\x16\x03\x01\r\n"]
)
def test_a_greeting_of_another_kind_breaks_the_protocol(raw: bytes) -> None:
    client = Pop3Client()
    with pytest.raises(RemoteProtocolError):
        _hear(client, raw)


def test_a_reply_never_asked_for_breaks_the_protocol() -> None:
    client = _client()
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b"+OK 2 320\r\n")
    assert caught.value.message_id == "pop3.unasked-reply"


def test_an_unasked_err_is_news() -> None:
    client = _logged_in()
    client.receive(b"-ERR Disconnected for inactivity.\r\n")
    (event,) = _drain(client)
    assert event.answers is None


def test_after_raw_bytes_more_answers_than_expected_are_taken() -> None:
    client = _logged_in()
    client.send_raw(b"NOOP\rNOOP\r\n")
    assert len(_hear(client, b"+OK\r\n+OK\r\n")) == 2


def test_an_endless_line_and_a_flood_are_stopped() -> None:
    client = Pop3Client(limits=Limits(line=1000, exchange=20_000))
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b"+OK" + b" " * 1000)
    assert caught.value.message_id == "wire.line-too-long"
    client = Pop3Client(limits=Limits(line=1000, exchange=20_000))
    _hear(client, GREETING)
    client.send(pop3.Capa())
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b"+OK\r\n" + b"\r\n" * 1000)
    assert caught.value.message_id == "protocol.exchange-too-long"


def test_the_flood_is_counted_by_exchange() -> None:
    client = Pop3Client(limits=Limits(exchange=2000))
    _hear(client, GREETING)
    for _ in range(100):
        client.send(pop3.Capa())
        assert _hear(client, b"+OK\r\nUSER\r\n.\r\n")


def test_a_connection_closed_in_the_middle_of_an_answer() -> None:
    client = _logged_in()
    client.send(pop3.Retr(1))
    _hear(client, b"+OK\r\nhalf")
    client.receive(b"")
    assert not client.waiting
    with pytest.raises(RemoteProtocolError) as caught:
        client.next_event()
    assert caught.value.message_id == "pop3.cut-short"
    assert client.unread() == b"+OK\r\nhalf"


def test_a_connection_closed_between_answers_is_no_error() -> None:
    client = _logged_in()
    client.receive(b"")
    assert client.next_event() is None
    assert not client.waiting


def test_the_server_answers_in_the_form_that_was_asked_for() -> None:
    server = _served(pop3.List())
    for reply in (
        _ok("2 messages"),
        Reply(Status.OK, content=b""),
        Reply(Status.CHALLENGE),
        Reply(Status.ERR, lines=("1 5",)),
    ):
        with pytest.raises(LocalProtocolError) as caught:
            server.send(reply)
        assert caught.value.message_id == "pop3.wrong-form"
    server.send(Reply(Status.OK, lines=()))
    with pytest.raises(LocalProtocolError):
        server.send(_ok("again"))
    server.send(_err("Disconnected for inactivity."))
    assert _said(server) == b"+OK\r\n.\r\n-ERR Disconnected for inactivity.\r\n"


def test_the_server_stops_a_client_that_sends_without_end() -> None:
    server = Pop3Server(limits=Limits(line=100, exchange=5000))
    server.send(_ok())
    server.receive(b"N" * 101)
    with pytest.raises(RemoteProtocolError):
        server.next_event()
    server = Pop3Server(limits=Limits(line=100, exchange=5000))
    server.receive(b"NOOP\r\n" * 1000)
    with pytest.raises(RemoteProtocolError):
        server.next_event()


def test_nothing_is_read_after_quit() -> None:
    server = _served(pop3.Quit())
    server.send(_ok("bye"))
    server.receive(b"STAT\r\n")
    assert server.next_event() is None


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.binary(max_size=12), max_size=4))
def test_arbitrary_bytes_raise_only_the_documented_error(
    heard: list[bytes], raw: list[bytes]
) -> None:
    client, server = _logged_in(), _served(pop3.Auth("LOGIN"))
    auth = _client()
    auth.send(Authenticate.by(Scripted([b"a", b"b", b"c"], initial=False)))
    for said in raw:
        client.send_raw(said)
        server.send_raw(said)
    client.send(pop3.Retr(1))
    for piece in [b"+", *heard, b"\r\n.\r\n", b""]:
        for core in (client, auth, server):
            core.receive(piece)
            try:
                while core.next_event():
                    core.outgoing()
            except RemoteProtocolError:
                core.unread()
