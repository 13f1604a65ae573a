"""Ordinary programs send and ask, as students' own do; each message is looked for where it must be."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import smtplib
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from pathlib import Path

import aiosmtplib
import pytest

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.net.tls import client_context
from mailsim.servers.embedded import Embedded
from mailsim.servers.world import World

HELO = "poste.minfo.sn"
SENDER = "cheikh@minfo.sn"
USER = "user@minfo.sn"
PASSWORD = "minfo"
STRANGER = "quelquun@kelkpart.com"
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


class Site:
    """A lab that ordinary clients reach."""

    def __init__(self, folder: Path) -> None:
        self.ca = LabCa.load(folder, network())
        self.servers = Embedded(
            network(),
            stage=Stage.SIEVE,
            release=Release.NOBLE,
            seed="clients",
            fixed=False,
            ca=self.ca,
        )
        self.servers.start()

    def where(self, service: str) -> tuple[str, str]:
        host, port = self.servers.endpoints[service]
        return host, str(port)

    def arrived(self, subject: str) -> list[bytes]:
        """The messages of that subject in the user's INBOX, once all is delivered."""

        async def look(world: World) -> list[bytes]:
            await world.queue.idle()
            found = [one.content for one in world.store.messages("user")]
            return [one for one in found if f"Subject: {subject}".encode() in one]

        return self.servers.call(look, 60)

    def accepted(self) -> int:
        """How many messages the user has, whatever their subjects."""

        async def count(world: World) -> int:
            await world.queue.idle()
            return len(world.store.messages("user"))

        return self.servers.call(count, 60)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("ca"))
    yield made
    made.servers.stop()


@pytest.fixture(scope="module")
def verified(site: Site) -> str:
    """What a client trusts: the lab's authority."""
    return str(site.ca.certificate)


def program(name: str) -> str:
    """The program's path; its test is skipped where it lacks."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        if os.environ.get("MAILSIM_REQUIRE_ORACLES"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"no {name} here")
    return found


def run(*command: str, said: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the program with no settings of the user's own."""
    surroundings = {"PATH": _PATH, "HOME": "/nonexistent", "LC_ALL": "C"}
    return subprocess.run(
        command, input=said, capture_output=True, check=False, timeout=60, env=surroundings
    )


def ran(*command: str, said: bytes = b"") -> str:
    """What the program printed; it must have ended well."""
    done = run(*command, said=said)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return (done.stdout + done.stderr).decode(errors="replace")


def message(subject: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = SENDER, USER, subject
    made["Date"] = format_datetime(localtime())
    made["Message-ID"] = f"<{subject}@poste.minfo.sn>"
    made.set_content("Bonjour,\n.une ligne qui commence par un point\nAu revoir\n")
    return made


def text(subject: str) -> bytes:
    return message(subject).as_bytes().replace(b"\n", b"\r\n")


def delivered(site: Site, subject: str, *, secure: bool) -> None:
    """The one message is there, whole, and its Received field tells how it came."""
    (content,) = site.arrived(subject)
    assert b"\r\n.une ligne qui commence par un point\r\n" in content
    assert re.search(rb"\r\n\tby mail\.minfo\.sn \(Postfix\) with (\w+) id ", content)
    assert (b" with ESMTPSA id " in content) is secure


# SMTP in Python


def test_smtplib_on_25(site: Site) -> None:
    host, port = site.where("smtp")
    with smtplib.SMTP(host, int(port), HELO, timeout=30) as smtp:
        assert smtp.send_message(message("smtplib-25")) == {}
        refused = smtp.verify(STRANGER)
        assert refused[0] >= 400
    delivered(site, "smtplib-25", secure=False)


def test_smtplib_submits(site: Site, verified: str) -> None:
    host, port = site.where("submission")
    with smtplib.SMTP(host, int(port), timeout=30) as smtp:
        smtp.starttls(context=client_context(verified))
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            smtp.login("cheikh", "faux")
        assert caught.value.smtp_code == 535
        assert smtp.login("user", PASSWORD)[0] == 235
        assert smtp.sendmail(USER, [USER], text("smtplib-587")) == {}
    delivered(site, "smtplib-587", secure=True)


def test_smtplib_submits_over_tls(site: Site, verified: str) -> None:
    host, port = site.where("submissions")
    context = client_context(verified)
    with smtplib.SMTP_SSL(host, int(port), timeout=30, context=context) as smtp:
        smtp.login("user", PASSWORD)
        assert smtp.sendmail(USER, [USER], text("smtplib-465")) == {}
    delivered(site, "smtplib-465", secure=True)


async def _closed() -> None:
    """aiosmtplib comes back before its connections are closed: the loop must go on until then."""
    selector = getattr(asyncio.get_running_loop(), "_selector", None)
    # One of them is the loop’s own.
    while selector is not None and len(selector.get_map()) > 1:  # noqa: ASYNC110
        await asyncio.sleep(0)


@pytest.mark.parametrize("service", ["smtp", "submission", "submissions"])
def test_aiosmtplib(site: Site, verified: str, service: str) -> None:
    host, port = site.where(service)
    subject = f"aiosmtplib-{service}"
    secure = service != "smtp"

    async def send() -> tuple[dict[str, aiosmtplib.SMTPResponse], str]:
        sent = await aiosmtplib.send(
            text(subject),
            sender=USER,
            recipients=[USER],
            hostname=host,
            port=int(port),
            local_hostname=HELO,
            username="user" if secure else None,
            password=PASSWORD if secure else None,
            use_tls=service == "submissions",
            start_tls=service == "submission",
            tls_context=client_context(verified) if secure else None,
            timeout=30,
        )
        await _closed()
        return sent

    errors, answer = asyncio.run(send())
    assert errors == {}
    assert "queued as" in answer
    delivered(site, subject, secure=secure)


def test_aiosmtplib_on_many_connections(site: Site, verified: str) -> None:
    host, port = site.where("smtp")
    context = client_context(verified)

    async def one(number: int) -> None:
        subject = f"aiosmtplib-many-{number}"
        await aiosmtplib.send(
            text(subject),
            sender=SENDER,
            recipients=[USER],
            hostname=host,
            port=int(port),
            local_hostname=HELO,
            start_tls=True,
            tls_context=context,
        )

    async def all_at_once() -> None:
        await asyncio.gather(*(one(number) for number in range(20)))
        await _closed()

    asyncio.run(all_at_once())
    assert len(site.arrived("aiosmtplib-many-")) == 20


# programs


def test_swaks(site: Site) -> None:
    host, port = site.where("smtp")
    shown = ran(
        *(program("swaks"), "--server", host, "--port", port, "--helo", HELO),
        *("--from", SENDER, "--to", USER, "--data", "-"),
        said=text("swaks-25"),
    )
    assert re.search(r"<- +250 2\.0\.0 Ok: queued as ", shown)
    delivered(site, "swaks-25", secure=False)


def test_swaks_is_refused_the_relay(site: Site) -> None:
    host, port = site.where("smtp")
    before = site.accepted()
    done = run(
        *(program("swaks"), "--server", host, "--port", port, "--helo", HELO),
        *("--from", SENDER, "--to", STRANGER),
    )
    assert done.returncode != 0
    assert b"Relay access denied" in done.stdout
    assert site.accepted() == before


@pytest.mark.parametrize("service", ["submission", "submissions"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_submits(site: Site, verified: str, service: str, mechanism: str) -> None:
    host, port = site.where(service)
    subject = f"swaks-{service}-{mechanism}"
    shown = ran(
        *(program("swaks"), "--server", host, "--port", port, "--from", USER, "--to", USER),
        *("--tls" if service == "submission" else "--tls-on-connect", "--tls-verify"),
        *("--tls-ca-path", verified, "--data", "-"),
        *("--auth", mechanism, "--auth-user", "user", "--auth-password", PASSWORD),
        said=text(subject),
    )
    assert re.search(r"<~ +235 2\.7\.0 ", shown)
    delivered(site, subject, secure=True)


def curl(site: Site, service: str, *more: str, subject: str) -> subprocess.CompletedProcess[bytes]:
    host, port = site.where(service)
    scheme = "smtps" if service == "submissions" else "smtp"
    return run(
        *(program("curl"), "-q", "-sS", "--max-time", "30", f"{scheme}://{host}:{port}/{HELO}"),
        *("--mail-from", USER, "--mail-rcpt", USER, "--upload-file", "-", *more),
        said=text(subject),
    )


def test_curl(site: Site) -> None:
    done = curl(site, "smtp", subject="curl-25")
    assert done.returncode == 0, done.stderr
    delivered(site, "curl-25", secure=False)


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_curl_submits(site: Site, verified: str, service: str) -> None:
    secured = ("--ssl-reqd", "--user", f"user:{PASSWORD}")
    refused = curl(site, service, *secured, subject="curl-unverified")
    assert refused.returncode == 60, refused.stderr  # the peer's certificate is not verified
    done = curl(site, service, *secured, "--cacert", verified, subject=f"curl-{service}")
    assert done.returncode == 0, done.stderr
    delivered(site, f"curl-{service}", secure=True)
    assert site.arrived("curl-unverified") == []


def msmtp(site: Site, service: str, *more: str, subject: str) -> None:
    host, port = site.where(service)
    ran(
        *(program("msmtp"), "--file=/dev/null", f"--host={host}", f"--port={port}"),
        *("--timeout=30", f"--domain={HELO}", f"--from={USER}", *more, "--", USER),
        said=text(subject).replace(b"\r\n", b"\n"),
    )


def test_msmtp(site: Site) -> None:
    msmtp(site, "smtp", "--tls=off", "--auth=off", subject="msmtp-25")
    delivered(site, "msmtp-25", secure=False)


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_msmtp_submits(site: Site, verified: str, service: str) -> None:
    immediate = "off" if service == "submissions" else "on"
    secured = (
        *("--tls=on", f"--tls-starttls={immediate}", f"--tls-trust-file={verified}"),
        *("--auth=on", "--user=user", f"--passwordeval=echo {PASSWORD}"),
    )
    msmtp(site, service, *secured, subject=f"msmtp-{service}")
    delivered(site, f"msmtp-{service}", secure=True)


class Typed:
    """A person at `openssl s_client`: a line, its answer, the next."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def say(self, line: str, code: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        if line:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        answer = ""
        while not re.match(r"\d{3} ", answer):
            answer = self.process.stdout.readline().decode()
            assert answer, line
        assert answer.startswith(code), (line, answer)
        return answer

    def end(self) -> int:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        return self.process.wait(30)


@pytest.mark.parametrize("service", ["smtp", "submission", "submissions"])
def test_openssl(site: Site, verified: str, service: str) -> None:
    subject = f"openssl-{service}"
    # -quiet takes the meaning of commands from a first R or Q: RCPT and QUIT go to the server.
    typed = Typed(
        *(program("openssl"), "s_client", "-quiet", "-crlf", "-connect"),
        *(":".join(site.where(service)), "-CAfile", verified, "-verify_return_error"),
        *("-verify_hostname", "mail.minfo.sn"),
        *(() if service == "submissions" else ("-starttls", "smtp")),
    )
    if service == "submissions":
        typed.say("", "220")  # else s_client has kept the greeting to itself
    typed.say(f"EHLO {HELO}", "250")
    if service != "smtp":
        typed.say("AUTH PLAIN AHVzZXIAbWluZm8=", "235")  # NUL user NUL minfo
    typed.say(f"MAIL FROM:<{USER}>", "250")
    typed.say(f"RCPT TO:<{USER}>", "250")
    typed.say("DATA", "354")
    typed.say(text(subject).decode().replace("\r\n.", "\n..").replace("\r\n", "\n") + ".", "250")
    typed.say("QUIT", "221")
    assert typed.end() == 0
    (content,) = site.arrived(subject)
    assert b"(using TLSv1.3 with cipher TLS_" in content


def test_smtp_source(site: Site) -> None:
    host, port = site.where("smtp")
    before = site.accepted()
    ran(
        *(program("smtp-source"), "-4", "-s", "4", "-m", "20", "-l", "5000"),
        *("-M", HELO, "-f", SENDER, "-t", USER, f"inet:{host}:{port}"),
    )
    assert site.accepted() == before + 20


# the name server


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_dig(site: Site, transport: str) -> None:
    host, port = site.where("dns")

    def dig(*question: str) -> str:
        return ran(program("dig"), f"@{host}", "-p", port, transport, "+tries=1", *question)

    assert dig("+short", "minfo.sn", "MX").split() == ["10", "mail.minfo.sn."]
    assert dig("+short", "mail.minfo.sn", "A").split() == ["192.168.10.1"]
    assert dig("+short", "-x", "192.168.10.1").split() == ["mail.minfo.sn."]
    assert "status: NXDOMAIN" in dig("kelkpart.com", "MX")
    whole = dig("minfo.sn", "SOA")
    assert "status: NOERROR" in whole
    assert "WARNING" not in whole.replace("WARNING: recursion requested", "")


def test_nslookup(site: Site) -> None:
    host, port = site.where("dns")
    asked = program("nslookup")
    shown = ran(asked, f"-port={port}", "-type=MX", "minfo.sn", host)
    assert re.search(r"minfo\.sn\s+mail exchanger = 10 mail\.minfo\.sn\.", shown)
    shown = ran(asked, f"-port={port}", "mail.minfo.sn", host)
    assert "Address: 192.168.10.1" in shown
    done = run(asked, f"-port={port}", "kelkpart.com", host)
    assert b"NXDOMAIN" in done.stdout
