"""Clients that mean harm, or are broken: the right reply, little memory, and others are served."""

from __future__ import annotations

import io
import json
import mmap
import os
import random
import select
import smtplib
import socket
import ssl
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mailsim.lab.client import Attached

MEGABYTE = 1024 * 1024
MOST = 64 * MEGABYTE  # that an attack may cost the lab
PROGRAM = Path(__file__).with_name("hostile_lab.py")
PATIENCE = 30.0
HELLO = b"EHLO poste.minfo.sn\r\n"
ENVELOPE = b"MAIL FROM:<user@minfo.sn>\r\nRCPT TO:<cheikh@minfo.sn>\r\nDATA\r\n"


class Victim:
    """The lab's process, seen from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.document: dict[str, Any] = json.loads(process.stdout.readline())
        self.control = Attached("default", self._control())
        self._letters = 0

    def _control(self) -> dict[str, Any]:
        """lab.json, which has the control port's token."""
        home = Path(self.document["ca"]).parent.parent.parent
        found: dict[str, Any] = json.loads((home / "run/default/lab.json").read_text("utf-8"))
        return found

    def at(self, service: str) -> tuple[str, int]:
        one = self.document["endpoints"][service]
        return one["host"], one["port"]

    def connect(self, service: str = "smtp") -> socket.socket:
        return socket.create_connection(self.at(service), PATIENCE)

    def memory(self) -> int:
        """Its resident set, in octets."""
        statm = Path(f"/proc/{self.process.pid}/statm")
        if not statm.exists():
            return 0
        return int(statm.read_text("ascii").split()[1]) * mmap.PAGESIZE

    def serves(self) -> None:
        """An ordinary client gets its message through, and a name its address."""
        self._letters += 1
        name = f"<temoin.{self._letters}@poste.minfo.sn>"
        text = f"From: user@minfo.sn\r\nMessage-ID: {name}\r\nSubject: t\r\n\r\nBonjour\r\n"
        with smtplib.SMTP(*self.at("smtp"), "poste.minfo.sn", PATIENCE) as smtp:
            assert smtp.sendmail("user@minfo.sn", ["mactar@minfo.sn"], text) == {}
        self.control.ask("wait", message_id=name, timeout=PATIENCE)
        assert self.resolves()

    def resolves(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(PATIENCE)
            asking.sendto(QUESTION, self.at("dns"))
            return asking.recv(4096)[:2] == QUESTION[:2]

    def messages(self, user: str) -> list[bytes]:
        from base64 import b64decode

        found = self.control.ask("mailboxes")
        return [b64decode(one["content"]) for one in found if one["user"] == user]


# MX of minfo.sn
QUESTION = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\x05minfo\x02sn\0\x00\x0f\x00\x01"


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    home = tmp_path_factory.mktemp("mailsim")
    environment = {**os.environ, "MAILSIM_HOME": str(home), "MAILSIM_LANG": "en"}
    environment.pop("MAILSIM_SEED", None)
    # What fails on its loop is said there, and must be nothing.
    with (home / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, PROGRAM, json.dumps({"smtpd_error_sleep_time": 0})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
        try:
            made = Victim(process)
            made.serves()
            yield made
        finally:
            process.communicate(timeout=60)
        errors.seek(0)
        assert (process.returncode, errors.read()) == (0, "")


@pytest.fixture(autouse=True)
def _bounded(victim: Victim) -> Iterator[None]:
    """Whatever a test does: afterwards the lab serves, and has not grown by more than MOST."""
    before = victim.memory()
    yield
    victim.serves()
    assert victim.memory() - before <= MOST


class Talk:
    """A client that says what it likes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._lines = connection.makefile("rb")

    def reply(self) -> str:
        """The next reply's last line, without its end; "" when the connection has ended."""
        with suppress(ConnectionError):
            while (line := self._lines.readline(4096))[3:4] == b"-":
                pass
            return line.decode("utf-8", "replace").rstrip("\r\n")
        return ""

    def say(self, data: bytes) -> str:
        self.connection.sendall(data)
        return self.reply()

    def hello(self, greeting: bytes = HELLO) -> None:
        assert self.reply()[:3] == "220"
        assert self.say(greeting)[:3] == "250"

    def rest(self) -> list[str]:
        """All replies until the end, once nothing more is said."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        return list(iter(self.reply, ""))


@pytest.fixture
def talk(victim: Victim) -> Iterator[Talk]:
    with closing(victim.connect()) as connection:
        yield Talk(connection)


# --- longer than RFC 5321 §4.5.3.1 foresees --------------------------------------------------------

LONG = {
    "local part": b"MAIL FROM:<" + b"a" * 65 + b"@minfo.sn>",
    "domain": b"MAIL FROM:<user@" + b"a." * 130 + b"sn>",
    "label": b"MAIL FROM:<user@" + b"a" * 64 + b".sn>",
    "path": b"RCPT TO:<" + b"a" * 300 + b"@" + b"b" * 300 + b".sn>",
    "command": b"NOOP " + b"a" * 507,
    "Postfix's line_length_limit": b"NOOP " + b"a" * 2100,
    "a megabyte": b"NOOP " + b"a" * MEGABYTE,
    "verb": b"A" * 100_000,
    "parameter": b"MAIL FROM:<user@minfo.sn> ENVID=" + b"a" * 5000,
    "name": b"EHLO " + b"a" * 2000,
    "login": b"AUTH PLAIN " + b"A" * 20_000,
    "source route": b"MAIL FROM:<" + b"@a.sn," * 300 + b":user@minfo.sn>",
    "comment": b"MAIL FROM:<" + b"(" * 1900 + b"user@minfo.sn>",
    "quoted": b'MAIL FROM:<"' + b"\\a" * 900 + b'"@minfo.sn>',
    "words": b"MAIL " + b"a " * 1000,
}


@pytest.mark.parametrize("line", LONG.values(), ids=LONG)
def test_a_line_that_is_too_long_is_answered_once(talk: Talk, line: bytes) -> None:
    talk.hello()
    reply = talk.say(line + b"\r\n")
    assert reply[:3].isdigit()
    assert reply[:1] in "245"
    assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"
    assert talk.rest() == []


def test_a_line_without_end_costs_nothing(victim: Victim, talk: Talk) -> None:
    """Sent until the server closes, or 40 MB are gone into it."""
    talk.hello()
    with suppress(OSError):
        for _ in range(40):
            talk.connection.sendall(b"a" * MEGABYTE)
    victim.serves()


def test_a_message_that_is_too_big_is_refused_and_not_kept(victim: Victim, talk: Talk) -> None:
    talk.hello()
    assert talk.say(b"MAIL FROM:<user@minfo.sn> SIZE=99999999999999999999\r\n")[:3] in (
        "501",
        "552",
    )
    assert talk.say(b"MAIL FROM:<user@minfo.sn> SIZE=10240001\r\n").startswith("552 5.3.4 ")
    assert talk.say(b"RSET\r\n") == "250 2.0.0 Ok"  # Postfix remembers the size until then
    talk.connection.sendall(ENVELOPE)
    assert [talk.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    line = b"a" * 998 + b"\r\n"
    for _ in range(30):
        talk.connection.sendall(line * 1000)
    victim.serves()
    assert talk.say(b".\r\n") == "552 5.3.4 Error: message file too big"
    assert talk.say(b"NOOP\r\n") == "250 2.0.0 Ok"


def test_a_line_of_a_megabyte_arrives_whole(victim: Victim, talk: Talk) -> None:
    """Longer than a text line may be (RFC 5321 §4.5.3.1.6): Postfix takes it all the same."""
    talk.hello()
    talk.connection.sendall(ENVELOPE)
    assert [talk.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    assert talk.say(b"Subject: long\r\n\r\n" + b"a" * MEGABYTE + b"\r\n.\r\n")[:3] == "250"
    victim.control.ask("idle", timeout=PATIENCE)
    newest = victim.messages("cheikh")[-1]
    assert newest.endswith(b"\r\n\r\n" + b"a" * MEGABYTE + b"\r\n")


def test_ten_thousand_recipients(victim: Victim, talk: Talk) -> None:
    """More than smtpd_recipient_limit is 452 (RFC 5321 §4.5.3.1.10), and a client that goes on
    and on is shown out."""
    talk.hello()
    assert talk.say(b"MAIL FROM:<user@minfo.sn>\r\n")[:3] == "250"
    replies: Counter[str] = Counter()
    for at in range(0, 10_000, 500):
        rcpts = (b"RCPT TO:<user+%d@minfo.sn>\r\n" % n for n in range(at, at + 500))
        try:
            talk.connection.sendall(b"".join(rcpts))
        except OSError:
            break
        replies.update(talk.reply() for _ in range(500))
        if "" in replies:
            break
        victim.resolves()
    replies.pop("", None)
    assert replies.pop("250 2.1.5 Ok") == 1000
    assert replies.pop("452 4.5.3 Error: too many recipients") >= 1000
    assert [reply[:9] for reply in replies] == ["421 4.7.0"]


def test_a_thousand_recipients_get_their_message(victim: Victim, talk: Talk) -> None:
    before = len(victim.messages("autre_user"))
    talk.hello()
    rcpts = b"".join(b"RCPT TO:<autre_user+%d@minfo.sn>\r\n" % n for n in range(1000))
    talk.connection.sendall(b"MAIL FROM:<user@minfo.sn>\r\n" + rcpts + b"DATA\r\n")
    assert Counter(talk.reply()[:3] for _ in range(1002)) == {"250": 1001, "354": 1}
    assert talk.say(b"Subject: a tous\r\n\r\nBonjour\r\n.\r\n")[:3] == "250"
    victim.control.ask("idle", timeout=PATIENCE)
    assert len(victim.messages("autre_user")) - before == 1000


# --- what is no text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"NO\0OP", b"NOOP \0", b"\0", b"MAIL FROM:<us\0er@minfo.sn>", b"RCPT TO:<\0>", b"\xff\xfe\xfd",
        b"EHLO \xc3\x28", b"MAIL FROM:<\xe9@minfo.sn>", b"VRFY \x1b[2J", b"", b" ", b"\t\t", b"<", b">",
        b"MAIL FROM:", b"MAIL FROM:<", b"MAIL FROM:<>>", b"RCPT TO:<@>", b"AUTH", b"AUTH = =",
        b"BDAT -1 LAST", b"BDAT 99999999999999999999",
        b"BDAT 9223372036854775808", b"XCLIENT ADDR=", b"XCLIENT =", b"ETRN", b"HELP",
        b"NO\rOP", b"NOOP\r", b"MAIL FROM:<user@minfo.sn>\rRCPT TO:<cheikh@minfo.sn>",
    ],
)  # fmt: skip
def test_a_command_that_is_none_is_answered_once(talk: Talk, line: bytes) -> None:
    talk.hello()
    reply = talk.say(line + b"\r\n")
    assert reply[:1] in "245"
    assert reply.isprintable()
    if reply[:3] not in ("221", "521"):  # these say that it hangs up
        assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"
    assert talk.rest() == []


def test_a_chunk_s_size_is_read_as_it_is_written(victim: Victim, talk: Talk) -> None:
    """Else what is content would be read as commands."""
    talk.hello()
    assert talk.say(b"MAIL FROM:<user@minfo.sn>\r\n")[:3] == "250"
    assert talk.say(b"RCPT TO:<cheikh@minfo.sn>\r\n")[:3] == "250"
    assert talk.say(b"BDAT " + b"0" * 40 + b"6\r\nRSET\r\n")[:3] == "250"
    assert talk.say(b"BDAT 6 LAST\r\nQUIT\r\n")[:3] == "250"
    victim.control.ask("idle", timeout=PATIENCE)
    assert victim.messages("cheikh")[-1].endswith(b"RSET\r\nQUIT\r\n")


def test_content_may_hold_anything_and_is_kept_as_it_came(victim: Victim, talk: Talk) -> None:
    body = bytes(range(256)).replace(b"\n", b"").replace(b"\r", b"") * 3 + b"\r\n"
    talk.hello()
    talk.connection.sendall(ENVELOPE)
    assert [talk.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    assert talk.say(b"Subject: octets\r\n\r\n" + body + b".\r\n")[:3] == "250"
    victim.control.ask("idle", timeout=PATIENCE)
    assert victim.messages("cheikh")[-1].endswith(b"\r\n\r\n" + body)


ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\n\n.\r\n"]


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_smuggled_past_the_end_of_a_message(
    victim: Victim, talk: Talk, end: bytes
) -> None:
    """noble normalizes bare newlines for all but $mynetworks: one dot between CRLFs ends a
    message, and nothing else does (RFC 5321 §4.1.1.4)."""
    before = len(victim.messages("cheikh"))
    talk.hello()
    talk.connection.sendall(ENVELOPE)
    assert [talk.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    smuggled = (
        b"MAIL FROM:<admin@minfo.sn>\r\nRCPT TO:<cheikh@minfo.sn>\r\nDATA\r\nSubject: 2\r\n\r\n"
    )
    inside = b"Subject: 1\r\n\r\nBonjour" + end + smuggled + b"x\r\n.\r\n"
    talk.connection.sendall(inside)
    assert talk.reply()[:3] == "250"
    assert talk.say(b"QUIT\r\n") == "221 2.0.0 Bye"
    victim.control.ask("idle", timeout=PATIENCE)
    arrived = victim.messages("cheikh")[before:]
    assert len(arrived) == 1
    assert b"MAIL FROM:<admin@minfo.sn>" in arrived[0]


# --- TLS --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [b"NOOP\r\n", b"RCPT TO:<cheikh@minfo.sn>\r\n", b"\r\n", b"\0" * 5000]
)
def test_what_is_injected_before_tls_is_not_heard_under_it(victim: Victim, more: bytes) -> None:
    """RFC 3207 §4.2: what came in the clear is discarded."""
    context = ssl.create_default_context(cafile=victim.document["ca"])
    with closing(victim.connect()) as connection:
        talk = Talk(connection)
        talk.hello()
        connection.sendall(b"STARTTLS\r\n" + more)
        assert line(connection) == b"220 2.0.0 Ready to start TLS\r\n"
        try:
            secured = context.wrap_socket(connection, server_hostname="mail.minfo.sn")
        except (ssl.SSLError, OSError):
            return  # it took what came behind for the handshake, which fails: nothing was heard
        with secured:
            under = Talk(secured)
            assert under.say(b"NOOP\r\n") == "250 2.0.0 Ok"
            assert under.say(b"QUIT\r\n") == "221 2.0.0 Bye"


def line(connection: socket.socket) -> bytes:
    """One line, and not an octet more: the handshake comes behind it."""
    data = b""
    while not data.endswith(b"\n"):
        data += connection.recv(1)
    return data


# --- patience, and many at once -----------------------------------------------------------------------


def test_slow_senders_hold_nobody_up(victim: Victim) -> None:
    """Thirty clients, an octet each in turn, through a whole message."""
    script = HELLO + ENVELOPE + b"Subject: lent\r\n\r\n.\r\nQUIT\r\n"
    before = len(victim.messages("cheikh"))
    with ExitStack() as stack:
        talks = [Talk(stack.enter_context(closing(victim.connect()))) for _ in range(30)]
        for at in range(len(script)):
            for talk in talks:
                talk.connection.sendall(script[at : at + 1])
            if at % 40 == 0:
                victim.resolves()
        victim.serves()
        ends = [[reply[:3] for reply in talk.rest()] for talk in talks]
    assert ends == [["220", "250", "250", "250", "354", "250", "221"]] * 30
    victim.control.ask("idle", timeout=PATIENCE)
    assert len(victim.messages("cheikh")) - before == 30


def test_those_who_say_nothing_hold_nobody_up(victim: Victim) -> None:
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(closing(victim.connect()))
        victim.serves()


def test_more_than_may_be_open_wait_and_are_served(victim: Victim) -> None:
    """The 501st is served when one ends (default_process_limit)."""
    with ExitStack() as stack:
        first = [stack.enter_context(closing(victim.connect())) for _ in range(600)]
        Talk(first[0]).hello()
        late = Talk(first[-1])
        assert select.select([late.connection], [], [], 0)[0] == []
        for one in first[:200]:
            one.close()
        late.hello()


def test_a_client_that_never_reads(victim: Victim, talk: Talk) -> None:
    """Its answers are not piled up: it is not heard either, or shown out."""
    talk.hello()
    talk.connection.settimeout(0)
    many = HELLO * 1000
    sent = 0
    with suppress(ConnectionError):
        while sent < 100 * MEGABYTE and select.select([], [talk.connection], [], 0.2)[1]:
            sent += talk.connection.send(many[sent % len(HELLO) :])
    assert sent < 100 * MEGABYTE
    victim.serves()


GARBAGE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: mail.minfo.sn\r\n\r\n",
    "HTTP POST": b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nEHLO x\r\n",
    "CONNECT": b"CONNECT mail.minfo.sn:25 HTTP/1.1\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "IMAP": b"a1 LOGIN user minfo\r\n",
    "zeros": b"\0" * 10_000,
    "ends of lines": b"\r\n" * 5000,
    "DNS": b"\0\x1c" + QUESTION,
}


@pytest.mark.parametrize("service", ["smtp", "submission", "submissions", "dns", "control"])
def test_a_thousand_connections_of_garbage(victim: Victim, service: str) -> None:
    chance = random.Random(service)
    kinds = [*GARBAGE.values(), client_hello(), b"", *map(chance.randbytes, (1, 7, 100, 3000))]
    address = ("127.0.0.1", victim._control()["control"]) if service == "control" else None
    for begin in range(0, 1000, 100):
        with ExitStack() as stack:
            for number in range(begin, begin + 100):
                made = socket.create_connection(address or victim.at(service), PATIENCE)
                connection = stack.enter_context(closing(made))
                with suppress(OSError):
                    connection.sendall(kinds[number % len(kinds)])
                    connection.shutdown(socket.SHUT_WR)
            victim.resolves()
    victim.serves()


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_answered_as_postfix_would(talk: Talk, data: bytes) -> None:
    assert talk.reply().startswith("220 mail.minfo.sn ESMTP")
    talk.connection.sendall(data)
    for reply in talk.rest():
        assert reply[:1] in "45" or reply.startswith("221 2.7.0 ")


def client_hello() -> bytes:
    out = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="x.sn")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


# --- DNS --------------------------------------------------------------------------------------------


def test_datagrams_of_garbage(victim: Victim) -> None:
    chance = random.Random("dns")
    header = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0"
    made = [
        b"", b"\0", header[:11], header, header + b"\xc0\x0c\0\x01\0\x01",  # a name that points to itself
        header + b"\x3f" * 300, header + b"\x40abc", header + b"\x05minfo\x02sn\0\0",
        b"\x12\x34\x81\x80" + QUESTION[4:],  # an answer: two servers would talk for ever
        QUESTION[:4] + b"\xff\xff" * 4 + QUESTION[12:], QUESTION + b"x" * 1000,
        b"\x12\x34\x28\x00" + QUESTION[4:], b"\x12\x34\x79\x00" + QUESTION[4:],
    ]  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for number in range(3000):
            data = made[number % len(made)] if number % 3 else chance.randbytes(number % 700)
            asking.sendto(data, victim.at("dns"))
            if number % 100 == 0:
                assert victim.resolves()


# --- content ------------------------------------------------------------------------------------------


def archive(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


def bomb(levels: int, width: int, size: int) -> bytes:
    """A zip of zips of … zeros: `width` ** `levels` times `size` octets, were it unpacked."""
    data = archive(("0.bin", b"\0" * size))
    for _ in range(levels):
        data = archive(*((f"{n}.zip", data) for n in range(width)))
    return data


BOMBS = {
    "one big": lambda: archive(("0.bin", b"\0" * 100 * MEGABYTE)),
    "many": lambda: archive(*((f"{n}.bin", b"\0" * 10) for n in range(20_000))),
    "zips in zips": lambda: bomb(4, 10, 50 * MEGABYTE),
    "long names": lambda: archive(*((f"{n}" * 10_000, b"") for n in range(100, 160))),
    "no zip": lambda: b"PK\x03\x04" + b"\xff" * 5000,
    "cut": lambda: bomb(2, 5, MEGABYTE)[:-30],
}


@pytest.mark.parametrize("kind", BOMBS)
def test_an_archive_that_is_a_bomb(victim: Victim, kind: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "user@minfo.sn", "cheikh@minfo.sn"
    message["Subject"], message["Message-ID"] = kind, f"<{kind.replace(' ', '.')}@poste.minfo.sn>"
    message.set_content("Bonjour\n")
    message.add_attachment(BOMBS[kind](), maintype="application", subtype="zip", filename="b.zip")
    send_through(victim, message)


def send_through(victim: Victim, message: EmailMessage) -> None:
    with smtplib.SMTP(*victim.at("smtp"), "poste.minfo.sn", PATIENCE) as smtp:
        assert smtp.send_message(message) == {}
    victim.control.ask("wait", message_id=message["Message-ID"], timeout=PATIENCE)
    assert victim.control.ask("queue") == []


def test_parts_in_parts_in_parts(victim: Victim) -> None:
    message = EmailMessage()
    message["From"], message["Message-ID"] = "user@minfo.sn", "<parts@poste.minfo.sn>"
    message["To"] = "cheikh@minfo.sn"
    depth = 2000
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth)
    )
    with smtplib.SMTP(*victim.at("smtp"), "poste.minfo.sn", PATIENCE) as smtp:
        assert (
            smtp.sendmail("user@minfo.sn", "cheikh@minfo.sn", f"{message}".rstrip() + "\n" + opened)
            == {}
        )
    victim.control.ask("wait", message_id="<parts@poste.minfo.sn>", timeout=PATIENCE)
    assert victim.control.ask("queue") == []


HEADERS = {
    "many fields": b"X-A: b\r\n" * 100_000,
    "one long field": b"Subject: " + b"a" * 2 * MEGABYTE + b"\r\n",
    "folded": b"Subject: a\r\n" + b" b\r\n" * 200_000,
    "encoded words": b"Subject: " + b"=?utf-8?Q?=C3=A9?= " * 50_000 + b"\r\n",
    "addresses": b"To: " + b"a@minfo.sn, " * 50_000 + b"\r\n",
    "brackets": b"To: " + b"<" * 200_000 + b"\r\n",
    "comments": b"From: " + b"(" * 200_000 + b"\r\n",
    "message-ids": b"Message-ID: " + b"<" * 200_000 + b"\r\n",
    "received": b"Received: from a by b; c\r\n" * 45,
    "no colon": b"a" * 100_000 + b"\r\n",
    "type": b"Content-Type: multipart/mixed; boundary=" + b'"' * 100_000 + b"\r\n",
    "parameters": b"Content-Type: text/plain" + b"; a*0=b" * 50_000 + b"\r\n",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_that_cost_a_parser_most(victim: Victim, talk: Talk, header: bytes) -> None:
    talk.hello()
    talk.connection.sendall(ENVELOPE)
    assert [talk.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    assert talk.say(header + b"\r\nBonjour\r\n.\r\n")[:3] == "250"
    victim.control.ask("idle", timeout=PATIENCE)
    assert victim.control.ask("queue") == []
