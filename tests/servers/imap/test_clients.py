"""Clients that others have written: imaplib, IMAPClient, aioimaplib, curl."""

from __future__ import annotations

import asyncio
import imaplib
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from tests.servers.imap.imapd import PASSWORD, USER, Imapd, new_world, served

MESSAGE = b"From: cheikh@minfo.sn\r\nSubject: salut\r\n\r\nbonjour\r\n"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> LabCa:
    return LabCa.load(tmp_path_factory.mktemp("ca"), network())


@pytest.fixture(scope="module")
def server(ca: LabCa) -> Iterator[Imapd]:
    with served(ca) as imapd:
        yield imapd


@pytest.fixture
def imapd(server: Imapd) -> Imapd:
    """With one message in INBOX."""
    server.reset(new_world())
    server.deliver(MESSAGE)
    return server


@pytest.fixture
def secured(server: Imapd) -> Imapd:
    """Where a password travels under TLS alone."""
    server.reset(new_world(Stage.TLS))
    server.deliver(MESSAGE)
    return server


def _context(ca: LabCa) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca.certificate)


# --- imaplib


def test_imaplib(imapd: Imapd) -> None:
    with imaplib.IMAP4("127.0.0.1", imapd.port()) as client:
        assert client.login(USER, PASSWORD)[0] == "OK"
        assert client.select() == ("OK", [b"1"])
        assert client.fetch("1", "(RFC822)")[1][0] == (
            b"1 (FLAGS (\\Seen \\Recent) RFC822 {50}",
            MESSAGE,
        )
        assert client.search(None, "FROM", '"cheikh"') == ("OK", [b"1"])
        assert client.create("Archives")[0] == "OK"
        assert client.copy("1", "Archives")[0] == "OK"
        assert client.store("1", "+FLAGS", "\\Deleted")[1] == [
            b"1 (FLAGS (\\Deleted \\Seen \\Recent))"
        ]
        assert client.expunge() == ("OK", [b"1"])
        assert client.status("Archives", "(MESSAGES UNSEEN)")[1] == [
            b"Archives (MESSAGES 1 UNSEEN 0)"
        ]
        assert "QUOTA" not in client.capabilities
        assert client.list('""', "*")[1] == [
            b'(\\HasNoChildren) "/" INBOX',
            b'(\\HasNoChildren) "/" Archives',
        ]


def test_imaplib_under_tls(secured: Imapd, ca: LabCa) -> None:
    with imaplib.IMAP4("localhost", secured.port()) as client:
        with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
            client.login(USER, PASSWORD)
        assert client.starttls(_context(ca))[0] == "OK"
        assert client.login(USER, PASSWORD)[0] == "OK"
    with imaplib.IMAP4_SSL("localhost", secured.port("imaps"), ssl_context=_context(ca)) as client:
        assert client.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())[0] == "OK"


def test_imaplib_enables_imap4rev2(server: Imapd) -> None:
    server.reset(new_world(release=Release.FULL))
    server.deliver(MESSAGE)
    with imaplib.IMAP4("127.0.0.1", server.port()) as client:
        client.login(USER, PASSWORD)
        assert client.enable("IMAP4rev2")[0] == "OK"
        assert client.select()[0] == "OK"
        assert client.response("RECENT") == ("RECENT", [None])
        assert client.search(None, "ALL") == ("OK", [None])
        assert client.response("ESEARCH")[1][0].endswith(b"ALL 1")


# --- IMAPClient


def test_imapclient(imapd: Imapd) -> None:
    client: Any = IMAPClient("127.0.0.1", imapd.port(), ssl=False)
    with client:
        client.login(USER, PASSWORD)
        info = client.select_folder("INBOX")
        assert (info[b"EXISTS"], info[b"RECENT"]) == (1, 1)
        [fetched] = client.fetch(
            [1], ["ENVELOPE", "BODYSTRUCTURE", "BODY[]", "INTERNALDATE"]
        ).values()
        assert fetched[b"ENVELOPE"].subject == b"salut"
        assert fetched[b"BODYSTRUCTURE"][:2] == (b"text", b"plain")
        assert fetched[b"BODY[]"] == MESSAGE
        client.create_folder("Envoyés")
        assert "Envoyés" in [name for _, _, name in client.list_folders()]
        client.move([1], "Envoyés")
        assert client.select_folder("Envoyés")[b"EXISTS"] == 1
        assert client.sort("REVERSE DATE") == [1]
        assert client.thread() == ((1,),)
        client.add_flags([1], [b"\\Flagged"])
        assert client.get_flags([1])[1] == (b"\\Flagged", b"\\Seen", b"\\Recent")
        client.append("INBOX", MESSAGE, msg_time=datetime(2010, 6, 21, 8, tzinfo=UTC))
        assert client.folder_status("INBOX", ["MESSAGES"]) == {b"MESSAGES": 1}
        client.subscribe_folder("Envoyés")
        assert [name for _, _, name in client.list_sub_folders()] == ["Envoyés"]
        client.delete_messages([1])
        client.uid_expunge([1])
        assert client.search() == []
        assert client.namespace().personal == (("", "/"),)


def test_imapclient_is_told_while_it_idles(imapd: Imapd) -> None:
    client: Any = IMAPClient("127.0.0.1", imapd.port(), ssl=False)
    with client:
        client.login(USER, PASSWORD)
        client.select_folder("INBOX")
        client.idle()
        imapd.deliver(MESSAGE)
        heard = client.idle_check(timeout=20)
        if len(heard) < 2:
            heard += client.idle_check(timeout=20)
        assert heard == [(2, b"EXISTS"), (2, b"RECENT")]
        client.idle_done()


def test_imapclient_reads_a_quota(imapd: Imapd) -> None:
    imapd.call(lambda world: world.store.set_quota(USER, octets=1_048_576, messages=2))
    client: Any = IMAPClient("127.0.0.1", imapd.port(), ssl=False)
    with client:
        client.login(USER, PASSWORD)
        _, quotas = client.get_quota_root("INBOX")
        assert [(one.resource, one.limit) for one in quotas] == [
            ("STORAGE", 1024),
            ("MESSAGE", 2),
        ]
        client.append("INBOX", MESSAGE)
        with pytest.raises(Exception, match="OVERQUOTA"):
            client.append("INBOX", MESSAGE)


# --- aioimaplib


def test_aioimaplib(imapd: Imapd) -> None:
    aioimaplib = pytest.importorskip("aioimaplib")

    async def scene() -> None:
        client = aioimaplib.IMAP4("127.0.0.1", imapd.port(), timeout=20)
        await client.wait_hello_from_server()
        assert (await client.login(USER, PASSWORD)).result == "OK"
        assert (await client.select()).result == "OK"
        assert (await client.uid("fetch", "1", "(UID RFC822.SIZE)")).lines[0] == (
            b"1 FETCH (UID 1 RFC822.SIZE 50)"
        )
        assert (await client.append(MESSAGE, "INBOX")).result == "OK"
        assert (await client.search("ALL")).lines[0] == b"1 2"
        assert (await client.logout()).result == "OK"
        client.protocol.transport.close()  # it would leave that to the garbage collector
        await asyncio.sleep(0)

    asyncio.run(scene())


# --- curl


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(secured: Imapd, ca: LabCa, tmp_path: Path) -> None:
    new = tmp_path / "neuf.eml"
    new.write_bytes(MESSAGE)
    port = secured.port("imaps")
    base = ["curl", "-sS", "--cacert", str(ca.certificate), "--user", f"{USER}:{PASSWORD}"]
    url = f"imaps://localhost:{port}/INBOX"

    def curl(*arguments: str) -> bytes:
        return subprocess.run(
            [*base, *arguments], check=True, capture_output=True, timeout=60
        ).stdout

    assert curl(f"{url};UID=1") == MESSAGE
    curl("-T", str(new), url)
    assert curl(url, "-X", "SEARCH ALL") == b"* SEARCH 1 2\r\n"
    assert b"\\HasNoChildren" in curl(f"imaps://localhost:{port}/")
