from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.managesieve import (
    TABLE,
    Answer,
    Authenticate,
    ManageSieveClient,
    ManageSieveServer,
    State,
)
from mailsim.secret import Secret
from mailsim.wire import managesieve as ms
from mailsim.wire.managesieve import Atom, Challenge, Command, Response, Status
from mailsim.wire.outcome import Outcome

GREETING = (
    b'"IMPLEMENTATION" "Example1 ManageSieved v001"\r\n"SASL" "DIGEST-MD5 GSSAPI"\r\n'
    b'"SIEVE" "fileinto vacation"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK\r\n'
)
TOLD = {"IMPLEMENTATION": "test", "SASL": "PLAIN", "SIEVE": "fileinto", "VERSION": "1.0"}
SCRIPT = b'#this is my wonderful script\r\nreject "I reject all";\r\n'


def _ok(text: str = "", **more: object) -> Response:
    return Response(Status.OK, text, **more)  # type: ignore[arg-type]  # as Response takes them


def _drain(client: ManageSieveClient) -> list[Received[Answer]]:
    found = []
    while event := client.next_event():
        found.append(event)
    return found


def _hear(client: ManageSieveClient, raw: bytes) -> list[Answer]:
    client.receive(raw)
    return [event.value for event in _drain(client)]


def _said(core: ManageSieveClient | ManageSieveServer) -> bytes:
    return b"".join(core.outgoing())


def _state(core: ManageSieveClient | ManageSieveServer) -> tuple[State, bool]:
    return core.state, core.waiting


def _client(*dialogue: tuple[Command, bytes]) -> ManageSieveClient:
    client = ManageSieveClient()
    _hear(client, GREETING)
    for command, answer in dialogue:
        client.send(command)
        _said(client)
        _hear(client, answer)
    return client


def _logged_in() -> ManageSieveClient:
    return _client((ms.Auth("PLAIN", Secret("AHVzZXIAbWluZm8=")), b"OK\r\n"))


def _served(*commands: Command) -> ManageSieveServer:
    """A server that was asked `commands`, and said OK to all but the last."""
    server = ManageSieveServer()
    server.send(_ok(data=ms.capability_data(TOLD)))
    for command in commands:
        if server.waiting:
            server.send(_ok())
        server.receive(b"".join(command.units()))
        assert server.next_event() is not None
    _said(server)
    return server


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


SESSION: list[tuple[Command | None, Response]] = [
    (None, _ok(data=ms.capability_data(TOLD))),
    (ms.Auth("PLAIN", Secret("AHVzZXIAbWluZm8=")), _ok("Logged in.")),
    (ms.HaveSpace("myscript", 999_999), Response(Status.NO, "Quota exceeded", "QUOTA/MAXSIZE")),
    (ms.PutScript("foo", SCRIPT), _ok()),
    (
        ms.CheckScript(b"InvalidSieveCommand\r\n"),
        Response(Status.NO, "line 2: Syntax error\r\nline 3"),
    ),
    (ms.PutScript("empty", b""), Response(Status.NO, "empty")),
    (ms.SetActive("foo"), _ok()),
    (
        ms.ListScripts(),
        _ok(data=((b"summer_script",), (b'clever"script\r\n',), (b"foo", Atom("ACTIVE")))),
    ),
    (ms.GetScript("foo"), _ok(data=((SCRIPT,),))),
    (ms.RenameScript("foo", "bar"), _ok()),
    (ms.DeleteScript("baz"), Response(Status.NO, "You may not delete an active script", "ACTIVE")),
    (ms.Noop("STARTTLS-SYNC-42"), _ok("Done", code="TAG", arguments=(b"STARTTLS-SYNC-42",))),
    (ms.Unauthenticate(), _ok()),
    (ms.Capability(), _ok(data=ms.capability_data(TOLD))),
    (ms.Logout(), _ok()),
]


def _pieces(raw: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    return [raw[a:b] for a, b in pairwise(edges) if a < b]


def _couple(cut: Callable[[bytes], list[bytes]]) -> tuple[ManageSieveClient, list[bytes]]:
    """Client and server speak SESSION through `cut`; all units that the client read."""
    client, server = ManageSieveClient(), ManageSieveServer()
    units: list[bytes] = []
    for command, response in SESSION:
        if command is not None:
            client.send(command)
            said = []
            for piece in cut(_said(client)):
                server.receive(piece)
                said += [event.value for event in [server.next_event()] if event]
            assert said == [command]
        server.send(response)
        raw = _said(server)
        events = []
        for piece in cut(raw):
            assert client.waiting
            client.receive(piece)
            events += _drain(client)
        assert [(event.value, event.answers) for event in events] == [(response, command)]
        assert b"".join(events[0].units) == raw
        units += events[0].units
    assert client.state is server.state is State.CLOSED
    assert client.closed
    assert server.closed
    return client, units


def test_a_session_whole_and_byte_by_byte() -> None:
    client, units = _couple(lambda raw: [raw])
    assert _couple(lambda raw: [raw[i : i + 1] for i in range(len(raw))])[1] == units
    assert client.capabilities == TOLD
    assert not client.waiting
    at = units.index(SCRIPT)
    assert units[at - 1 : at + 3] == [b"{%d}\r\n" % len(SCRIPT), SCRIPT, b"\r\n", b"OK\r\n"]


@given(st.lists(st.integers(0, 10_000), max_size=6))
def test_a_session_at_random_cuts(cuts: list[int]) -> None:
    _couple(lambda raw: _pieces(raw, cuts))


# States.


def test_the_greeting_tells_the_capabilities() -> None:
    client = ManageSieveClient()
    assert _state(client) == (State.OPENING, True)
    with pytest.raises(LocalProtocolError) as caught:
        client.send(ms.Logout())
    assert caught.value.message_id == "protocol.not-now"
    client.receive(GREETING)
    (event,) = _drain(client)
    assert event.answers is None
    assert len(event.units) == 6
    assert client.capabilities["SASL"] == "DIGEST-MD5 GSSAPI"
    assert _state(client) == (State.NON_AUTHENTICATED, False)


def test_bye_for_a_greeting_closes() -> None:
    client = ManageSieveClient()
    assert _hear(client, b'BYE (TRYLATER) "busy"\r\n')[0].outcome is Outcome.CLOSING
    assert _state(client) == (State.CLOSED, False)


@pytest.mark.parametrize(
    ("state", "legal"),
    [
        (State.NON_AUTHENTICATED, {"AUTHENTICATE", "STARTTLS", "CAPABILITY", "NOOP", "LOGOUT"}),
        (State.SASL, {"RESPONSE"}),
        (State.CLOSED, set()),
    ],
)
def test_what_each_state_allows(state: State, legal: set[str]) -> None:
    assert set(TABLE.legal(state)) == legal


def test_scripts_are_for_the_authenticated() -> None:
    client = _client()
    with pytest.raises(LocalProtocolError):
        client.send(ms.ListScripts())
    client = _logged_in()
    with pytest.raises(LocalProtocolError):
        client.send(ms.StartTls())
    client.send(ms.ListScripts())
    _hear(client, b"OK\r\n")
    client.send(ms.Unauthenticate())
    _hear(client, b"OK\r\n")
    assert client.state is State.NON_AUTHENTICATED


def test_every_command_has_its_place_in_the_table() -> None:
    assert {row.verb for row in TABLE.rows} - {"greeting", "handshake", "RESPONSE"} == set(ms.VERBS)


def test_bye_may_come_at_any_time() -> None:
    client = _logged_in()
    client.receive(b'BYE "idle"\r\n')
    (event,) = _drain(client)
    assert event.answers is None
    assert _state(client) == (State.CLOSED, False)
    client = _logged_in()
    client.send(ms.ListScripts())
    client.send(ms.Noop())
    client.receive(b'BYE "shutting down"\r\n')
    assert [event.answers for event in _drain(client)] == [ms.ListScripts()]
    assert _state(client) == (State.CLOSED, False)


def test_pipelined_commands_are_answered_in_order() -> None:
    client = _logged_in()
    commands: list[Command] = [ms.ListScripts(), ms.GetScript("a"), ms.Noop()]
    for command in commands:
        client.send(command)
    client.receive(b'"a" ACTIVE\r\nOK\r\n{7}\r\nkeep;\r\n\r\nOK\r\nOK\r\n')
    assert [event.answers for event in _drain(client)] == commands


def test_the_server_hands_out_one_command_at_a_time() -> None:
    server = _served(ms.Noop())
    server.receive(b"CAPABILITY\r\n")
    assert server.next_event() is None
    server.send(_ok())
    event = server.next_event()
    assert event is not None
    assert event.value == ms.Capability()


# SASL, after the examples of RFC 5804 §2.1.


def test_the_initial_response_is_a_string() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"\0user\0minfo"], name="PLAIN")))
    assert _said(client) == b'AUTHENTICATE "PLAIN" "AHVzZXIAbWluZm8="\r\n'
    _hear(client, b"OK\r\n")
    assert client.state is State.AUTHENTICATED


def test_an_empty_initial_response_is_an_empty_string() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b""], name="EXTERNAL")))
    assert _said(client) == b'AUTHENTICATE "EXTERNAL" ""\r\n'


def test_a_long_initial_response_is_a_literal() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"x" * 1116], name="GSSAPI")))
    units = client.outgoing()
    assert units[0] == b'AUTHENTICATE "GSSAPI" {1488+}\r\n'
    assert [len(unit) for unit in units[1:]] == [1488, 2]


@pytest.mark.parametrize("form", [b'"%s"\r\n', b"{8}\r\n%s\r\n"])
def test_challenges_are_answered_by_the_core(form: bytes) -> None:
    client = _client()
    auth = Authenticate.by(Scripted([b"first", b"last"], initial=False))
    client.send(auth)
    assert _said(client) == b'AUTHENTICATE "SCRIPTED"\r\n'
    with pytest.raises(LocalProtocolError):
        client.send(ms.Logout())
    for challenge, answer in [(b"cmVhbG09", b'"Zmlyc3Q="\r\n'), (b"cnNwYXV0", b'"bGFzdA=="\r\n')]:
        client.receive(form % challenge)
        event = client.next_event()
        assert event is not None
        assert (event.value, event.answers) == (Challenge(challenge), auth)
        assert _said(client) == answer
        assert client.waiting
    client.receive(b"OK\r\n")
    assert [event.answers for event in _drain(client)] == [auth]
    assert client.state is State.AUTHENTICATED


def test_the_server_s_last_word_may_come_with_ok() -> None:
    mechanism = Scripted([b"first"])
    client = _client()
    client.send(Authenticate.by(mechanism))
    _hear(client, b'OK (SASL "dj1wcm9vZg==")\r\n')
    assert mechanism.asked == [None, b"v=proof"]


def test_ok_before_the_server_has_proved_itself_is_an_error() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"first", b"never said"])))
    client.receive(b"OK\r\n")
    assert client.next_event() is not None
    assert client.waiting
    with pytest.raises(RemoteProtocolError):
        client.next_event()


def test_a_challenge_that_is_no_base64_is_cancelled_and_said() -> None:
    client = _client()
    client.send(Authenticate.by(Scripted([b"x"], initial=False)))
    _said(client)
    _hear(client, b'"!!!"\r\n')
    assert _said(client) == b'"*"\r\n'
    client.receive(b"NO\r\n")
    assert client.next_event() is not None
    with pytest.raises(RemoteProtocolError) as caught:
        client.next_event()
    assert caught.value.message_id == "challenge.not-base64"
    assert _state(client) == (State.NON_AUTHENTICATED, False)


def test_a_refusal_lets_the_client_try_again() -> None:
    client = _client((ms.Auth("PLAIN", Secret("QJIrweAPyo6Q1T9xu")), b"NO\r\n"))
    client.send(ms.Auth("PLAIN", Secret("QJIrweAPyo6Q1T9xy")))
    _hear(client, b'BYE "Too many failed authentication attempts"\r\n')
    assert _state(client) == (State.CLOSED, False)


def test_an_exchange_by_hand() -> None:
    client = _client()
    client.send(ms.Auth("LOGIN"))
    _hear(client, b'"VXNlcm5hbWU6"\r\n')
    assert _state(client) == (State.SASL, False)
    client.send(ms.SaslAnswer(Secret("*")))
    assert _said(client).endswith(b'"*"\r\n')
    _hear(client, b"NO\r\n")
    assert client.state is State.NON_AUTHENTICATED


def test_the_server_s_side_of_an_exchange() -> None:
    server = _served(ms.Auth("LOGIN"))
    server.receive(b'{8+}\r\nYWJjZGVm\r\n"LOGOUT"\r\nLISTSCRIPTS\r\n')
    server.send(Challenge(b"VXNlcm5hbWU6"))
    assert _said(server) == b'"VXNlcm5hbWU6"\r\n'
    said = []
    for answer in (Challenge(b""), _ok()):
        event = server.next_event()
        assert event is not None
        said.append(event.value)
        server.send(answer)
    assert said == [ms.SaslAnswer(Secret("YWJjZGVm")), ms.SaslAnswer(Secret("LOGOUT"))]
    event = server.next_event()
    assert event is not None
    assert event.value == ms.ListScripts()


# STARTTLS.


def test_starttls_stops_at_the_answer_and_waits_for_the_capabilities_again() -> None:
    client = _client()
    client.send(ms.StartTls())
    with pytest.raises(LocalProtocolError) as caught:
        client.send(ms.Capability())
    assert caught.value.message_id == "protocol.tls-pending"
    client.receive(b'oK\r\n"SASL" "INJECTED"\r\nOK\r\n')
    assert len(_drain(client)) == 1
    assert (client.tls_pending, client.waiting) == (True, False)
    assert client.unread() == b'"SASL" "INJECTED"\r\nOK\r\n'
    client.tls_started()
    assert (client.capabilities, client.tls_pending) == ({}, False)
    assert _state(client) == (State.RENEWING, True)
    client.receive(b'"SASL" "PLAIN"\r\nok\r\n')
    assert [event.answers for event in _drain(client)] == [None]
    assert client.capabilities == {"SASL": "PLAIN"}
    assert _state(client) == (State.NON_AUTHENTICATED, False)


def test_what_is_not_taken_out_does_not_survive_the_handshake() -> None:
    client = _client()
    client.send(ms.StartTls())
    _hear(client, b'OK\r\n"SASL" "INJECTED"\r\nOK\r\n')
    client.tls_started()
    assert client.next_event() is None


def test_the_server_leaves_what_came_behind_starttls_and_tells_its_capabilities_again() -> None:
    server = _served(ms.StartTls())
    server.receive(b'AUTHENTICATE "INJECTED"\r\n')
    server.send(_ok())
    assert (server.tls_pending, server.next_event()) == (True, None)
    assert server.unread() == b'AUTHENTICATE "INJECTED"\r\n'
    server.tls_started()
    server.receive(b"NOOP\r\n")
    assert server.next_event() is None
    server.send(_ok(data=ms.capability_data(TOLD)))
    event = server.next_event()
    assert event is not None
    assert event.value == ms.Noop()


def test_tls_from_the_first_byte_leaves_the_greeting_to_come() -> None:
    client = ManageSieveClient()
    client.tls_started()
    _hear(client, GREETING)
    assert _state(client) == (State.NON_AUTHENTICATED, False)


# Raw bytes.


def test_a_raw_command_has_the_answer_that_it_will_have() -> None:
    client = _logged_in()
    client.send_raw(b'getscript "a"\r\n')
    client.receive(b'"keep;"\r\nOK\r\n')
    (event,) = _drain(client)
    assert event.answers == ms.GetScript("a")


def test_a_raw_half_line_waits_and_so_does_a_literal() -> None:
    client = _logged_in()
    for half in (b'PUTSCRIPT "a" ', b"{7+}\r\n", b"NOOP\r\n;"):
        client.send_raw(half)
        assert _state(client) == (State.AUTHENTICATED, False)
    client.send_raw(b"\r\n")
    assert _state(client) == (State.AUTHENTICATED, True)
    client.receive(b"OK\r\n")
    (event,) = _drain(client)
    assert event.answers == ms.PutScript("a", b"NOOP\r\n;")


def test_a_command_behind_a_raw_half_line_is_one_line_with_it() -> None:
    client = _logged_in()
    client.send_raw(b"X")
    client.send(ms.Noop())
    assert _said(client) == b"XNOOP\r\n"
    client.receive(b'NO "unknown"\r\n')
    (event,) = _drain(client)
    assert isinstance(event.answers, ms.Unknown)


def test_a_raw_literal_of_the_wrong_form_is_a_line_that_will_be_refused() -> None:
    client = _logged_in()
    client.send_raw(b'PUTSCRIPT "a" {7}\r\nNOOP\r\n')
    client.receive(b'NO "literal"\r\nOK\r\n')
    assert [type(event.answers) for event in _drain(client)] == [ms.Malformed, ms.Noop]


def test_a_raw_authentication_is_followed() -> None:
    for cut in (True, False):
        client = _client()
        client.send_raw(b'AUTHENTICATE "PLAIN"\r\n')
        if cut:
            _hear(client, b'""\r\n')
        client.send_raw(b'"AHVzZXIAbWluZm8="\r\n')
        client.receive(b"OK\r\n" if cut else b'""\r\nOK\r\n')
        assert _drain(client)[-1].answers == ms.SaslAnswer(Secret("AHVzZXIAbWluZm8="))
        assert client.state is State.AUTHENTICATED


def test_raw_bytes_of_the_server_are_followed_too() -> None:
    server = _served(ms.Auth("PLAIN", Secret("")), ms.ListScripts())
    server.send_raw(b"nonsense here\r\n")
    assert _state(server) == (State.AUTHENTICATED, True)
    server.send_raw(b'"a"\r\nOK')
    assert _state(server) == (State.AUTHENTICATED, True)
    server.send_raw(b"\r\n")
    assert _state(server) == (State.AUTHENTICATED, False)
    server.send_raw(b"BYE\r\n")
    assert _state(server) == (State.CLOSED, False)


# Servers that break the rules, and the server core's own.


@pytest.mark.parametrize(
    "raw", [b"220 smtp\r\n", b"* OK imap\r\n", b"+OK pop3\r\n", b"\r\n", b"OK\n"]
)
def test_a_greeting_of_another_kind_breaks_the_protocol(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        _hear(ManageSieveClient(), raw)


def test_a_response_never_asked_for_breaks_the_protocol() -> None:
    client = _client()
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b"OK\r\n")
    assert caught.value.message_id == "managesieve.unasked-response"
    with pytest.raises(RemoteProtocolError):
        _hear(_client(), b'"data"\r\n')


def test_after_raw_bytes_more_answers_than_expected_are_taken() -> None:
    client = _logged_in()
    client.send_raw(b"NOOP\rNOOP\r\n")
    assert len(_hear(client, b"OK\r\nOK\r\n")) == 2


def test_data_that_were_not_asked_for_break_the_protocol() -> None:
    client = _logged_in()
    client.send(ms.SetActive("a"))
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b'"data"\r\nOK\r\n')
    assert caught.value.message_id == "managesieve.bad-response"


def test_a_huge_literal_and_a_flood_are_stopped() -> None:
    client = _logged_in()
    client.send(ms.GetScript("a"))
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b"{4294967295}\r\n")
    assert caught.value.message_id == "managesieve.literal-too-long"
    client = ManageSieveClient(limits=Limits(exchange=20_000))
    with pytest.raises(RemoteProtocolError) as caught:
        _hear(client, b'"a"\r\n' * 1000)
    assert caught.value.message_id == "protocol.exchange-too-long"


def test_the_flood_is_counted_by_exchange() -> None:
    client = ManageSieveClient(limits=Limits(exchange=5000))
    _hear(client, GREETING)
    server = ManageSieveServer(limits=Limits(exchange=5000))
    server.send(_ok())
    _said(server)
    for _ in range(100):
        client.send(ms.Noop())
        server.receive(_said(client))
        assert server.next_event() is not None
        server.send(_ok("NOOP completed"))
        assert len(_hear(client, _said(server))) == 1


def test_the_server_refuses_a_huge_literal_at_once() -> None:
    server = _served()
    server.receive(b'PUTSCRIPT "a" {4294967295+}\r\n')
    with pytest.raises(RemoteProtocolError) as caught:
        server.next_event()
    assert caught.value.message_id == "managesieve.literal-too-long"


def test_a_connection_closed_in_the_middle_of_a_response() -> None:
    client = _logged_in()
    client.send(ms.GetScript("a"))
    _hear(client, b"{7}\r\nkee")
    client.receive(b"")
    with pytest.raises(RemoteProtocolError) as caught:
        client.next_event()
    assert caught.value.message_id == "managesieve.cut-short"
    assert client.unread() == b"{7}\r\nkee"
    client = _logged_in()
    client.receive(b"")
    assert (client.next_event(), client.waiting) == (None, False)


def test_the_server_answers_in_the_form_that_was_asked_for() -> None:
    server = _served(ms.Noop())
    for answer in (Challenge(b""), _ok(data=((b"a",),))):
        with pytest.raises(LocalProtocolError) as caught:
            server.send(answer)
        assert caught.value.message_id == "managesieve.wrong-form"
    server.send(_ok())
    with pytest.raises(LocalProtocolError):
        server.send(_ok())
    server.send(Response(Status.BYE, "idle"))
    assert server.state is State.CLOSED


def test_nothing_is_read_after_logout() -> None:
    server = _served(ms.Logout())
    server.send(_ok())
    server.receive(b"NOOP\r\n")
    assert server.next_event() is None


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.binary(max_size=12), max_size=4))
def test_arbitrary_bytes_raise_only_the_documented_error(
    heard: list[bytes], raw: list[bytes]
) -> None:
    client, server = _logged_in(), _served(ms.Auth("LOGIN"))
    auth = _client()
    auth.send(Authenticate.by(Scripted([b"a", b"b", b"c"], initial=False)))
    for said in raw:
        client.send_raw(said)
        server.send_raw(said)
    client.send(ms.ListScripts())
    for piece in [b'"', *heard, b'"\r\nOK\r\n', b""]:
        for core in (client, auth, server):
            core.receive(piece)
            try:
                while core.next_event():
                    core.outgoing()
            except RemoteProtocolError:
                core.unread()
