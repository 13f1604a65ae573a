"""IMAPClient and our tracer read one mailbox of a real Dovecot, and their values agree."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any

import imapclient
import pytest
from imapclient.datetime_util import parse_to_datetime

from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.responses import Fetch
from mailsim.wire.imap.structure import Address, Body, Envelope, Multipart, Params, Part
from tests.oracles.conftest import PASSWORD, Servers, unexplained

pytestmark = pytest.mark.oracle


def mixed() -> bytes:
    """Alternatives, an attachment whose name is not ASCII, a message in the message."""
    inner = EmailMessage()
    inner["Subject"] = "Réponse"
    inner["From"] = "Cheikh <cheikh@minfo.sn>"
    inner["Date"] = "Fri, 1 Jan 2010 10:00:00 +0000"
    inner.set_content("dedans\n")
    inner.add_alternative("<p>dedans</p>\n", subtype="html")
    outer = EmailMessage()
    outer["Date"] = "Wed, 17 Jul 1996 02:23:25 -0700"
    outer["Subject"] = "Devoir rendu à temps"
    outer["From"] = '"Usager, Un" <user@minfo.sn>'
    outer["Sender"] = "autre_user@minfo.sn"
    outer["Reply-To"] = "cheikh@minfo.sn"
    outer["To"] = "mactar@minfo.sn, Étudiant <etudiant@miage.sn>"
    outer["Cc"] = "secretaire@ugb.sn"
    outer["Message-ID"] = "<un@minfo.sn>"
    outer["In-Reply-To"] = "<zero@minfo.sn>"
    outer.set_content("bonjour\nà tous\n")
    outer.add_alternative("<p>bonjour</p>\n", subtype="html")
    outer.add_attachment(b"%PDF\0\xff", "application", "pdf", filename="relevé.pdf")
    outer.add_attachment(inner)
    return outer.as_bytes().replace(b"\n", b"\r\n")


MESSAGES = [
    b"Subject: \r\n\r\n",
    b'Subject: "guillemets" et \\barre\r\nFrom: a@b.sn\r\n\r\nx\r\n',
    "Subject: brut é\r\nFrom: Aïssatou <a@minfo.sn>\r\n\r\nété\r\n".encode(),
    b"Subject: latin \xe9\r\nFrom: \xe9 <a@minfo.sn>\r\n\r\n\xe9t\xe9\r\n",
    b"To: amis: a@minfo.sn, B <b@minfo.sn>;, c@minfo.sn\r\nCc: personne:;\r\nDate: jamais\r\n\r\n",
    (
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n"
        b"Content-Language: fr, en\r\nContent-Location: http://minfo.sn/x\r\n"
        b"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-ID: <p1@minfo.sn>\r\n"
        b'Content-Description: une "description"\r\n'
        b'Content-Disposition: inline; filename="a b.txt"; size=3\r\n\r\nx\r\n'
    ),
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n",
    b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: d\r\n\r\nx\r\n--b--\r\n",
    (
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="a b"\r\n'
        b"Content-Language: fr\r\n\r\n--a b\r\n\r\ntexte\r\n--a b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n--a b--\r\n"
    ),
    b"Subject: long\r\n\r\n" + b"0123456789\r\n" * 20_000,
    mixed(),
]
ITEMS = "(FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[])"


def octets(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def aware(value: DateTime) -> datetime:
    zone = timezone(timedelta(minutes=value.zone))
    return datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, tzinfo=zone
    )


def people(addresses: tuple[Address, ...]) -> Any:
    rows = [(one.name, one.route, one.mailbox, one.host) for one in addresses]
    return tuple(tuple(map(octets, row)) for row in rows) or None


def as_sent(value: Envelope) -> tuple[Any, ...]:
    lists = (value.sent_from, value.sender, value.reply_to, value.to, value.cc, value.bcc)
    ends = (octets(value.in_reply_to), octets(value.message_id))
    return (octets(value.date), octets(value.subject), *map(people, lists), *ends)


def pairs(params: Params | None) -> Any:
    return tuple(octets(word) for pair in params or () for word in pair) or None


def extension(part: Part | Multipart) -> tuple[Any, ...]:
    value = part.extension
    shown = value.disposition and (octets(value.disposition.kind), pairs(value.disposition.params))
    language = value.language
    words = tuple(map(octets, language)) if isinstance(language, tuple) else octets(language)
    return (shown, words, octets(value.location))[: value.given]


def tree(value: Body) -> tuple[Any, ...]:
    """A body structure as nested tuples, in the order in which it travels."""
    if isinstance(value, Multipart):
        given = (pairs(value.params),) if value.params is not None else ()
        return (*map(tree, value.parts), octets(value.subtype), *given, *extension(value))
    texts = (octets(value.id), octets(value.description), octets(value.encoding))
    inner = (as_sent(value.envelope),) if value.envelope else ()
    body = (tree(value.body),) if value.body else ()
    lines = () if value.lines is None else (value.lines,)
    md5 = (octets(value.md5),) if value.extended else ()
    start = (octets(value.type), octets(value.subtype), pairs(value.params), *texts, value.size)
    return (*start, *inner, *body, *lines, *md5, *extension(value))


def unlisted(value: Any) -> Any:
    """IMAPClient's body structure, its lists of parts undone."""
    if isinstance(value[0], list):
        return (*map(unlisted, value[0]), *value[1:])
    return tuple(value)


@pytest.fixture
def both(servers: Servers, box: str) -> tuple[list[Fetch], list[dict[bytes, Any]]]:
    """What the tracer and IMAPClient read of the same messages."""
    with servers.imap() as imap:
        imap.login(box, PASSWORD)
        for message in MESSAGES:
            assert imap.append("INBOX", message).ok
        imap.select()
        ours = list(imap.fetch("1:*", ITEMS).fetched)
        assert unexplained(imap.dialogue) == []
    with imapclient.IMAPClient(
        servers.address, servers.ports["imap"], ssl=False, timeout=30
    ) as client:
        client.normalise_times = False
        client.login(box, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        theirs = client.fetch(client.search("ALL"), ITEMS.strip("()").split())
    return ours, [theirs[uid] for uid in sorted(theirs)]


def test_the_same_values_as_imapclient(both: tuple[list[Fetch], list[dict[bytes, Any]]]) -> None:
    ours, theirs = both
    assert len(ours) == len(theirs) == len(MESSAGES)
    for mine, other, message in zip(ours, theirs, MESSAGES, strict=True):
        assert mine.get("BODY[]") == other[b"BODY[]"] == message
        assert mine.get("RFC822.SIZE") == other[b"RFC822.SIZE"] == len(message)
        flags = mine.get("FLAGS")
        assert isinstance(flags, tuple)
        # The first to select a mailbox sees \Recent, the second does not.
        assert set(map(octets, flags)) - {b"\\Recent"} == set(other[b"FLAGS"])
        date = mine.get("INTERNALDATE")
        assert isinstance(date, DateTime)
        assert aware(date) == other[b"INTERNALDATE"]
        same_envelope(mine.get("ENVELOPE"), other[b"ENVELOPE"])
        for item in ("BODY", "BODYSTRUCTURE"):
            body = mine.get(item)
            assert isinstance(body, (Part, Multipart))
            assert tree(body) == unlisted(other[item.encode()])


def same_envelope(mine: object, other: Any) -> None:
    assert isinstance(mine, Envelope)
    date, *rest = as_sent(mine)
    lists = (other.from_, other.sender, other.reply_to, other.to, other.cc, other.bcc)
    theirs = [one and tuple(map(astuple, one)) for one in lists]
    assert rest == [other.subject, *theirs, other.in_reply_to, other.message_id]
    try:
        read = parse_to_datetime(date, normalise=False) if date else None
    except ValueError:
        read = None
    assert read == other.date


def test_the_same_mailboxes_as_imapclient(servers: Servers, box: str) -> None:
    with servers.imap() as imap:
        imap.login(box, PASSWORD)
        for name in ("Envoyés", "a&b", "台北", 'des "guillemets"', "a\\b", "été/août"):
            assert imap.create(name).ok, name
        ours = [
            (tuple(map(octets, one.flags)), octets(one.delimiter), one.mailbox)
            for one in imap.list().mailboxes
        ]
    with imapclient.IMAPClient(
        servers.address, servers.ports["imap"], ssl=False, timeout=30
    ) as client:
        client.login(box, PASSWORD)
        assert sorted(ours) == sorted(client.list_folders())
        status = client.folder_status("Envoyés", ["MESSAGES", "UIDNEXT"])
    with servers.imap() as imap:
        imap.login(box, PASSWORD)
        [mine] = imap.status("Envoyés", "MESSAGES", "UIDNEXT").data
        assert {octets(k): v for k, v in getattr(mine, "items", ())} == status
