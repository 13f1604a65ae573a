from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim import sasl
from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.smtp import TABLE, Authenticate, SmtpClient, SmtpServer, State
from mailsim.secret import Secret
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp import (
    Auth,
    Bdat,
    Command,
    Content,
    Data,
    Ehlo,
    Lhlo,
    Mail,
    Malformed,
    Noop,
    Path,
    Quit,
    Rcpt,
    Reply,
    Rset,
    SaslAnswer,
    StartTls,
)

OK = Reply.of(250, "2.0.0", "Ok")
GREETING = Reply(220, ("mail.minfo.sn ESMTP Postfix",))
HELLO = Reply(250, ("mail.minfo.sn", "PIPELINING", "SIZE 10240000", "AUTH PLAIN LOGIN", "CHUNKING"))
SENDER, USER, OTHER = Path("a@ugb.sn"), Path("user@minfo.sn"), Path("autre_user@minfo.sn")


class Wire:
    """Two cores, and what passes between them in pieces of a given size."""

    def __init__(self, *, lmtp: bool = False, cut: Iterator[int] | None = None) -> None:
        self.client = SmtpClient(lmtp=lmtp)
        self.server = SmtpServer(lmtp=lmtp)
        self.commands: list[Command] = []
        self._cut = cut

    def to_client(self) -> list[Received[Reply]]:
        found: list[Received[Reply]] = []
        for piece in self._pieces(b"".join(self.server.outgoing())):
            self.client.receive(piece)
            while event := self.client.next_event():
                found.append(event)
        return found

    def to_server(self) -> None:
        for piece in self._pieces(b"".join(self.client.outgoing())):
            self.server.receive(piece)

    def answer(self, *replies: Reply) -> list[Reply]:
        """Read a command for each reply, answer it; what the client made of it."""
        heard: list[Reply] = []
        self.to_server()
        for reply in replies:
            if not self.server.waiting:
                event = self.server.next_event()
                assert event is not None
                self.commands.append(event.value)
            self.server.send(reply)
            heard += (event.value for event in self.to_client())
            self.to_server()
        return heard

    def start(self, hello: Command | None = None) -> None:
        self.server.send(GREETING)
        self.to_client()
        self.client.send(hello or Ehlo("poste.minfo.sn"))
        self.answer(HELLO)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            size = next(self._cut, 1) if self._cut else len(data)
            yield data[:size]
            data = data[size:]


def _state(wire: Wire) -> State:
    return wire.client.state


def _waiting(wire: Wire) -> bool:
    return wire.client.waiting


def _states(wire: Wire) -> set[State]:
    return {wire.client.state, wire.server.state}


def _whole_session(wire: Wire) -> tuple[list[Command], list[Reply]]:
    wire.start()
    heard: list[Reply] = []
    wire.client.send(Mail(SENDER))
    wire.client.send(Rcpt(USER))
    wire.client.send(Rcpt(OTHER))
    wire.client.send(Data())
    refusal = Reply.of(550, "5.1.1", "unknown", "user")
    heard += wire.answer(OK, OK, refusal, Reply(354, ("go ahead",)))
    wire.client.send(Content(b"Subject: x\r\n\r\n.dot\r\n..\r\n"))
    heard += wire.answer(OK)
    wire.client.send(Quit())
    heard += wire.answer(Reply.of(221, "2.0.0", "Bye"))
    return wire.commands, heard


def test_a_whole_session_in_memory() -> None:
    wire = Wire()
    commands, heard = _whole_session(wire)
    assert [one.verb for one in commands] == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", ".", "QUIT"]
    assert commands[5] == Content(b"Subject: x\r\n\r\n.dot\r\n..\r\n")
    assert [one.code for one in heard] == [250, 250, 550, 354, 250, 221]
    assert _states(wire) == {State.CLOSED}
    assert wire.client.extensions["SIZE"] == "10240000"


@given(st.lists(st.integers(1, 30), max_size=60))
def test_cuts_change_nothing(sizes: list[int]) -> None:
    """Byte by byte once the drawn sizes are used up."""
    assert _whole_session(Wire(cut=iter(sizes))) == _whole_session(Wire())


def test_each_reply_says_what_it_answers() -> None:
    wire = Wire()
    wire.start()
    wire.client.send(Mail(SENDER))
    wire.client.send(Rcpt(USER))
    wire.to_server()
    for _ in range(2):
        wire.server.next_event()
        wire.server.send(OK)
    assert [event.answers for event in wire.to_client()] == [Mail(SENDER), Rcpt(USER)]


@pytest.mark.parametrize(
    "command", [Rcpt(USER), Data(), Content(b""), Bdat(b"x", last=True), SaslAnswer(Secret("x"))]
)
def test_what_the_state_does_not_allow_is_refused_and_named(command: Command) -> None:
    wire = Wire()
    wire.start()
    with pytest.raises(LocalProtocolError) as caught:
        wire.client.send(command)
    assert "MAIL" in str(caught.value)
    assert wire.client.outgoing() == ()


def test_content_waits_for_the_354() -> None:
    wire = Wire()
    wire.start()
    for command in (Mail(SENDER), Rcpt(USER), Data()):
        wire.client.send(command)
    with pytest.raises(LocalProtocolError):
        wire.client.send(Content(b""))


def test_a_refused_mail_changes_nothing() -> None:
    wire = Wire()
    wire.start()
    wire.client.send(Mail(SENDER))
    wire.answer(Reply.of(450, "4.1.8", "later"))
    assert _states(wire) == {State.READY}


def test_chunks_travel_as_they_are_and_a_refused_one_asks_for_rset() -> None:
    wire = Wire()
    wire.start()
    wire.client.send(Mail(SENDER))
    wire.client.send(Rcpt(USER))
    wire.answer(OK, OK)
    wire.client.send(Bdat(b"a\r\n.\r\n\0b"))
    wire.answer(OK)
    assert wire.commands[-1] == Bdat(b"a\r\n.\r\n\0b")
    assert _states(wire) == {State.CHUNKS}
    wire.client.send(Bdat(b"", last=True))
    wire.answer(Reply.of(552, "5.3.4", "too big"))
    assert _state(wire) is State.FAILED
    assert set(wire.client.legal()) == {
        "EHLO",
        "HELO",
        "RSET",
        "NOOP",
        "HELP",
        "VRFY",
        "EXPN",
        "QUIT",
    }
    wire.client.send(Rset())
    wire.answer(OK)
    assert _state(wire) is State.READY


def test_lmtp_answers_the_message_once_a_recipient() -> None:
    wire = Wire(lmtp=True)
    wire.start(Lhlo("foo.edu"))
    assert "EHLO" not in wire.client.legal()
    for command in (Mail(SENDER), Rcpt(USER), Rcpt(OTHER), Data()):
        wire.client.send(command)
    wire.answer(OK, OK, OK, Reply(354, ("go",)))
    wire.client.send(Content(b"x\r\n"))
    full = Reply.of(452, "4.2.2", "full")
    assert wire.answer(OK, full) == [OK, full]
    assert not _waiting(wire)
    assert _states(wire) == {State.READY}


class _Users:
    def __init__(self, **passwords: str) -> None:
        self._passwords = passwords

    def accounts(self) -> sasl.Accounts:
        return sasl.Accounts(
            passwords={user: Secret(word) for user, word in self._passwords.items()},
            tokens={"user": Secret("token")},
            pepper=Secret("pepper"),
        )


MECHANISMS = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "XOAUTH2",
    "OAUTHBEARER",
]


@pytest.mark.parametrize("password", ["minfo", "wrong"])
@pytest.mark.parametrize("name", MECHANISMS)
def test_sasl_runs_through_both_cores(name: str, password: str) -> None:
    wire = Wire()
    wire.start()
    token = {"minfo": "token", "wrong": "stolen"}[password]
    ours = sasl.client(name, user="user", password=password, token=token, nonce="client-nonce")
    theirs = sasl.server(
        name,
        credentials=_Users(user="minfo").accounts(),
        nonce="server-nonce",
        challenge=b"<1@mail.minfo.sn>",
    )
    wire.client.send(Authenticate.by(ours))
    final = _authenticate(wire, theirs)
    right = password == "minfo"
    assert final.code == (235 if right else 535)
    assert wire.client.authenticated is right
    assert ("AUTH" in wire.client.legal()) is not right
    assert _states(wire) == {State.READY}


def _authenticate(wire: Wire, theirs: sasl.ServerMechanism) -> Reply:
    """Play the server's part of AUTH to its end."""
    for _ in range(6):
        wire.to_server()
        event = wire.server.next_event()
        assert event is not None
        response = _response(event.value)
        outcome = theirs.challenge(response)
        if isinstance(outcome, sasl.Challenge):
            wire.server.send(Reply(334, (base64.b64encode(outcome.data).decode(),)))
            wire.to_client()
            continue
        accepted = isinstance(outcome, sasl.Success)
        wire.server.send(Reply(235 if accepted else 535))
        return wire.to_client()[-1].value
    raise AssertionError("AUTH has no end")


def _response(value: Command) -> bytes | None:
    token = value.initial if isinstance(value, Auth) else getattr(value, "token", None)
    if token is None:
        return None
    raw = token.reveal()
    return b"" if raw in (b"=", b"") else base64.b64decode(raw)


def test_a_challenge_that_is_no_base64_is_cancelled_and_then_told() -> None:
    wire = Wire()
    wire.start()
    wire.client.send(Authenticate.by(sasl.client("CRAM-MD5", user="user", password="minfo")))
    wire.answer(Reply(334, ("***",)))
    event = wire.server.next_event()
    assert event is not None
    assert event.units == (b"*\r\n",)
    wire.server.send(Reply(501))
    wire.client.receive(b"".join(wire.server.outgoing()))
    reply = wire.client.next_event()
    assert reply is not None
    assert reply.value.code == 501
    assert _waiting(wire)
    with pytest.raises(RemoteProtocolError):
        wire.client.next_event()
    assert not _waiting(wire)


def test_an_initial_response_over_512_octets_waits_for_the_challenge() -> None:
    wire = Wire()
    wire.start()
    ours = sasl.client("PLAIN", user="user", password="x" * 600)
    wire.client.send(Authenticate.by(ours))
    wire.to_server()
    event = wire.server.next_event()
    assert event is not None
    assert event.value == Auth("PLAIN")
    wire.server.send(Reply(334))
    wire.to_client()
    wire.to_server()
    event = wire.server.next_event()
    assert event is not None
    assert len(event.units[0]) > 800


def test_after_starttls_nothing_is_read_and_all_is_forgotten() -> None:
    wire = Wire()
    wire.start()
    wire.client.send(StartTls())
    wire.to_server()
    wire.server.next_event()
    wire.server.send(Reply.of(220, "2.0.0", "Ready to start TLS"))
    wire.server.send_raw(b"250 injected\r\n")
    assert len(wire.to_client()) == 1
    assert wire.client.tls_pending
    assert not _waiting(wire)
    with pytest.raises(LocalProtocolError):
        wire.client.send(Noop())
    assert wire.client.unread() == b"250 injected\r\n"
    wire.client.tls_started()
    assert _state(wire) is State.CONNECTED
    assert wire.client.extensions == {}


def test_commands_injected_before_tls_stay_unread_on_the_server() -> None:
    wire = Wire()
    wire.start()
    wire.client.send_raw(b"STARTTLS\r\nMAIL FROM:<evil@pub.sn>\r\n")
    wire.answer(Reply(220))
    assert wire.server.next_event() is None
    assert wire.server.unread() == b"MAIL FROM:<evil@pub.sn>\r\n"


def _heard(raw: bytes, client: SmtpClient | None = None) -> list[Reply]:
    client = client or SmtpClient()
    client.receive(raw)
    found = []
    while event := client.next_event():
        found.append(event.value)
    return found


@pytest.mark.parametrize(
    ("raw", "message_id"),
    [
        (b"220 hi\r\n250 nobody asked\r\n", "smtp.unasked-reply"),
        (b"220-hi\r\n250 other\r\n", "smtp.mixed-codes"),
        (b"HTTP/1.1 200 OK\r\n", "smtp.bad-reply"),
        (b"220 hi\n", "wire.bare-lf"),
        (b"220-" + b"x" * 70_000, "wire.line-too-long"),
    ],
)
def test_a_hostile_server_is_named(raw: bytes, message_id: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        _heard(raw)
    assert caught.value.message_id == message_id


def test_an_endless_reply_is_stopped_by_what_it_costs() -> None:
    client = SmtpClient(limits=Limits(exchange=10_000))
    with pytest.raises(RemoteProtocolError) as caught:
        _heard(b"220-x\r\n" * 100, client)
    assert caught.value.message_id == "protocol.exchange-too-long"


def test_421_may_come_unasked() -> None:
    client = SmtpClient()
    assert [one.code for one in _heard(b"220 hi\r\n421 4.4.2 timeout\r\n", client)] == [220, 421]
    assert client.closed


def test_raw_lines_are_followed_as_the_commands_they_are() -> None:
    wire = Wire()
    wire.start()
    wire.client.send_raw(b"MAIL FR")
    assert not _waiting(wire)
    wire.client.send_raw(b"OM:<a@ugb.sn>\r\nRCPT TO:<user@minfo.sn>\r\nDATA\r\n")
    assert _waiting(wire)
    wire.answer(OK, OK, Reply(354))
    assert _state(wire) is State.DATA
    wire.client.send_raw(b"x\r\n.\r")
    assert not _waiting(wire)
    wire.client.send_raw(b"\n")
    assert _waiting(wire)
    wire.answer(OK)
    assert _state(wire) is State.READY


def test_raw_lines_are_read_with_the_quirks_that_the_server_is_known_for() -> None:
    for quirks, expected in (
        (NONE, Malformed),
        (frozenset({Quirk.SPACE_BEFORE_COLON, Quirk.SPACE_IN_PATH}), Mail),
    ):
        client = SmtpClient(quirks=quirks)
        _heard(b"220 hi\r\n", client)
        client.send(Ehlo("x.sn"))
        _heard(b"250 hi\r\n", client)
        client.send_raw(b"MAIL FROM : <a@ugb.sn>\r\n")
        client.receive(b"250 Ok\r\n")
        event = client.next_event()
        assert event is not None
        assert isinstance(event.answers, expected)


def test_the_lone_dot_may_be_the_first_line_of_raw_content() -> None:
    wire = Wire()
    wire.start()
    for command in (Mail(SENDER), Rcpt(USER), Data()):
        wire.client.send(command)
    wire.answer(OK, OK, Reply(354))
    wire.client.send_raw(b".\r\n")
    assert _waiting(wire)


def test_a_server_that_ends_the_content_early_is_followed_after_raw_bytes() -> None:
    wire = Wire()
    wire.start()
    for command in (Mail(SENDER), Rcpt(USER), Data()):
        wire.client.send(command)
    wire.answer(OK, OK, Reply(354))
    wire.client.send_raw(b"x\n.\nMAIL FROM:<evil@pub.sn>\r\n")
    assert [one.code for one in _heard(b"250 taken\r\n250 smuggled\r\n", wire.client)] == [250, 250]
    assert _state(wire) is State.READY


def test_raw_bdat_skips_its_octets() -> None:
    wire = Wire()
    wire.start()
    wire.client.send_raw(b"BDAT 6 LAST\r\nRSET\r\nNOOP\r\n")
    wire.answer(Reply(503), OK)
    assert [one.verb for one in wire.commands[1:]] == ["BDAT", "NOOP"]
    assert not _waiting(wire)


@given(st.binary(max_size=120))
def test_arbitrary_bytes_raise_nothing_but_remote_errors(raw: bytes) -> None:
    for start in (b"", b"220 hi\r\n"):
        try:
            _heard(start + raw)
        except RemoteProtocolError as error:
            assert str(error)  # noqa: PT017 - the point is that it is one


@given(st.binary(max_size=120))
def test_arbitrary_bytes_never_break_the_server(raw: bytes) -> None:
    server = SmtpServer()
    server.send(GREETING)
    server.receive(raw)
    try:
        while server.next_event():
            server.send(Reply(250))
    except RemoteProtocolError as error:
        assert str(error)  # noqa: PT017 - the point is that it is one


def test_the_table_draws_itself() -> None:
    picture = TABLE.mermaid()
    assert picture.startswith("stateDiagram-v2\n    [*] --> OPENING\n")
    assert "READY --> MAIL: MAIL" in picture
    assert TABLE.target(State.READY, "MAIL", Outcome.PERMANENT) == State.READY
