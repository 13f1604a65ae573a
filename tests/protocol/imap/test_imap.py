from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim import sasl
from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.imap import (
    TABLE,
    Authenticate,
    Event,
    ImapClient,
    ImapServer,
    Malformed,
    Selected,
    State,
    Tagged,
)
from mailsim.secret import Secret
from mailsim.wire.imap import commands as c
from mailsim.wire.imap import responses as r
from mailsim.wire.imap.codes import Code
from mailsim.wire.imap.section import Section
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.outcome import Outcome

MESSAGE = b"From: a\r\n\r\n" + b"x" * 5000 + b"\r\n"


def greeted(line: bytes = b"* OK hello\r\n") -> ImapClient:
    client = ImapClient()
    client.receive(line)
    assert client.next_event()
    return client


def logged_in(line: bytes = b"* PREAUTH hello\r\n") -> ImapClient:
    return greeted(line)


# Functions, so that the type checker takes no value for settled.


def state(core: ImapClient | ImapServer) -> State:
    return core.state


def waits(client: ImapClient) -> bool:
    return client.waiting


def box(client: ImapClient) -> Selected | None:
    return client.selected


def opened(client: ImapClient) -> Selected:
    found = client.selected
    assert found is not None
    return found


def hear(client: ImapClient, data: bytes) -> list[Received[r.Response]]:
    client.receive(data)
    found = []
    while (event := client.next_event()) is not None:
        found.append(event)
    return found


def refused(client: ImapClient, data: bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        hear(client, data)
    assert str(caught.value)
    return caught.value.message_id


def not_now(client: ImapClient, value: c.Request | c.Response | c.Done) -> str:
    with pytest.raises(LocalProtocolError) as caught:
        client.send(value)
    assert str(caught.value)
    return caught.value.message_id


# the client


def test_the_greeting_opens() -> None:
    client = ImapClient()
    assert waits(client)
    assert state(client) is State.OPENING
    [event] = hear(client, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
    assert event.answers is None
    assert state(client) is State.NOT_AUTHENTICATED
    assert client.capabilities == ("IMAP4REV1", "AUTH=PLAIN")
    assert not waits(client)


@pytest.mark.parametrize(
    ("line", "reached"),
    [(b"* PREAUTH x\r\n", State.AUTHENTICATED), (b"* BYE x\r\n", State.LOGOUT)],
)
def test_other_greetings(line: bytes, reached: State) -> None:
    client = greeted(line)
    assert state(client) is reached
    assert not waits(client)


@pytest.mark.parametrize("line", [b"* NO x\r\n", b"a OK x\r\n", b"* 1 EXISTS\r\n", b"+ x\r\n"])
def test_what_is_no_greeting(line: bytes) -> None:
    assert refused(ImapClient(), line) == "imap.no-greeting"


def test_answers_find_their_commands_in_any_order() -> None:
    client = logged_in()
    first, second = c.Command("NOOP"), c.Status("INBOX", ("MESSAGES",))
    client.send(first)
    client.send(second)
    assert client.outgoing() == (b"a001 NOOP\r\n", b"a002 STATUS INBOX (MESSAGES)\r\n")
    assert client.outgoing() == ()
    events = hear(
        client, b"* STATUS INBOX (MESSAGES 1)\r\na002 OK x\r\na001 OK x\r\n* 1 EXISTS\r\n"
    )
    assert [event.answers for event in events] == [first, second, first, None]
    assert not waits(client)


def test_a_command_waits_for_its_state() -> None:
    client = greeted()
    assert not_now(client, c.Select("INBOX")) == "protocol.not-now"
    client.send(c.Login("u", Secret("p")))
    client.send(c.Select("INBOX"))  # pipelined: taken as if the login will be OK
    client.send(c.Command("XSPECIAL"))
    hear(client, b"a001 NO x\r\na002 BAD not now\r\n")
    assert state(client) is State.NOT_AUTHENTICATED
    assert not_now(client, c.Command("EXPUNGE")) == "protocol.not-now"


def test_literals_wait_for_the_server() -> None:
    client = logged_in()
    client.send(c.Append("INBOX", MESSAGE))
    client.send(c.Command("NOOP"))
    assert client.outgoing() == (b"a001 APPEND INBOX {5013}\r\n",)
    assert waits(client)
    [event] = hear(client, b"+ go\r\n")
    assert isinstance(event.answers, c.Append)
    assert client.outgoing() == (MESSAGE, b"\r\n", b"a002 NOOP\r\n")
    hear(client, b"a001 OK x\r\na002 OK x\r\n")
    assert not waits(client)


def test_a_refused_literal_is_not_sent() -> None:
    client = logged_in()
    client.send(c.Append("INBOX", MESSAGE))
    client.send(c.Command("NOOP"))
    client.outgoing()
    [event] = hear(client, b"a001 NO [TRYCREATE] none\r\n")
    assert isinstance(event.answers, c.Append)
    assert client.outgoing() == (b"a002 NOOP\r\n",)


def test_an_answer_to_what_has_not_been_said_is_refused() -> None:
    client = logged_in()
    client.send(c.Append("INBOX", MESSAGE))
    client.send(c.Command("NOOP"))
    assert len(client.outgoing()) == 1
    assert refused(client, b"a002 OK x\r\n") == "imap.unasked-response"


@pytest.mark.parametrize(
    ("capability", "header"),
    [("LITERAL+", b"{5013+}"), ("LITERAL-", b"{5013}"), ("IMAP4rev2", b"{5013}")],
)
def test_literals_that_need_not_wait(capability: str, header: bytes) -> None:
    client = logged_in(b"* PREAUTH [CAPABILITY %b] x\r\n" % capability.encode())
    client.send(c.Append("INBOX", MESSAGE))
    assert client.outgoing()[0].endswith(header + b"\r\n")
    client.send(c.Append("INBOX", b"x"))
    hear(client, b"+ \r\n") if b"+" not in header else None
    assert b"{1+}\r\n" in b"".join(client.outgoing())


def test_starttls_stops_reading_and_forgets() -> None:
    client = greeted(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n")
    client.send(c.Command("STARTTLS"))
    assert not_now(client, c.Command("NOOP")) == "protocol.tls-pending"
    client.outgoing()
    events = hear(client, b"a001 OK begin\r\n* CAPABILITY EVIL\r\n")
    assert len(events) == 1
    assert client.tls_pending
    assert not waits(client)
    assert client.unread() == b"* CAPABILITY EVIL\r\n"
    client.tls_started()
    assert state(client) is State.NOT_AUTHENTICATED
    assert client.capabilities is None
    client.send(c.Command("CAPABILITY"))
    assert client.outgoing() == (b"a002 CAPABILITY\r\n",)


def test_a_refused_starttls_changes_nothing() -> None:
    client = greeted()
    client.send(c.Command("STARTTLS"))
    hear(client, b"a001 BAD no TLS\r\n")
    assert state(client) is State.NOT_AUTHENTICATED


def test_idle() -> None:
    client = logged_in()
    assert not_now(client, c.Done()) == "imap.nothing-to-continue"
    client.send(c.Idle())
    assert waits(client)
    hear(client, b"+ idling\r\n")
    assert not waits(client)
    [event] = hear(client, b"* 4 EXISTS\r\n")
    assert isinstance(event.answers, c.Idle)
    assert not_now(client, c.Command("NOOP")) == "imap.still-running"
    client.send(c.Done())
    assert client.outgoing() == (b"a001 IDLE\r\n", b"DONE\r\n")
    assert waits(client)
    hear(client, b"a001 OK done\r\n")
    assert not waits(client)
    client.send(c.Command("NOOP"))


def plain(*, initial: bool | None = None) -> Authenticate:
    return Authenticate.by(sasl.client("PLAIN", user="user", password="minfo"), initial=initial)


def test_authenticate_with_an_initial_response() -> None:
    client = greeted(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] x\r\n")
    client.send(plain())
    assert client.outgoing() == (b"a001 AUTHENTICATE PLAIN AHVzZXIAbWluZm8=\r\n",)
    hear(client, b"a001 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n")
    assert state(client) is State.AUTHENTICATED
    assert client.capabilities == ("IMAP4REV1", "IDLE")


def test_authenticate_by_challenges() -> None:
    client = greeted()
    client.send(plain())
    assert client.outgoing() == (b"a001 AUTHENTICATE PLAIN\r\n",)
    [event] = hear(client, b"+ \r\n")
    assert isinstance(event.answers, Authenticate)
    assert client.outgoing() == (b"AHVzZXIAbWluZm8=\r\n",)
    assert waits(client)
    [event] = hear(client, b"a001 NO [AUTHENTICATIONFAILED] no\r\n")
    assert isinstance(event.value, r.Status)
    assert event.value.outcome is Outcome.PERMANENT
    assert state(client) is State.NOT_AUTHENTICATED


def test_a_challenge_that_is_no_base64_is_given_up() -> None:
    client = greeted()
    client.send(plain())
    client.outgoing()
    hear(client, b"+ !!!\r\n")
    assert client.outgoing() == (b"*\r\n",)
    assert refused(client, b"a001 BAD cancelled\r\n") == "challenge.not-base64"


def test_success_before_a_proof_is_refused() -> None:
    client = greeted()
    mechanism = sasl.client("SCRAM-SHA-256", user="user", password="minfo", nonce="abc")
    client.send(Authenticate.by(mechanism))
    hear(client, b"+ \r\n")
    assert refused(client, b"a001 OK in\r\n") == "sasl.success-too-early"


def test_a_sasl_exchange_by_hand() -> None:
    client = greeted()
    client.send(c.Authenticate("PLAIN"))
    hear(client, b"+ \r\n")
    assert not waits(client)
    assert not_now(client, c.Done()) == "imap.nothing-to-continue"
    client.send(c.Response(Secret(b"\0user\0minfo")))
    assert waits(client)
    assert client.outgoing()[-1] == b"AHVzZXIAbWluZm8=\r\n"


def test_the_selected_mailbox() -> None:
    client = logged_in()
    client.send(c.Select("INBOX"))
    hear(
        client,
        b"* 172 EXISTS\r\n* 1 RECENT\r\n* OK [UNSEEN 12] x\r\n* OK [UIDVALIDITY 3857529045] x\r\n"
        b"* OK [UIDNEXT 4392] x\r\n* FLAGS (\\Seen)\r\n* OK [PERMANENTFLAGS (\\*)] x\r\n"
        b"* OK [HIGHESTMODSEQ 715] x\r\n",
    )
    assert box(client) is None
    hear(client, b"a001 OK [READ-WRITE] done\r\n")
    seen = box(client)
    assert seen is not None
    assert (seen.name, seen.exists, seen.recent, seen.unseen, seen.uidvalidity, seen.uidnext) == (
        "INBOX", 172, 1, 12, 3857529045, 4392,
    )  # fmt: skip
    assert (seen.flags, seen.permanent_flags, seen.highestmodseq) == (("\\Seen",), ("\\*",), 715)
    assert not seen.read_only
    hear(client, b"* 3 EXPUNGE\r\n* VANISHED (EARLIER) 1:99\r\n* VANISHED 5:6\r\n")
    assert opened(client).exists == 169
    client.send(c.Select("none"))
    hear(client, b"a002 NO none\r\n")
    assert box(client) is None
    assert state(client) is State.AUTHENTICATED


def test_examine_is_read_only_and_close_ends_it() -> None:
    client = logged_in()
    client.send(c.Select("INBOX", examine=True))
    hear(client, b"a001 OK done\r\n")
    assert opened(client).read_only
    client.send(c.Command("CLOSE"))
    hear(client, b"a002 OK done\r\n")
    assert box(client) is None
    assert state(client) is State.AUTHENTICATED


def test_logout() -> None:
    client = logged_in()
    client.send(c.Command("LOGOUT"))
    hear(client, b"* BYE bye\r\n")
    assert waits(client)
    hear(client, b"a001 OK done\r\n")
    assert state(client) is State.LOGOUT
    assert not waits(client)
    assert refused(client, b"* 1 EXISTS\r\n") == "imap.unasked-response"


def test_bye_unasked_ends_it() -> None:
    client = logged_in()
    client.send(c.Command("NOOP"))
    [event] = hear(client, b"* BYE shutting down\r\n")
    assert isinstance(event.value, r.Status)
    assert event.value.outcome is Outcome.CLOSING
    assert not waits(client)
    assert state(client) is State.LOGOUT


@pytest.mark.parametrize("line", [b"a009 OK x\r\n", b"zz BAD x\r\n", b"+ x\r\n"])
def test_replies_never_asked_for(line: bytes) -> None:
    client = logged_in()
    client.send(c.Command("NOOP"))
    assert refused(client, line) == "imap.unasked-response"


def test_closing_in_the_middle() -> None:
    client = logged_in()
    client.send(c.Command("NOOP"))
    client.receive(b"* 1 FETCH (BODY[] {10}\r\nabc")
    assert client.next_event() is None
    client.receive(b"")
    assert not waits(client)
    with pytest.raises(RemoteProtocolError, match="middle"):
        client.next_event()
    assert client.unread() == b"* 1 FETCH (BODY[] {10}\r\nabc"


def test_enabling_utf8_changes_mailbox_names() -> None:
    client = logged_in()
    client.send(c.Enable(("UTF8=ACCEPT",)))
    client.send(c.OnMailbox("CREATE", "é"))
    hear(client, b"* ENABLED UTF8=ACCEPT\r\na001 OK x\r\na002 OK x\r\n")
    client.send(c.OnMailbox("CREATE", "é"))
    assert client.outgoing() == (
        b"a001 ENABLE UTF8=ACCEPT\r\n",
        b"a002 CREATE &AOk-\r\n",
        b'a003 CREATE "\xc3\xa9"\r\n',
    )
    [event] = hear(client, b'* LIST () "/" "\xc3\xa9"\r\n')
    assert event.value == r.MailboxList((), "/", "é")


@pytest.mark.parametrize(
    ("data", "limits", "error"),
    [
        (b"* OK [" + b"x" * 70_000, Limits(), "wire.line-too-long"),
        (b"* 1 FETCH (BODY[] {4294967296}\r\n", Limits(), "imap.literal-too-long"),
        (b"* 1 FETCH (BODY[] {" + b"9" * 4000 + b"}\r\n", Limits(), "imap.literal-too-long"),
        (b"* X" + b" {0}\r\n" * 20_000, Limits(), "imap.response-too-long"),
        (b"* X" + b" {0}\r\n" * 9_000, Limits(exchange=10**6), "imap.response-too-long"),
        (
            b"* X {900}\r\n" + b"x" * 900 + b" {900}\r\n",
            Limits(exchange=2000),
            "imap.response-too-long",
        ),
    ],
)
def test_hostile_sizes(data: bytes, limits: Limits, error: str) -> None:
    client = ImapClient(limits=limits)
    hear(client, b"* PREAUTH x\r\n")
    assert refused(client, data) == error


# what is sent by hand


def test_raw_commands_are_followed() -> None:
    client = greeted()
    client.send_raw(b"x1 LOGIN user minfo\r\nx2 SELECT IN")
    assert waits(client)
    [event] = hear(client, b"x1 OK in\r\n")
    assert event.answers == c.Login("user", Secret("minfo"))
    assert state(client) is State.AUTHENTICATED
    assert not waits(client)
    client.send_raw(b"BOX\r\n")
    hear(client, b"* 3 EXISTS\r\nx2 OK in\r\n")
    assert opened(client).exists == 3


def test_a_raw_literal_waits() -> None:
    client = greeted()
    client.send_raw(b"x1 LOGIN user {5}\r\n")
    assert waits(client)
    hear(client, b"+ go\r\n")
    assert not waits(client)
    client.send_raw(b"minfo\r\n")
    assert waits(client)
    [event] = hear(client, b"x1 OK in\r\n")
    assert event.answers == c.Login("user", Secret("minfo"))
    client.send_raw(b"x2 APPEND INBOX {5}\r\n")
    hear(client, b"x2 NO no\r\n")
    assert not waits(client)
    client.send(c.Command("NOOP"))
    assert client.outgoing()[-1] == b"a001 NOOP\r\n"


def test_raw_idle_and_nonsense() -> None:
    client = logged_in()
    client.send_raw(b"i IDLE\r\n")
    hear(client, b"+ idling\r\n")
    assert not waits(client)
    client.send_raw(b"DO")
    client.send_raw(b"NE\r\n")
    assert waits(client)
    hear(client, b"i OK done\r\n")
    client.send_raw(b"\r\n")
    assert waits(client)
    hear(client, b"* BAD empty\r\n")
    assert not waits(client)
    client.send_raw(b"nonsense\r\n")
    hear(client, b"nonsense BAD what\r\n")
    assert not waits(client)


# the table


def test_every_state_can_be_left_but_the_last() -> None:
    assert {row.state for row in TABLE.rows} == set(State) - {State.LOGOUT}
    assert TABLE.target(State.SELECTED, "SELECT", Outcome.PERMANENT) is State.AUTHENTICATED
    assert "SELECTED --> AUTHENTICATED: " in TABLE.mermaid()


# the server


def serve(server: ImapServer, data: bytes) -> list[Event]:
    server.receive(data)
    found = []
    while (event := server.next_event()) is not None:
        found.append(event.value)
    return found


def test_the_server_takes_one_command_at_a_time() -> None:
    server = ImapServer()
    assert serve(server, b"a NOOP\r\nb XFOO (\r\nc NOOP\r\n") == []
    server.send(r.Status("OK", "ready"))
    assert serve(server, b"") == [Tagged("a", c.Command("NOOP"))]
    with pytest.raises(LocalProtocolError, match="zz"):
        server.send(r.Status("OK", "x", tag="zz"))
    server.send(r.Status("OK", "x", tag="a"))
    [event] = serve(server, b"")
    assert isinstance(event, Malformed)
    assert event.tag == "b"
    server.send(r.Status("BAD", "x", tag="b"))
    assert serve(server, b"") == [Tagged("c", c.Command("NOOP"))]
    assert server.outgoing() == (b"* OK ready\r\n", b"a OK x\r\n", b"b BAD x\r\n")


def test_the_server_asks_for_literals() -> None:
    server = ImapServer()
    server.send(r.Status("PREAUTH", "ready"))
    server.outgoing()
    assert serve(server, b"a LOGIN {4}\r\n") == []
    assert serve(server, b"") == []
    assert server.outgoing() == (b"+ Ready for additional command text\r\n",)
    assert serve(server, b"user {5+}\r\nmi") == []
    assert server.outgoing() == ()
    assert serve(server, b"nfo\r\n") == [Tagged("a", c.Login("user", Secret("minfo")))]
    assert state(server) is State.AUTHENTICATED


def test_the_server_refuses_what_is_too_long_at_once() -> None:
    server = ImapServer()
    server.send(r.Status("PREAUTH", "ready"))
    server.receive(b"a APPEND INBOX {4294967296}\r\n")
    with pytest.raises(RemoteProtocolError, match="4294967296"):
        server.next_event()


def test_the_server_in_idle_and_sasl() -> None:
    server = ImapServer()
    server.send(r.Status("OK", "ready"))
    assert serve(server, b"a AUTHENTICATE PLAIN\r\n") == [Tagged("a", c.Authenticate("PLAIN"))]
    server.send(r.Continuation())
    assert serve(server, b"AHVzZXIAbWluZm8=\r\n") == [c.Response(Secret(b"\0user\0minfo"))]
    assert serve(server, b"more\r\n") == []
    server.send(r.Status("OK", "in", tag="a"))
    assert state(server) is State.AUTHENTICATED
    server.unread()
    assert serve(server, b"b IDLE\r\n") == [Tagged("b", c.Idle())]
    server.send(r.Continuation("idling"))
    server.send(r.Exists(3))
    [event] = serve(server, b"NOOP\r\n")
    assert isinstance(event, Malformed)
    server.send(r.Continuation("go on"))
    assert serve(server, b"done\r\n") == [c.Done()]
    server.send(r.Status("OK", "x", tag="b"))
    with pytest.raises(LocalProtocolError, match="\\+"):
        server.send(r.Continuation())


def test_the_server_leaves_what_follows_starttls_unread() -> None:
    server = ImapServer()
    server.send(r.Status("OK", "ready"))
    serve(server, b"a STARTTLS\r\nb NOOP\r\n")
    server.send(r.Status("OK", "begin", tag="a"))
    assert serve(server, b"") == []
    assert server.tls_pending
    assert server.unread() == b"b NOOP\r\n"
    server.tls_started()
    assert serve(server, b"c NOOP\r\n") == [Tagged("c", c.Command("NOOP"))]


# both together

CONTENT = b"Subject: \xe9\r\n\r\n{3}\r\n" * 40


def answer(server: ImapServer, event: Event) -> None:
    """A server that says yes, with data of every kind."""
    tag = server.current_tag or ""
    match event:
        case Tagged(_, c.Idle()) | Tagged(_, c.Authenticate(initial=None)):
            server.send(r.Continuation())
            return
        case Tagged(_, c.Select()):
            server.send(r.Exists(2))
            server.send(r.Status("OK", "x", Code("UIDVALIDITY", 7)))
        case Tagged(_, c.Fetch()):
            for number in (1, 2):
                server.send(r.Fetch(number, (r.Item("BODY", CONTENT, Section()),)))
        case Tagged(_, c.List()):
            server.send(r.MailboxList((), "/", "Envoyés"))
        case Tagged(_, c.Enable(names)):
            server.send(r.Enabled(names))
        case Malformed():
            raise event.error
    server.send(r.Status("OK", "done", tag=tag))


SAID: tuple[c.Request, ...] = (
    c.Login("us\xe9r", Secret('mi"nfo\r\n')),
    c.Enable(("IMAP4rev2",)),
    c.List("", ("*",)),
    c.OnMailbox("CREATE", "Envoyés {3}"),
    c.Append("Envoyés", CONTENT),
    c.Select("Envoyés"),
    c.Fetch(SequenceSet("1:*"), (c.FetchItem("BODY", Section()),)),
    c.Command("NOOP"),
)


def talk(deliver: Callable[[bytes], Iterable[bytes]]) -> list[Received[r.Response]]:
    """Everything said over one connection whose bytes travel as `deliver` cuts them."""
    client, server = ImapClient(), ImapServer()
    heard: list[Received[r.Response]] = []
    server.send(r.Status("OK", "ready"))

    def pump() -> None:
        while True:
            sent, answered = client.outgoing(), server.outgoing()
            if not sent and not answered:
                return
            for piece in deliver(b"".join(sent)):
                server.receive(piece)
                while (event := server.next_event()) is not None:
                    answer(server, event.value)
            for piece in deliver(b"".join(answered)):
                client.receive(piece)
                while (received := client.next_event()) is not None:
                    heard.append(received)

    pump()
    for command in SAID:
        client.send(command)
        pump()
    client.send(c.Idle())
    pump()
    client.send(c.Done())
    pump()
    for command in SAID[2:]:
        client.send(command)  # all at once
    pump()
    assert not waits(client)
    assert opened(client).exists == 2
    return heard


def test_pump_byte_by_byte() -> None:
    whole = talk(lambda data: [data] if data else [])
    assert sum(isinstance(one.value, r.Fetch) for one in whole) == 4
    assert talk(lambda data: [data[i : i + 1] for i in range(len(data))]) == whole


@given(st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_pump_at_random_cuts(sizes: list[int]) -> None:
    def cut(data: bytes) -> Iterable[bytes]:
        start = 0
        for index in range(len(data)):
            end = start + sizes[index % len(sizes)]
            if start < len(data):
                yield data[start:end]
            start = end

    assert talk(cut) == talk(lambda data: [data] if data else [])


LINES = st.sampled_from(
    [b"* ", b"+ ", b"a001 ", b"OK ", b"[", b"]", b"(", b")", b'"', b"{3}\r\n", b"{", b"}", b"\r\n",
     b"FETCH", b"1 ", b"BODY[", b"ENVELOPE ", b"NIL", b"\\", b"LIST", b"SEARCH", b"BYE x", b"\xff"]
)  # fmt: skip


@given(st.lists(st.one_of(LINES, st.binary(max_size=6)), max_size=40))
def test_arbitrary_bytes_raise_nothing_else(pieces: list[bytes]) -> None:
    client = logged_in()
    client.send(c.Command("NOOP"))
    server = ImapServer()
    server.send(r.Status("PREAUTH", "x"))
    for core in (client, server):
        with suppress(RemoteProtocolError):
            feed(core, pieces)
        core.unread()


def feed(core: ImapClient | ImapServer, pieces: list[bytes]) -> None:
    for piece in pieces:
        core.receive(piece)
        while core.next_event() is not None:
            pass
