"""Messages that were made to break a server: taken, filtered, read, within bounds of memory."""

from __future__ import annotations

import io
import zipfile
from base64 import encodebytes
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.load.load_connections import memory
from tests.load.watched import MOST, Watched, Wire

if TYPE_CHECKING:
    from tests.conftest import StartUp

HEAD = (
    b"From: autre_user@minfo.sn\r\nTo: user@minfo.sn\r\nSubject: essai\r\n"
    b"Date: Mon, 21 Jun 2010 08:00:00 +0000\r\nMIME-Version: 1.0\r\nMessage-ID: <%d@load>\r\n"
)
CODED = b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n"
BINARY = CODED % (b"application/octet-stream", b"base64")
ITEMS = (
    b"ENVELOPE", b"BODYSTRUCTURE", b"BODY.PEEK[HEADER.FIELDS (CC SUBJECT)]", b"BODY.PEEK[]",
    b"BINARY.PEEK[1]", b"PREVIEW",
)  # fmt: skip


@pytest.fixture
def lab(up: StartUp, tmp_path: Path) -> Iterator[Watched]:
    """The complete system, with all filters; its mail is in a folder."""
    made = Watched(up("--folder", str(tmp_path / "mail")))
    made.deliver("mactar", HEAD % 0 + b"\r\nessai\r\n")
    yield made
    made.close()


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b", "c"):
            archive.writestr(name, data)
    return buffer.getvalue()


def nested_zips() -> bytes:
    """Five levels, and hundreds of megabytes."""
    data = bytes(3_000_000)
    for _ in range(5):
        data = zipped(data)
    return data


def lines(data: bytes) -> bytes:
    return encodebytes(data).replace(b"\n", b"\r\n")


def addresses() -> bytes:
    return b"Cc: " + b",\r\n ".join(b'"u%d" <u%d@x.sn>' % (one, one) for one in range(200_000))


def zips() -> bytes:
    part = b"--b\r\n" + CODED % (b"application/zip", b"base64") + lines(zipped(bytes(30_000_000)))
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 10 + b"--b--"


BOMBS: dict[str, Callable[[], bytes]] = {
    "100,000 fields": lambda: b"".join(b"X-%d: y\r\n" % one for one in range(100_000)),
    "a field of 9 MB": lambda: b"X-Long: y" + b"\r\n ".join([b"y" * 900] * 9_900),
    "a line of 9 MB": lambda: b"X-Long: " + b"y" * 9_000_000,
    "200,000 addresses": addresses,
    "200,000 groups": lambda: b"Cc: " + b"\r\n ".join([b"g:;," * 40] * 5_000),
    "groups on one line": lambda: b"Cc: " + b"g:;," * 200_000,
    "encoded words": lambda: b"Subject: " + b"\r\n ".join([b"=?utf-8?q?=41?="] * 200_000),
    "parameters": lambda: b"Content-Type: text/plain" + b";\r\n a=b" * 100_000,
    "base64 of short lines": lambda: BINARY + b"A=\r\n" * 2_300_000,
    "base64 of shorter lines": lambda: BINARY + b"A\r\n" * 3_000_000,
    "base64": lambda: CODED % (b"text/plain; charset=utf-16", b"base64") + lines(b"x" * 6_700_000),
    "soft line breaks": lambda: CODED % (b"text/plain", b"quoted-printable") + b"=41=\r\n" * 1_500_000,
    "zip in zip": lambda: CODED % (b"application/zip", b"base64") + lines(nested_zips()),
    "zips of 90 MB": zips,
    "messages in messages": lambda: b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "300,000 parts": lambda: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 300_000,
}  # fmt: skip
NUMBERS = count(1)


def looked_at(wire: Wire) -> None:
    """All of it is read and searched, and then removed."""
    wire.ask(b"a SELECT INBOX\r\n", b"a OK")
    for item in ITEMS:
        said = wire.ask(b"b FETCH * (%b)\r\n" % item, b"b ")
        assert said.startswith((b"b OK", b"b NO [PARSE]")), (item, said)
    for key in (b"TEXT aiguille", b"CC aiguille", b"SUBJECT aiguille"):
        assert wire.ask(b"c SEARCH " + key + b"\r\n", b"c ").startswith(b"c OK"), key
    wire.ask(b"d UID STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n", b"d OK")
    wire.ask(b"e EXPUNGE\r\n", b"e OK")


def test_messages_come_by_smtp(lab: Watched) -> None:
    """Each on its own, and what they leave behind all together."""
    before = memory(lab.pid)
    wire = lab.imap()
    for content in bombs(lab):
        with lab.bounded():
            lab.meanwhile(partial(delivered, lab, content))
            looked_at(wire)
    assert memory(lab.pid) - before <= MOST


def bombs(lab: Watched) -> Iterator[bytes]:
    """Each message, made when its turn comes."""
    for name, make in BOMBS.items():
        content = HEAD % next(NUMBERS) + make() + b"\r\n\r\nx"
        print(name, len(content) >> 10, "KB", memory(lab.pid), "MB")  # noqa: T201 - the figures are for who runs it
        yield content


def delivered(lab: Watched, content: bytes) -> None:
    assert lab.send(content).startswith(b"250 ")
    lab.rest()


def test_messages_come_by_append(lab: Watched) -> None:
    """As they are, with no limit of a header."""
    before = memory(lab.pid)
    wire = lab.imap()
    for content in bombs(lab):
        with lab.bounded():
            lab.meanwhile(partial(appended, wire, content))
    assert memory(lab.pid) - before <= MOST


def appended(wire: Wire, content: bytes) -> None:
    wire.ask(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(content), content), b"a OK")
    looked_at(wire)
