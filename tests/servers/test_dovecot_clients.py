"""Ordinary programs fetch mail and manage scripts, as students' own do."""

from __future__ import annotations

import os
import poplib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.tracers.managesieve import ManageSieveTracer
from mailsim.tracers.pop3 import Pop3Tracer
from tests.servers.dovecot_site import Site
from tests.servers.played_dovecot import MAIL

NAME = "mail.minfo.sn"
PASSWORD = "minfo"
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> LabCa:
    return LabCa.load(tmp_path_factory.mktemp("ca"), network())


@pytest.fixture(scope="module")
def started(ca: LabCa) -> Iterator[Site]:
    made = Site(Release.NOBLE, ca)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def site(started: Site) -> Site:
    """With four messages in the user's INBOX."""
    started.lab.call(lambda _: started.lab.reset(Stage.SIEVE))
    for message in MAIL.values():
        started.lab.call(
            lambda world, one=message: world.store.deliver("user", "INBOX", one)  # type: ignore[misc]
        )
    return started


def left(site: Site) -> list[bytes]:
    """What is in the user's INBOX once no session is left that has it locked."""
    messages = site.lab.call(lambda world: world.store.messages("user"))
    return [one.content for one in messages]


def context(ca: LabCa) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca.certificate)
    made.check_hostname = False  # the tests reach it by its address
    return made


# --- Python's own


def test_poplib(site: Site, ca: LabCa) -> None:
    client = poplib.POP3("127.0.0.1", site.port("pop3"), timeout=20)
    client.stls(context(ca))
    assert set(client.capa()) >= {"TOP", "UIDL", "USER", "SASL", "PIPELINING"}
    client.user("user@minfo.sn")
    client.pass_(PASSWORD)
    fetched = [
        b"".join(line + b"\r\n" for line in client.retr(number)[1])
        for number in range(1, client.stat()[0] + 1)
    ]
    assert fetched == list(MAIL.values())
    assert len(set(client.uidl()[1])) == 4
    client.dele(1)
    client.quit()
    assert left(site) == list(MAIL.values())[1:]


def test_poplib_over_tls(site: Site, ca: LabCa) -> None:
    client = poplib.POP3_SSL("127.0.0.1", site.port("pop3s"), context=context(ca), timeout=20)
    client.user("user")
    with pytest.raises(poplib.error_proto, match="Authentication failed"):
        client.pass_("faux")
    client.user("user")
    client.pass_(PASSWORD)
    assert client.stat() == (4, sum(map(len, MAIL.values())))
    client.dele(1)
    client.close()  # without QUIT
    assert len(left(site)) == 4


def test_poplib_before_tls(site: Site) -> None:
    client = poplib.POP3("127.0.0.1", site.port("pop3"), timeout=20)
    with pytest.raises(poplib.error_proto, match="disallowed on non-secure"):
        client.user("user")
    client.quit()


# --- our own tracers


def test_the_pop3_tracer(site: Site, ca: LabCa) -> None:
    at = f"127.0.0.1:{site.port('pop3')}"
    with Pop3Tracer(at, ca=ca.certificate, server_name=NAME) as pop3:
        assert pop3.stls().ok
        assert pop3.login("user", PASSWORD).ok
        assert pop3.retr(1).message == MAIL["points"]
        assert pop3.top(1, 1).message == b"Subject: points\r\n\r\n.un\r\n"
        assert pop3.quit().ok


def test_the_managesieve_tracer(site: Site, ca: LabCa) -> None:
    at = f"127.0.0.1:{site.port('managesieve')}"
    with ManageSieveTracer(at, ca=ca.certificate, server_name=NAME) as sieve:
        assert sieve.starttls().ok
        assert sieve.authenticate("PLAIN", "user", PASSWORD).ok
        assert sieve.putscript("tri", 'require "fileinto";\nfileinto "Junk";\n').ok
        assert not sieve.putscript("faux", "garde;\n").ok
        assert sieve.setactive("tri").ok
        assert [(one.name, one.active) for one in sieve.listscripts().scripts] == [("tri", True)]
        assert sieve.logout().ok


# --- programs


def program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        if os.environ.get("MAILSIM_REQUIRE_CLIENTS") == "1":
            pytest.fail(f"MAILSIM_REQUIRE_CLIENTS=1, but {name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str, said: str = "", **environment: str) -> str:
    done = subprocess.run(
        command, input=said, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PATH": _PATH, **environment},
    )  # fmt: skip
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize(("scheme", "service"), [("pop3", "pop3"), ("pop3s", "pop3s")])
def test_curl(site: Site, ca: LabCa, scheme: str, service: str) -> None:
    said = run(
        *(
            program("curl"),
            "--silent",
            "--show-error",
            "--ssl-reqd",
            "--cacert",
            str(ca.certificate),
        ),
        *("--resolve", f"{NAME}:{site.port(service)}:127.0.0.1", "--user", f"user:{PASSWORD}"),
        f"{scheme}://{NAME}:{site.port(service)}/1",
    )
    assert said.replace("\r\n", "\n") == MAIL["points"].decode().replace("\r\n", "\n")


def test_fetchmail(site: Site, ca: LabCa, tmp_path: Path) -> None:
    settings = tmp_path / "fetchmailrc"
    settings.write_text(
        f"poll 127.0.0.1 protocol POP3 service {site.port('pop3')} auth password"
        f" user 'user' password '{PASSWORD}' sslproto 'TLS1.2+' sslcertck"
        f" sslcertfile '{ca.certificate}' sslcommonname '{NAME}' mda 'cat >> {tmp_path}/mbox'\n"
    )
    settings.chmod(0o700)
    run(program("fetchmail"), "--fetchmailrc", str(settings), HOME=str(tmp_path))
    assert b".un" in (tmp_path / "mbox").read_bytes()
    assert left(site) == []


def test_sieve_connect(site: Site, ca: LabCa, tmp_path: Path) -> None:
    script = tmp_path / "tri"
    script.write_text("keep;\n")
    run(
        *(
            program("sieve-connect"),
            "--server",
            "127.0.0.1",
            "--port",
            str(site.port("managesieve")),
        ),
        *("--tlscafile", str(ca.certificate), "--user", "user", "--noclearauth"),
        *("--passwordfd", "0", "--localsieve", str(script), "--remotesieve", "tri", "--upload"),
        said=PASSWORD,
    )
    found = site.lab.call(lambda world: world.store.script("user", "tri"))
    assert found == b"keep;\n"


def test_many_at_once(site: Site) -> None:
    ports = [site.port("pop3"), site.port("managesieve")] * 50
    connections = [socket.create_connection(("127.0.0.1", port)) for port in ports]
    for one in connections:
        one.settimeout(20)
        assert b"Dovecot (Ubuntu) ready." in one.recv(65_536)
    for one in connections:
        one.close()
