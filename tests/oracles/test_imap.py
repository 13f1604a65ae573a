from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any

import imapclient
import pytest
from imapclient.datetime_util import parse_to_datetime

from mailsim import knowledge
from mailsim.dialogue.explain import explain
from mailsim.tracers.imap import ImapTracer
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.responses import Exists, Expunge, Fetch, Id, Namespace
from mailsim.wire.imap.structure import Address, Body, Envelope, Multipart, Params, Part
from tests.oracles.conftest import NAME, PASSWORD, Servers, unexplained

pytestmark = pytest.mark.oracle


# --- The session ---------------------------------------------------------------------------------


def known(imap: ImapTracer) -> None:
    assert imap.capabilities
    for name in imap.capabilities:
        family = name.partition("=")[0]
        found = [knowledge.find("imap.capability", word) for word in (name, f"{family}=")]
        assert any(found), name
        if family == "AUTH":
            assert knowledge.find("sasl.mechanism", name.removeprefix("AUTH=")), name


def test_capabilities(servers: Servers, box: str) -> None:
    with servers.imap() as imap:
        assert {"IMAP4REV1", "STARTTLS", "AUTH=SCRAM-SHA-256"} <= set(imap.capabilities)
        assert set(imap.capabilities) == set(told(imap))
        known(imap)
        assert imap.login(box, PASSWORD).ok
        assert {"UIDPLUS", "MOVE", "CONDSTORE", "ESEARCH"} <= set(imap.capabilities)
        assert set(imap.capabilities) == set(told(imap))
        known(imap)
        assert imap.logout().ok
        assert unexplained(imap.dialogue) == []


def told(imap: ImapTracer) -> tuple[str, ...]:
    assert imap.capability().ok
    return imap.capabilities


def test_starttls(servers: Servers, box: str) -> None:
    with servers.imap() as imap:
        assert imap.starttls().ok
        assert imap.tls is not None
        assert imap.tls.names == (NAME,)
        assert imap.capabilities == ()
        assert "STARTTLS" not in told(imap)
        assert imap.authenticate(None, box, PASSWORD).ok
        assert imap.logout().ok
        assert imap.ended
        assert unexplained(imap.dialogue) == []


def test_implicit_tls(servers: Servers, box: str) -> None:
    with servers.imap("imaps") as imap:
        assert imap.login(box, PASSWORD).ok
        assert all(line.secure for line in imap.dialogue.lines())


@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
)
@pytest.mark.parametrize("initial", [None, False])
def test_authenticate(servers: Servers, box: str, mechanism: str, *, initial: bool | None) -> None:
    with servers.imap() as imap:
        assert imap.authenticate(mechanism, box, PASSWORD, initial=initial).ok
        assert imap.select().ok
        assert unexplained(imap.dialogue) == []


def test_a_wrong_password(servers: Servers, box: str) -> None:
    with servers.imap() as imap:
        step = imap.login(box, "faux")
        assert (step.condition, step.code and step.code.name) == ("NO", "AUTHENTICATIONFAILED")
        assert not imap.authenticate("SCRAM-SHA-256", box, "faux").ok
        assert imap.login(box, PASSWORD).ok


@pytest.mark.parametrize(
    ("line", "condition", "name"),
    [
        ("BONJOUR", "BAD", "imap-unknown-command"),
        ("SELECT absente", "NO", "mailbox-does-not-exist"),
        ("DELETE INBOX", "NO", "inbox-cannot-be-deleted"),
        ("FETCH 1 FLAGS", "BAD", "no-mailbox-selected"),
        ("SELECT", "BAD", "imap-invalid-arguments"),
        ("APPEND Junk {0+}\r\n", "NO", "zero-byte"),
    ],
)
def test_a_refusal_is_explained_by_its_wording(
    servers: Servers, box: str, line: str, condition: str, name: str
) -> None:
    with servers.imap() as imap:
        imap.login(box, PASSWORD)
        step = imap.send_raw(f"x1 {line}\r\n")
        assert step.condition == condition
        assert f"wording.dovecot.{name}" in explain(imap.dialogue)[-1].rows[-1].ids


# --- Mailboxes and messages ----------------------------------------------------------------------


@pytest.fixture
def imap(servers: Servers, box: str) -> Iterator[ImapTracer]:
    """Two messages in INBOX, selected."""
    servers.deliver(box, b"Subject: un\r\n\r\nun\r\n", b"Subject: deux\r\n\r\ndeux\r\n")
    with servers.imap() as tracer:
        tracer.login(box, PASSWORD)
        assert tracer.select().ok
        yield tracer
        assert tracer.logout().ok
        assert unexplained(tracer.dialogue) == []


def test_select(imap: ImapTracer) -> None:
    selected = imap.selected
    assert selected is not None
    assert (selected.exists, selected.uidnext, selected.read_only) == (2, 3, False)
    assert "\\Seen" in selected.flags
    assert "\\*" in (selected.permanent_flags or ())
    assert imap.examine().ok
    assert imap.selected is not None
    assert imap.selected.read_only
    assert imap.unselect().ok
    assert imap.selected is None


def test_mailboxes(imap: ImapTracer) -> None:
    assert imap.create("Envoyés").ok
    assert imap.subscribe("Envoyés").ok
    found = {one.mailbox: one for one in imap.list().mailboxes}
    assert set(found) == {"INBOX", "Trash", "Junk", "Envoyés"}
    assert found["Trash"].delimiter == "/"
    assert "\\Trash" in found["Trash"].flags
    assert {one.mailbox for one in imap.lsub().mailboxes} == {"Trash", "Junk", "Envoyés"}
    assert imap.copy("1:2", "Envoyés").ok
    status = imap.status("Envoyés").data[0]
    assert getattr(status, "mailbox", None) == "Envoyés"
    assert dict(getattr(status, "items", ()))["MESSAGES"] == 2
    assert imap.rename("Envoyés", "Archives/été").ok
    assert imap.delete("Archives/été").ok
    assert not imap.delete("Archives/été").ok
    assert imap.namespace().of(Namespace)[0].personal[0].delimiter == "/"
    assert dict(imap.id({"name": "mailsim"}).of(Id)[0].params or ())["name"] == "Dovecot"


def test_search(imap: ImapTracer) -> None:
    assert imap.search("ALL").numbers == (1, 2)
    assert imap.search('SUBJECT "deux"').numbers == (2,)
    assert imap.search('NOT (OR SUBJECT "deux" SUBJECT "é")').numbers == (1,)
    assert imap.uid_search("UNSEEN").numbers == (1, 2)
    step = imap.search("ALL", returns=("ALL", "COUNT"))
    assert str(step.found) == "1:2"
    assert imap.sort("REVERSE SUBJECT").numbers == (1, 2)
    assert imap.sort("SUBJECT").numbers == (2, 1)
    assert imap.thread().ok


def test_flags_and_expunge(imap: ImapTracer) -> None:
    step = imap.store(1, "+FLAGS", "\\Seen \\Deleted $Lu")
    assert set(flags(step.fetched[0])) >= {"\\Seen", "\\Deleted", "$Lu"}
    assert imap.store(1, "-FLAGS", "$Lu", silent=True).fetched == ()
    assert "$Lu" not in flags(imap.fetch(1).fetched[0])
    assert imap.expunge().of(Expunge) == (Expunge(1),)
    assert imap.selected is not None
    assert imap.selected.exists == 1
    assert imap.uid_fetch("1:*", "UID").fetched[0].get("UID") == 2


def flags(fetched: Fetch) -> tuple[str, ...]:
    value = fetched.get("FLAGS")
    assert isinstance(value, tuple)
    return value


def test_move(imap: ImapTracer) -> None:
    step = imap.move(1, "Junk")
    assert step.ok
    assert step.of(Expunge) == (Expunge(1),)
    refused = imap.move(1, "absente")
    assert refused.code is not None
    assert refused.code.name == "TRYCREATE"
    assert imap.uid_move(2, "Junk").ok
    assert imap.selected is not None
    assert imap.selected.exists == 0
    assert imap.select("Junk").ok
    assert imap.search().numbers == (1, 2)


def test_append(imap: ImapTracer) -> None:
    message = "Subject: ajouté\n\n* BYE\na1 OK {3}\n"
    step = imap.append("INBOX", message, "\\Seen", "17-Jul-1996 02:44:25 -0700")
    assert step.code is not None
    assert step.code.name == "APPENDUID"
    [found] = imap.fetch(3, "(FLAGS INTERNALDATE BODY[])").fetched
    assert "\\Seen" in flags(found)
    date = found.get("INTERNALDATE")
    assert isinstance(date, DateTime)
    assert aware(date) == aware(DateTime.parse("17-Jul-1996 02:44:25 -0700"))
    assert found.get("BODY[]") == message.replace("\n", "\r\n").encode()


def test_parts_of_messages(imap: ImapTracer) -> None:
    [found] = imap.fetch(
        1, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT]<1.2> BINARY.SIZE[1])"
    ).fetched
    assert found.get("BODY[HEADER.FIELDS (SUBJECT)]") == b"Subject: un\r\n\r\n"
    assert found.get("BODY[TEXT]<1>") == b"n\r"
    assert found.get("BINARY.SIZE[1]") == 4
    assert "\\Seen" not in flags(imap.fetch(1).fetched[0])


def test_idle_is_woken_by_a_delivery(servers: Servers, box: str) -> None:
    with servers.imap() as imap:
        imap.login(box, PASSWORD)
        imap.select()
        assert imap.idle().ok
        with servers.smtp() as smtp:
            smtp.ehlo("poste.minfo.sn")
            smtp.mail("user@minfo.sn")
            smtp.rcpt(f"{box}@minfo.sn")
            assert smtp.data("Subject: debout\n\nx\n").ok
        heard = imap.poll(30)
        assert heard.of(Exists) == (Exists(1),)
        assert heard.exchange.sent == ()
        assert imap.done().ok
        assert imap.fetch(1, "BODY.PEEK[TEXT]").fetched[0].get("BODY[TEXT]") == b"x\r\n"
        assert unexplained(imap.dialogue) == []


def test_condstore(imap: ImapTracer) -> None:
    assert imap.unselect().ok
    assert imap.enable("CONDSTORE").ok
    assert imap.select().ok
    assert imap.selected is not None
    before = imap.selected.highestmodseq
    assert isinstance(before, int)
    changed = imap.store(2, "+FLAGS", "\\Flagged").fetched[0].get("MODSEQ")
    assert isinstance(changed, int)
    assert changed > before


# --- The same values as IMAPClient ---------------------------------------------------------------


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
        assert set(map(octets, flags(mine))) - {b"\\Recent"} == set(other[b"FLAGS"]) - {b"\\Recent"}
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
