"""The login that IMAP, POP3 and ManageSieve share, and what the log says of it."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, cast

import pytest

from mailsim import sasl
from mailsim.dialogue.log import parse_line
from mailsim.errors import TlsError
from mailsim.model.stage import Release, Stage
from mailsim.net.serving import Peer
from mailsim.servers.config import Config
from mailsim.servers.dovecot import Anvil, Journal, Kind, Login, RefusedError
from mailsim.servers.dovecot.auth import Accepted, Continue, Exchange, Rejected, plain
from mailsim.servers.dovecot.wording import cleartext_disallowed, cleartext_exposed
from mailsim.servers.pop3 import Pop3Session
from tests.servers.dovecotd import PASSWORD, Dovecot
from tests.servers.smtpd import SILENT, Client

IPS = "rip=192.168.10.50, lip=192.168.10.1"
WRONG = plain(b"user", b"faux")
RIGHT = plain(b"user", PASSWORD.encode())


def pop3(stage: Stage = Stage.MAIL, release: Release = Release.NOBLE, **settings: Any) -> Dovecot:
    return Dovecot(Pop3Session, "pop3", stage, release, **settings)


async def no_pause(seconds: float) -> None:
    del seconds


def login_of(dovecot: Dovecot, config: Config | None = None) -> Login:
    world = dovecot.world
    return Login(world, config or world.config, "pop3", Journal(world, "pop3"), no_pause)


async def refuse(challenge: str) -> str | None:
    return None if challenge else "*"


# --- what may be done when


def test_before_tls_no_mechanism_is_offered_where_tls_is_required() -> None:
    dovecot = pop3(Stage.TLS)
    before, behind = login_of(dovecot), login_of(dovecot)
    behind.secured = True
    assert (before.mechanisms, before.cleartext) == ((), False)
    assert (behind.mechanisms, behind.cleartext) == (("PLAIN", "LOGIN"), True)


def test_a_hash_may_go_in_the_clear_where_cleartext_may_not() -> None:
    dovecot = pop3(Stage.TLS, ssl="yes", auth_mechanisms=("PLAIN", "CRAM-MD5"))
    login = login_of(dovecot)
    assert login.mechanisms == ("CRAM-MD5",)
    with pytest.raises(RefusedError, match=r"Plaintext authentication disabled\.") as refused:
        asyncio.run(login.authenticate("plain", RIGHT, refuse))
    assert refused.value.kind is Kind.CLEARTEXT


def test_the_words_of_2_4_are_others() -> None:
    assert cleartext_disallowed((2, 3, 21)).startswith("Plaintext ")
    assert cleartext_disallowed((2, 4, 1)).startswith("Cleartext ")
    assert cleartext_exposed((2, 4, 1)).startswith("cleartext ")


@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
)
def test_every_mechanism(mechanism: str) -> None:
    dovecot = pop3(auth_mechanisms=("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"))
    ours = sasl.client(mechanism, user="user@minfo.sn", password=PASSWORD, nonce="abc")

    async def answer(challenge: str) -> str | None:
        said = ours.respond(base64.b64decode(challenge))
        return base64.b64encode(said.data).decode()

    login = login_of(dovecot)
    assert asyncio.run(login.authenticate(mechanism, None, answer)) == "user"
    assert login.user == "user"


def test_what_dovecot_answers_to_each_step() -> None:
    world = pop3().world
    assert Exchange(world, "PLAIN").begin(RIGHT) == Accepted("user")
    assert Exchange(world, "PLAIN").begin(WRONG) == Rejected("user")
    assert Exchange(world, "PLAIN").begin(None) == Continue("")
    assert Exchange(world, "PLAIN").begin("=") == Rejected()
    assert Exchange(world, "PLAIN").begin("x") == Rejected(base64=True)
    exchange = Exchange(world, "LOGIN")
    assert exchange.begin("=") == Continue("VXNlcm5hbWU6")
    assert exchange.go_on("dXNlcg==") == Continue("UGFzc3dvcmQ6")
    assert exchange.go_on("bWluZm8=") == Accepted("user")
    bad_name = base64.b64encode(b"us er").decode()
    assert Exchange(world, "LOGIN").begin(bad_name) == Rejected()


def test_a_wrong_password_is_answered_late_and_a_wrong_mechanism_at_once() -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    world = pop3(smtpd_sasl_failure_delay=2.0).world
    login = Login(world, world.config, "pop3", Journal(world, "pop3"), pause)
    for mechanism, initial in (("PLAIN", WRONG), ("FOO", None), ("PLAIN", "!!")):
        with pytest.raises(RefusedError):
            asyncio.run(login.authenticate(mechanism, initial, refuse))
    assert waited == [2.0]


# --- too many connections


def test_a_user_has_so_many_connections_from_one_address() -> None:
    dovecot = pop3(mail_max_userip_connections=1, pop3_lock_session=False)
    assert dovecot.world.anvil.connect("pop3", "192.168.10.50", "user", 1)
    client = dovecot.talk("USER user", f"PASS {PASSWORD}", "STAT")
    text = "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=1)"
    assert client.lines[-1] == f"-ERR [IN-USE] {text}"
    assert dovecot.log[-1].startswith(f"pop3-login: Disconnected: {text}: user=<user>, ")


def test_what_is_counted_ends_with_its_connection() -> None:
    dovecot = pop3(mail_max_userip_connections=1)
    for _ in range(3):
        assert dovecot.talk("USER user", f"PASS {PASSWORD}").lines[-1] == "+OK Logged in."


def test_limits_are_by_protocol_address_and_user() -> None:
    anvil = Anvil()
    assert anvil.connect("pop3", "a", "user", 1)
    assert not anvil.connect("pop3", "a", "user", 1)
    assert anvil.connect("imap", "a", "user", 1)
    assert anvil.connect("pop3", "b", "user", 1)
    assert anvil.connect("pop3", "a", "cheikh", 1)
    assert anvil.connect("pop3", "a", "user", 0)
    anvil.disconnect("pop3", "a", "user")
    anvil.disconnect("pop3", "a", "user")
    assert anvil.connect("pop3", "a", "user", 1)


# --- the log


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ((), "Connection closed (no auth attempts in 0 secs): user=<>"),
        (("QUIT",), "Aborted login by logging out (no auth attempts in 0 secs): user=<>"),
        ((SILENT,), "Inactivity (no auth attempts in 0 secs): user=<>"),
        (
            (f"AUTH PLAIN {WRONG}", "QUIT"),
            "Aborted login by logging out (auth failed, 1 attempts in 0 secs): user=<user>, method=PLAIN",
        ),
        (
            ("AUTH FOO", "QUIT"),
            "Aborted login by logging out (tried to use unsupported auth mechanism): user=<>, method=FOO",
        ),
        (
            ("AUTH PLAIN x", "QUIT"),
            "Aborted login by logging out (sent invalid base64 in response): user=<>, method=PLAIN",
        ),
        (
            ("AUTH PLAIN",),
            "Connection closed (client didn't finish SASL auth, waited 0 secs): user=<>, method=PLAIN",
        ),
        (
            ("AUTH PLAIN", SILENT),
            (
                "Inactivity during authentication (client didn't finish SASL auth, waited 0 secs): user=<>,"
                " method=PLAIN"
            ),
        ),
    ],
)
def test_a_connection_without_a_login(said: tuple[str | bytes, ...], why: str) -> None:
    dovecot = pop3()
    dovecot.talk(*said)
    (line,) = dovecot.log
    assert line.startswith(f"pop3-login: Disconnected: {why}, {IPS}, session=<")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("QUIT",), "Logged out (no auth attempts in 0 secs) (no_auth_attempts): user=<>"),
        (
            (f"AUTH PLAIN {WRONG}",),
            "Connection closed (auth failed, 1 attempts in 0 secs) (auth_failed): user=<user>, method=PLAIN",
        ),
        (
            ("AUTH PLAIN", "*", "QUIT"),
            (
                "Logged out (auth aborted by client, 1 attempts in 0 secs) (auth_aborted_by_client): user=<>,"
                " method=PLAIN"
            ),
        ),
        (
            ("AUTH FOO", "QUIT"),
            (
                "Logged out (tried to use unsupported auth mechanism, 1 attempts in 0 secs) (invalid_mech):"
                " user=<>, method=FOO"
            ),
        ),
    ],
)
def test_2_4_says_it_otherwise(said: tuple[str, ...], why: str) -> None:
    dovecot = pop3(release=Release.TRIXIE)
    dovecot.talk(*said)
    (line,) = dovecot.log
    assert line.startswith(f"pop3-login: Login aborted: {why}, {IPS}, session=<")


@pytest.mark.parametrize(
    ("release", "word"), [(Release.BOOKWORM, "Login"), (Release.RESOLUTE, "Logged in")]
)
def test_a_login_and_its_session(release: Release, word: str) -> None:
    dovecot = pop3(Stage.TLS, release)
    dovecot.talk("USER user@minfo.sn", f"PASS {PASSWORD}", "QUIT", service="pop3s")
    begun, ended = (parse_line(f"Jun 21 08:00:01 mail dovecot: {one}") for one in dovecot.log)
    session, pid = begun.fields["session"], begun.fields["mpid"]
    assert dovecot.log == [
        f"pop3-login: {word}: user=<user>, method=PLAIN, {IPS}, mpid={pid}, TLS, session=<{session}>",
        f"pop3(user)<{pid}><{session}>: Disconnected: Logged out top=0/0, retr=0/0, del=0/0, size=0",
    ]
    assert (begun.service, ended.service) == ("pop3-login", "pop3")
    assert begun.fields["action"] == word.lower()
    assert ended.fields["session"] == session
    assert len(base64.b64decode(session)) == 12


def test_the_same_seed_gives_the_same_log() -> None:
    logs = []
    for _ in range(2):
        dovecot = pop3()
        dovecot.talk("USER user", f"PASS {PASSWORD}", "QUIT")
        dovecot.talk("AUTH PLAIN", "*", "QUIT")
        logs.append(dovecot.world.log.lines())
    assert logs[0] == logs[1]


def test_names_and_mechanisms_cannot_break_the_log() -> None:
    dovecot = pop3(Stage.TLS)
    dovecot.talk("USER " + "é\x07" * 60, "AUTH " + "X" * 300 + "\x1b")
    (line,) = dovecot.log
    assert line.isprintable()
    assert len(line) < 500


# --- the connection


class Refusing(Client):
    """A client that breaks the handshake."""

    async def start_tls(self, *_: object, **__: object) -> Any:
        raise TlsError("net.tls-refused", server="x", reason="tlsv1 alert unknown ca")


def test_a_handshake_that_fails_is_logged() -> None:
    dovecot = pop3(Stage.TLS)
    client = Refusing(())
    asyncio.run(dovecot.session("pop3s").run(cast("Peer", client)))
    assert client.heard == b""
    (line,) = dovecot.log
    assert "TLS handshaking: SSL_accept() failed" in line
    assert "tlsv1 alert unknown ca" in line


def test_without_a_certificate_nothing_is_said_on_995() -> None:
    dovecot = pop3(Stage.TLS)
    dovecot.context = None
    assert dovecot.talk("CAPA", service="pop3s").heard == b""
    assert "TLS initialization failed." in dovecot.log[0]


def test_a_server_that_stops_says_so() -> None:
    dovecot = pop3()

    async def stopped(*said: bytes) -> Client:
        client = Hanging(said)
        task = asyncio.create_task(dovecot.session().run(cast("Peer", client)))
        await client.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return client

    assert asyncio.run(stopped()).lines[-1] == "-ERR Shutting down"
    client = asyncio.run(stopped(b"USER user\r\n", b"PASS minfo\r\n"))
    assert client.lines[-1] == "-ERR [SYS/TEMP] Server shutting down."
    assert dovecot.log[-1].startswith("pop3(user)<")
    assert dovecot.world.anvil.connect("pop3", "192.168.10.50", "user", 1)


class Hanging(Client):
    """A client that says no more, and does not go."""

    def __init__(self, said: Any) -> None:
        super().__init__(said)
        self.waiting = asyncio.Event()

    async def read(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - Peer's own
        said = await super().read(timeout)
        if not said:
            self.waiting.set()
            await asyncio.Event().wait()
        return said
