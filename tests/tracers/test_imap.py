from __future__ import annotations

import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import imapclient
import pytest
import trustme

from mailsim.errors import (
    ConnectionLost,
    LocalProtocolError,
    RemoteProtocolError,
    UsageError,
)
from mailsim.protocol.imap import Event, ImapServer, Malformed, State, Tagged
from mailsim.secret import Secret
from mailsim.tracers.imap import ImapTracer
from mailsim.wire.imap import commands as c
from mailsim.wire.imap import responses as r
from mailsim.wire.imap.codes import AppendUid, Code
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.structure import Address, Envelope, Multipart, Part
from mailsim.wire.imap.tokens import Atom
from mailsim.wire.outcome import Outcome

MESSAGES = [b"Subject: un\r\n\r\nbonjour\r\n", b"Subject: deux\r\n\r\n{3}\r\n* BYE\r\n"]
BEFORE = ("IMAP4rev1", "SASL-IR", "STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN", "LITERAL-")
AFTER = ("IMAP4rev1", "LITERAL-", "IDLE", "ESEARCH", "MOVE", "UIDPLUS")
TEXT = Part("TEXT", "PLAIN", (("CHARSET", "utf-8"),), None, None, "7BIT", 9, 1)
BODY = Multipart((TEXT, TEXT), "MIXED")
USER = (Address("Un Usager", None, "user", "minfo.sn"),)
ENVELOPE = Envelope(
    "Wed, 17 Jul 1996 02:23:25 -0700", 'dé"ux', USER, (), (), USER, (), (), None, "<1@x>"
)
WHEN = DateTime(1996, 7, 17, 2, 44, 25, -420)


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a loopback port that takes one connection and talks on it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    talk(connection)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


class Mailbox:
    """Just enough policy over the server core to be talked to."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.core = ImapServer()
        self.context = context
        self.prompted: list[bytes] = []
        self.appended: list[c.Append] = []

    def talk(self, connection: socket.socket) -> None:
        core = self.core
        core.send(r.Status("OK", "ready", Code("CAPABILITY", BEFORE)))
        while True:
            connection.sendall(b"".join(core.outgoing()))
            if core.tls_pending and self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                core.tls_started()
            if core.closed:
                connection.close()
                return
            while (event := core.next_event()) is None:
                connection.sendall(b"".join(core.outgoing()))
                data = connection.recv(65_536)
                if not data:
                    return
                core.receive(data)
            self.answer(event.value)

    def answer(self, event: Event) -> None:
        tag = self.core.current_tag
        match event:
            case Malformed():
                self.core.send(r.Status("BAD", "what?", tag=tag))
            case c.Done():
                self.core.send(r.Status("OK", "idle over", tag=tag))
            case c.Response(data):
                self.prompted.append(data.reveal() if data else b"")
                self.prompt(tag)
            case Tagged(_, command) if not self.core.allows(command):
                self.core.send(r.Status("BAD", f"not now: {command.name}", tag=tag))
            case Tagged(_, command):
                for response in self.carry_out(command, tag):
                    self.core.send(response)

    def prompt(self, tag: str | None) -> None:
        if len(self.prompted) < 2:
            self.core.send(r.Continuation("VXNlcm5hbWU6" if not self.prompted else "UGFzc3dvcmQ6"))
            return
        good = self.prompted == [b"user", b"minfo"]
        self.core.send(r.Status("OK" if good else "NO", "done", tag=tag))

    def login(self, tag: str | None, *, good: bool) -> r.Status:
        if good:
            return r.Status("OK", "Logged in", Code("CAPABILITY", AFTER), tag)
        return r.Status("NO", "no", Code("AUTHENTICATIONFAILED"), tag)

    def carry_out(  # noqa: C901, PLR0912 - one case a command
        self, command: c.Request, tag: str | None
    ) -> Iterator[r.Response]:
        done = r.Status("OK", f"{command.name} completed", tag=tag)
        match command:
            case c.Authenticate("PLAIN", Secret() as initial):
                yield self.login(tag, good=initial.reveal() == b"\0user\0minfo")
                return
            case c.Authenticate():
                self.prompt(tag)
                return
            case c.Login(user, password):
                yield self.login(tag, good=(user, password) == ("user", Secret("minfo")))
                return
            case c.Idle():
                yield r.Continuation("idling")
                yield r.Exists(3)
                return
            case c.Select("none"):
                yield r.Status("NO", "no such", Code("NONEXISTENT"), tag)
                return
            case c.Select():
                yield r.Flags(("\\Seen", "\\Deleted"))
                yield r.Exists(2)
                yield r.Recent(0)
                yield r.Status("OK", "valid", Code("UIDVALIDITY", 7))
                yield r.Status("OK", "next", Code("UIDNEXT", 12))
                done = r.Status(
                    "OK", "in", Code("READ-ONLY" if command.examine else "READ-WRITE"), tag
                )
            case c.Fetch(_, items):
                # "UID" is part of the answer to UID FETCH, asked for or not (RFC 3501 §6.4.8).
                items = (*items, c.FetchItem("UID")) if command.uid else items
                for number, message in enumerate(MESSAGES, 1):
                    yield r.Fetch(number, tuple(self.item(item, number, message) for item in items))
            case c.Store(_, _, flags):
                yield r.Fetch(1, (r.Item("FLAGS", flags),))
            case c.Search(returns=None):
                yield r.Search((1, 2))
            case c.Search():
                yield r.Esearch(tag, command.uid, (("COUNT", 2), ("ALL", SequenceSet("1:2"))))
            case c.Sort():
                yield r.Search((2, 1), name="SORT")
            case c.Thread():
                yield r.Thread(((1, 2),))
            case c.List(subscribed=subscribed):
                name = "LSUB" if subscribed else "LIST"
                yield r.MailboxList(("\\HasNoChildren",), "/", "INBOX", name=name)
                yield r.MailboxList(("\\HasNoChildren",), "/", "Envoyés", name=name)
            case c.Status(mailbox):
                yield r.MailboxStatus(mailbox, tuple((item, 2) for item in command.items))
            case c.Append():
                self.appended.append(command)
                done = r.Status(
                    "OK", "put", Code("APPENDUID", AppendUid(7, SequenceSet("12"))), tag
                )
            case c.Enable(names):
                yield r.Enabled(names)
            case c.Id():
                yield r.Id((("name", "mailsim"),))
            case c.Command("CAPABILITY"):
                before = self.core.state is State.NOT_AUTHENTICATED
                yield r.Capability(BEFORE if before else AFTER)
            case c.Command("NAMESPACE"):
                yield r.Namespace((r.NamespaceEntry("", "/"),), (), ())
            case c.Command("EXPUNGE") | c.UidExpunge():
                yield r.Expunge(1)
            case c.Command("LOGOUT"):
                yield r.Status("BYE", "bye")
            case c.OnMailbox("GETQUOTAROOT", mailbox):
                yield r.QuotaRoot(mailbox, ("",))
                yield r.Quota("", (r.Resource("STORAGE", 1, 10),))
        yield done

    def item(self, item: c.FetchItem, number: int, message: bytes) -> r.Item:
        values: dict[str, r.ItemValue] = {
            "FLAGS": ("\\Seen",),
            "UID": 10 + number,
            "RFC822.SIZE": len(message),
            "INTERNALDATE": WHEN,
            "ENVELOPE": ENVELOPE,
            "BODYSTRUCTURE": BODY,
        }
        if item.section is None:
            return r.Item(item.name, values[item.name])
        return r.Item("BODY", message, item.section)


@contextmanager
def tracing() -> Iterator[ImapTracer]:
    with listening(Mailbox().talk) as port, ImapTracer(f"127.0.0.1:{port}") as imap:
        yield imap


@contextmanager
def inside() -> Iterator[ImapTracer]:
    with tracing() as imap:
        assert imap.login("user", "minfo").ok
        assert imap.select().ok
        yield imap


def test_a_session_step_by_step() -> None:
    with tracing() as imap:
        assert imap.greeting.text == "ready"
        assert "AUTH=PLAIN" in imap.capabilities
        assert imap.id().of(r.Id) == (r.Id((("name", "mailsim"),)),)
        refused = imap.login("user", "wrong")
        assert (refused.ok, refused.condition, refused.code) == (
            False, "NO", Code("AUTHENTICATIONFAILED"),
        )  # fmt: skip
        assert imap.login("user", "minfo").text == "Logged in"
        assert "MOVE" in imap.capabilities
        assert [box.mailbox for box in imap.list().mailboxes] == ["INBOX", "Envoyés"]
        assert imap.lsub().mailboxes[0].name == "LSUB"
        assert imap.status("INBOX").of(r.MailboxStatus)[0].get("UNSEEN") == 2
        assert imap.namespace().ok
        assert imap.getquotaroot().of(r.Quota)[0].resources[0].limit == 10
        for step in (
            imap.create("a"),
            imap.rename("a", "é"),
            imap.subscribe("é"),
            imap.unsubscribe("é"),
            imap.delete("é"),
        ):
            assert step.ok
        assert imap.select("none").code == Code("NONEXISTENT")
        assert imap.select().ok
        assert imap.selected is not None
        assert (imap.selected.exists, imap.selected.uidnext) == (2, 12)
        assert imap.check().ok
        assert imap.noop().ok
        assert imap.unselect().ok
        assert imap.examine().ok
        assert imap.close_mailbox().ok
        assert imap.logout().ok
        assert imap.ended
    assert len(imap.dialogue) == len(imap.steps)


def test_messages() -> None:
    with inside() as imap:
        step = imap.fetch("1:*", "UID FLAGS BODY.PEEK[]")
        assert [message.get("BODY[]") for message in step.fetched] == MESSAGES
        assert imap.uid_fetch([11, 12], "ENVELOPE").fetched[1].get("ENVELOPE") == ENVELOPE
        assert imap.store(1, "+flags", "\\Seen \\Deleted").fetched[0].get("FLAGS") == (
            "\\Seen",
            "\\Deleted",
        )
        assert imap.uid_store(11, "FLAGS", ["\\Seen"], silent=True).ok
        assert imap.search("UNSEEN SINCE 1-Feb-2025").numbers == (1, 2)
        assert imap.uid_search("ALL", returns=("COUNT", "ALL")).found == SequenceSet("1:2")
        assert imap.sort("reverse date").numbers == (2, 1)
        assert imap.uid_sort("SIZE").ok
        assert imap.thread().of(r.Thread)[0].threads == ((1, 2),)
        assert imap.uid_thread().ok
        assert imap.copy("1", "Envoyés").ok
        assert imap.uid_copy(11, "Envoyés").ok
        assert imap.move("1", "Envoyés").ok
        assert imap.uid_move(11, "Envoyés").ok
        assert imap.expunge().ok
        assert imap.uid_expunge("11").ok
        assert imap.selected is not None
        assert imap.selected.exists == 0


def test_what_travels_is_what_is_shown() -> None:
    with inside() as imap:
        step = imap.search("FROM “é”".replace("“", '"').replace("”", '"'))
        sent = [line.raw for line in step.exchange.sent]
        assert sent == [
            b"a003 SEARCH CHARSET UTF-8 FROM {2+}\r\n", "é".encode(), b"\r\n",
        ]  # fmt: skip


def test_appending_waits_for_the_server() -> None:
    box = Mailbox()
    with listening(box.talk) as port, ImapTracer(f"127.0.0.1:{port}") as imap:
        imap.login("user", "minfo")
        message = EmailMessage()
        message["Subject"] = "x"
        message.set_content("y" * 70 + "\n" * 5000)
        step = imap.append("Envoyés", message, "\\Seen", "17-Jul-1996 02:44:25 -0700")
        assert step.code == Code("APPENDUID", AppendUid(7, SequenceSet("12")))
        sides = [line.side.value for line in step.exchange.lines]
        assert sides == ["C", "S", "C", "C", "S"]
        assert (box.appended[0].flags, box.appended[0].date) == (("\\Seen",), WHEN)
        assert box.appended[0].message.count(b"\r\n") == box.appended[0].message.count(b"\n")


def test_idle_hears_news() -> None:
    with inside() as imap:
        step = imap.idle()
        assert step.outcome is Outcome.INTERMEDIATE
        news = step.of(r.Exists) or imap.poll(10).of(r.Exists)
        assert news == (r.Exists(3),)
        with pytest.raises(LocalProtocolError, match="DONE"):
            imap.noop()
        assert imap.done().text == "idle over"
        assert imap.noop().ok


@pytest.mark.parametrize(("name", "octets"), [("PLAIN", 1), ("LOGIN", 3)])
def test_authenticate_runs_to_its_end(name: str, octets: int) -> None:
    with tracing() as imap:
        step = imap.authenticate(name, "user", "minfo")
        assert step.ok
        assert len(step.exchange.sent) == octets
        assert "bWluZm8" not in str(step)
        assert imap.state is State.AUTHENTICATED


def test_authenticate_takes_what_is_offered() -> None:
    with tracing() as imap:
        assert imap.authenticate(None, "user", "minfo").ok


def test_secrets_do_not_show() -> None:
    with tracing() as imap:
        imap.login("user", 'min"fo')
        imap.login("user", "minfo\n")
        shown = "".join(map(str, imap.steps))
        assert "minfo" not in shown
        assert 'min"fo' not in shown
        assert 'min\\"fo' not in shown


def test_what_the_state_forbids_is_said_raw() -> None:
    with tracing() as imap:
        with pytest.raises(LocalProtocolError):
            imap.select()
        assert "LOGIN" in imap.legal()
        step = imap.send_raw("x1 SELECT INBOX\r\n")
        assert (step.condition, step.text) == ("BAD", "not now: SELECT")
        assert imap.send_raw("x2 LOGIN user minfo\r\n").ok
        assert imap.noop().ok


def test_pipelined_commands_are_one_step() -> None:
    with inside() as imap:
        step = imap.pipeline(
            c.Command("NOOP"), c.Command("EXPUNGE"), c.Command("XFOO", (Atom("x"),))
        )
        tags = [status.tag for status in step.of(r.Status)]
        assert tags == ["a003", "a004", "a005"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda imap: imap.fetch("1", "BODY["),
        lambda imap: imap.fetch("0", "FLAGS"),
        lambda imap: imap.search("FROM"),
        lambda imap: imap.search("NONSENSE"),
        lambda imap: imap.store(1, "FLAG", "x"),
        lambda imap: imap.store(1, "FLAGS", ["a b"]),
        lambda imap: imap.append("x", "y", date="yesterday"),
    ],
)
def test_wrong_arguments_are_said_so(wrong: Callable[[ImapTracer], object]) -> None:
    with inside() as imap:
        with pytest.raises(UsageError) as caught:
            wrong(imap)
        assert str(caught.value)
        assert imap.noop().ok


# TLS.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return context, path


def test_starttls_covers_what_follows(authority: tuple[ssl.SSLContext, Path]) -> None:
    context, ca = authority
    with listening(Mailbox(context).talk) as port, ImapTracer(f"127.0.0.1:{port}", ca=ca) as imap:
        assert imap.starttls().ok
        assert imap.tls is not None
        assert imap.capabilities == ()
        login = imap.login("user", "minfo")
        assert {line.secure for line in login.exchange.lines} == {True}
        assert imap.logout().ok


def test_octets_injected_behind_starttls_are_not_believed() -> None:
    def inject(connection: socket.socket) -> None:
        connection.sendall(b"* OK ready\r\n")
        connection.recv(100)
        connection.sendall(b"a001 OK Begin TLS\r\n* CAPABILITY IMAP4rev1\r\n")

    with listening(inject) as port, ImapTracer(f"127.0.0.1:{port}") as imap:
        with pytest.raises(RemoteProtocolError) as caught:
            imap.starttls()
        assert caught.value.message_id == "tracer.injected"


# Hostile servers.


def _hostile(*answers: bytes) -> Callable[[socket.socket], None]:
    """Say the greeting, then an answer to each command; then no more, and listen to the end."""

    def talk(connection: socket.socket) -> None:
        for index, answer in enumerate(answers):
            if index:
                connection.recv(1000)
            connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass

    return talk


@pytest.mark.parametrize(
    ("answer", "message_id"),
    [
        (b"* OK " + b"x" * 70_000, "wire.line-too-long"),
        (b"* 1 EXISTS\r\n" * 200_000, "protocol.exchange-too-long"),
        (b"* 1 FETCH (BODY[] {4294967296}\r\n", "imap.literal-too-long"),
        (b"* X " + b"(" * 100 + b"\r\n", "imap.too-deep"),
        (b"a009 OK x\r\n", "imap.unasked-response"),
        (b"+ more\r\n", "imap.unasked-response"),
        (b"220 hello\r\n", "imap.syntax"),
        (b"* 1 FETCH (BODY[] {9}\r\nhalf", "imap.cut-short"),
    ],
)
def test_a_broken_answer_ends_with_the_dialogue_kept(answer: bytes, message_id: str) -> None:
    with listening(_hostile(b"* OK ready\r\n", answer)) as port:
        imap = ImapTracer(f"127.0.0.1:{port}")
        with pytest.raises(RemoteProtocolError) as caught:
            imap.noop()
        assert caught.value.message_id == message_id
        assert caught.value.dialogue == imap.dialogue
        assert b"a001 NOOP\r\n" in [line.raw for line in imap.dialogue.lines()]
        assert imap.ended


def test_a_server_that_hangs_up_is_a_lost_connection() -> None:
    with listening(_hostile(b"* OK ready\r\n")) as port:
        imap = ImapTracer(f"127.0.0.1:{port}")
        with pytest.raises(ConnectionLost):
            imap.noop()
        assert imap.ended


def test_a_bye_in_place_of_an_answer() -> None:
    server = _hostile(b"* OK ready\r\n", b"* BYE too many\r\n")
    with listening(server) as port, ImapTracer(f"127.0.0.1:{port}") as imap:
        assert imap.noop().outcome is Outcome.CLOSING
        assert imap.ended


# imaplib and IMAPClient are the oracles of the server role.


def test_imaplib_talks_to_the_server_core(authority: tuple[ssl.SSLContext, Path]) -> None:
    context, ca = authority
    with listening(Mailbox(context).talk) as port:
        client = imaplib.IMAP4("127.0.0.1", port, timeout=10)
        assert "STARTTLS" in client.capabilities
        client.starttls(ssl.create_default_context(cafile=str(ca)))
        assert client.login("user", "minfo")[0] == "OK"
        assert client.select("INBOX") == ("OK", [b"2"])
        fetched = client.fetch("1:*", "(UID BODY.PEEK[])")[1]
        assert [pair[1] for pair in fetched if isinstance(pair, tuple)] == MESSAGES
        assert client.search(None, "FROM", '"x y"') == ("OK", [b"1 2"])
        assert client.append("INBOX", "", "", MESSAGES[0])[0] == "OK"
        assert client.list()[1][1] == b'(\\HasNoChildren) "/" Envoy&AOk-s'
        assert client.logout()[0] == "BYE"


def test_imaplib_authenticates_by_challenges() -> None:
    answers = [b"user", b"minfo"]
    with listening(Mailbox().talk) as port:
        client = imaplib.IMAP4("127.0.0.1", port, timeout=10)
        assert client.authenticate("LOGIN", lambda _: answers.pop(0))[0] == "OK"
        assert client.logout()[0] == "BYE"


def test_imapclient_talks_to_the_server_core() -> None:
    with listening(Mailbox().talk) as port:
        client = imapclient.IMAPClient("127.0.0.1", port, ssl=False, timeout=10)
        client.login("user", "minfo")
        assert client.select_folder("INBOX")[b"UIDVALIDITY"] == 7
        assert client.list_folders()[1] == ((b"\\HasNoChildren",), b"/", "Envoyés")
        fetched = client.fetch([11, 12], ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "INTERNALDATE"])
        envelope = fetched[12][b"ENVELOPE"]
        assert envelope.subject == 'dé"ux'.encode()
        assert str(envelope.from_[0]) == "Un Usager <user@minfo.sn>"
        assert fetched[11][b"BODYSTRUCTURE"].is_multipart
        assert client.search(["UNSEEN", "SUBJECT", "é"], "UTF-8") == [1, 2]
        client.idle()
        assert (3, b"EXISTS") in client.idle_done()[1]
        client.append("INBOX", MESSAGES[1])
        client.logout()
