"""Whatever comes, a session answers, ends, and gives back what it holds."""

from __future__ import annotations

import asyncio
import random

import pytest

from mailsim.model.stage import Release, Stage
from mailsim.servers.managesieve import ManageSieveSession
from mailsim.servers.pop3 import Pop3Session
from tests.servers.dovecotd import PASSWORD, Dovecot

POP3 = (
    b"USER user\r\n", b"PASS minfo\r\n", b"AUTH PLAIN\r\n", b"AUTH LOGIN x\r\n", b"RETR ", b"TOP 1 ",
    b"DELE 1\r\n", b"LIST", b"UIDL", b"\r\n", b"\n", b" ", b"\0", b"\xff\xfe", b"*\r\n", b"STLS\r\n",
    b"QUIT\r\n", b"CAPA\r\n", b"1", b"9" * 30, b"AHVzZXIAbWluZm8=\r\n", b"APOP user ", b"RSET\r\n",
)  # fmt: skip
SIEVE = (
    b'AUTHENTICATE "PLAIN" "AHVzZXIAbWluZm8="\r\n', b'AUTHENTICATE "PLAIN"\r\n',
    b'"AHVzZXIAbWluZm8="\r\n', b'PUTSCRIPT "a" ', b"{5+}\r\n", b"keep;", b"\r\n", b"{99999+}\r\n",
    b"GETSCRIPT ", b'"a"', b" ", b'"', b"\\", b"(", b")", b"LISTSCRIPTS\r\n", b'SETACTIVE "a"\r\n',
    b"DELETESCRIPT ", b'RENAMESCRIPT "a" "b"\r\n', b"NOOP ", b"{3}\r\nabc", b"\0", b"\xff",
    b"CHECKSCRIPT ", b'HAVESPACE "a" 12\r\n', b"STARTTLS\r\n", b"LOGOUT\r\n", b"CAPABILITY\r\n",
    b"{0+}\r\n", b"UNAUTHENTICATE\r\n", b'"*"\r\n',
)  # fmt: skip
LOGINS = {"pop3": f"USER user\r\nPASS {PASSWORD}\r\n".encode(), "managesieve": SIEVE[0]}
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "APOP")


@pytest.mark.parametrize("ssl", ["no", "yes", "required"])
@pytest.mark.parametrize("service", ["pop3", "managesieve"])
def test_pieces_in_any_order(service: str, ssl: str) -> None:
    kind = Pop3Session if service == "pop3" else ManageSieveSession
    dovecot = Dovecot(
        kind, service, Stage.SIEVE, Release.FULL,
        ssl=ssl, disable_plaintext_auth=False, auth_mechanisms=MECHANISMS,
    )  # fmt: skip
    dovecot.deliver(b"Subject: x\r\n\r\nx\r\n", b"")
    chance = random.Random(f"{service}/{ssl}")
    pieces = POP3 if service == "pop3" else SIEVE
    for _ in range(300):
        said = [b"".join(chance.choices(pieces, k=chance.randrange(1, 8))) for _ in range(6)]
        if chance.random() < 0.5:
            said.insert(0, LOGINS[service])
        client = dovecot.talk(*said)
        assert client.heard.endswith(b"\r\n")
    # No lock and no connection is left behind.
    dovecot.world.config = Dovecot(kind, service).world.config
    assert b"Logged in." in dovecot.talk(LOGINS[service], b"").heard


@pytest.mark.parametrize("service", ["pop3", "managesieve"])
def test_many_commands_at_once_keep_nobody_waiting(service: str) -> None:
    kind = Pop3Session if service == "pop3" else ManageSieveSession
    dovecot = Dovecot(kind, service)
    end = "QUIT" if service == "pop3" else "LOGOUT"

    async def scene() -> None:
        said = (LOGINS[service], b"NOOP\r\n" * 5_000, end)
        greedy = asyncio.create_task(dovecot.conversation(*said))
        await asyncio.create_task(dovecot.conversation("NOOP", end))
        assert not greedy.done()
        assert (await greedy).heard.count(b"OK") > 5_000

    asyncio.run(scene())


@pytest.mark.parametrize("release", [Release.BOOKWORM, Release.RESOLUTE])
def test_it_repeats(release: Release) -> None:
    assert twenty(release) == twenty(release)


def twenty(release: Release) -> tuple[list[bytes], tuple[str, ...]]:
    """What is said in twenty conversations, and what is logged."""
    dovecot = Dovecot(Pop3Session, "pop3", release=release, auth_mechanisms=MECHANISMS)
    chance = random.Random("repeat")
    said = [b"".join(chance.choices(POP3, k=12)) for _ in range(20)]
    return [dovecot.talk(one).heard for one in said], dovecot.world.log.lines()
