from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailsim import knowledge
from mailsim.dialogue.explain import explain
from mailsim.tracers.imap import ImapTracer
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.responses import Exists, Expunge, Fetch, Id, Namespace
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
    assert found.get("INTERNALDATE") == DateTime(1996, 7, 17, 9, 44, 25, 0)
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
