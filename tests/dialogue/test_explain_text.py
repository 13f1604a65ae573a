from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.dialogue.explain import explain_text
from mailsim.errors import UsageError
from mailsim.knowledge import table

REFUSAL = (
    "550 5.1.1 <x@minfo.sn>: Recipient address rejected: User unknown in local recipient table"
)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_reply_gives_class_subject_detail_cause_setting_action_and_references(lang: str) -> None:
    explained = explain_text(REFUSAL)
    (meaning,) = explained.meanings
    assert meaning.class_ is not None
    assert meaning.subject is not None
    assert meaning.detail is not None
    assert (meaning.class_.id, meaning.subject.id, meaning.detail.id) == (
        "enhanced.class.5",
        "enhanced.subject.1",
        "enhanced.code.X.1.1",
    )
    document = explained.to_json(lang)
    (one,) = document["meanings"]
    assert document["mailsim-explain"] == 1
    assert document["lang"] == lang
    assert one["setting"] == "local_recipient_maps"
    assert one["restriction"] == "reject_unlisted_recipient"
    assert one["values"] == {"recipient": "x@minfo.sn"}
    assert all(one[key] for key in ("short", "long", "cause", "action", "example"))
    assert {ref["rfc"] for ref in one["refs"]} >= {3463, 5321}
    assert json.loads(json.dumps(document)) == document


KEYS = (
    *("id", "ids", "protocol", "kind", "name", "class", "subject", "detail", "short", "long"),
    *("cause", "action", "server", "setting", "restriction", "values", "refs", "example"),
)


def whole(text: str, lang: str) -> dict[str, Any]:
    """The first meaning of `text` as JSON, all that a code owes said in it."""
    document = explain_text(text).to_json(lang)
    first: dict[str, Any] = document["meanings"][0]
    assert tuple(first) == KEYS
    owed = ("class", "subject", "short", "long", "cause", "action", "refs", "example")
    assert [key for key in owed if not first[key]] == []
    assert all(set(ref) == {"rfc", "section", "heading", "quote"} for ref in first["refs"])
    return first


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_code_of_the_annex_is_explained_whole(lang: str) -> None:
    annex = [one.name for one in table("smtp.reply") if one.data["annex"]]
    assert len(annex) == 21
    for code in annex:
        told = whole(code, lang)
        assert told["id"] == f"smtp.reply.{code}"
        assert told["class"]["name"] == code[0]
        assert told["subject"]["name"] == code[1]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_registered_enhanced_code_is_explained_whole(lang: str) -> None:
    for entry in table("enhanced.code"):
        for class_ in entry.data["classes"]:
            told = whole(f"{class_}{entry.name[1:]}", lang)
            assert told["id"] == told["detail"]["id"] == entry.id
            assert told["class"]["name"] == str(class_)
            assert told["subject"]["name"] == entry.name.split(".")[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550", ["smtp.reply.550"]),
        ("334", ["smtp.reply.334"]),
        ("250 STARTTLS", ["smtp.extension.STARTTLS"]),
        ("220 mail.minfo.sn ESMTP Postfix", ["smtp.line.GREETING"]),
        ("5.7.1", ["enhanced.code.X.7.1"]),
        ("x.7.1", ["enhanced.code.X.7.1"]),
        ("5.7.1 <a@b>: Relay access denied", ["wording.postfix.relay-denied"]),
        ("S: 454 4.7.1 <a@b>: Relay access denied", ["wording.postfix.relay-denied"]),
        ("Relay access denied", ["wording.postfix.relay-denied"]),
        ("reject_unauth_destination", ["wording.postfix.relay-denied"]),
        ("587", ["port.tcp.587"]),
        ("port 25", ["port.tcp.25"]),
        ("53/udp", ["port.udp.53"]),
        ("NXDOMAIN", ["dns.rcode.NXDOMAIN"]),
        ("mx", ["dns.type.MX"]),
        ("F6", ["thesis.fault.F6"]),
        ("Subject: hello", ["message.header.Subject"]),
        ("MAIL FROM:<a@b> SIZE=4", ["smtp.command.MAIL"]),
        ("UID FETCH 1 FLAGS", ["imap.command.UID FETCH"]),
        ("a1 SELECT INBOX", ["imap.command.SELECT"]),
        ("a STATUS INBOX (MESSAGES)", ["imap.command.STATUS"]),
        ("a1 NO [OVERQUOTA] Quota exceeded", ["imap.code.OVERQUOTA"]),
        ("NO [OVERQUOTA] Quota exceeded", ["imap.code.OVERQUOTA"]),
        ('NO (QUOTA/MAXSIZE) "no"', ["managesieve.code.QUOTA/MAXSIZE"]),
        ("* OK [UIDNEXT 5]", ["imap.code.UIDNEXT"]),
        ("[UIDNEXT 5]", ["imap.code.UIDNEXT"]),
        ("* 5 EXISTS", ["imap.response.EXISTS"]),
        ("\\Seen", ["imap.flag.\\Seen"]),
        ("-ERR [IN-USE] no", ["pop3.code.IN-USE"]),
        ("SCRAM-SHA-256", ["sasl.mechanism.SCRAM-SHA-256"]),
        ("+", ["pop3.line.SASL-CHALLENGE", "imap.line.CONTINUATION"]),
    ],
)
def test_what_a_person_types_is_found(text: str, expected: list[str]) -> None:
    found = [one.entry.id for one in explain_text(text).meanings]
    assert found[: len(expected)] == expected


def test_every_code_of_the_tables_is_found_by_its_name() -> None:
    for table_id in ("smtp.reply", "enhanced.code", "smtp.command", "imap.code", "pop3.code"):
        for entry in table(table_id):
            found = [one.entry.id for one in explain_text(entry.name).meanings]
            assert entry.id in found, entry.id


def test_a_word_of_several_protocols_has_a_meaning_in_each_and_can_be_narrowed() -> None:
    found = {one.entry.id for one in explain_text("STARTTLS").meanings}
    assert {
        "smtp.command.STARTTLS",
        "imap.command.STARTTLS",
        "managesieve.command.STARTTLS",
    } <= found
    narrowed = explain_text("STARTTLS", protocol="SMTP").meanings
    assert {one.protocol for one in narrowed} == {"smtp"}
    assert {one.entry.id for one in explain_text("LIST", protocol="pop3").meanings} == {
        "pop3.command.LIST"
    }


@pytest.mark.parametrize(
    ("text", "protocol", "message_id", "shown"),
    [
        ("", None, "dialogue.explain-empty", "550"),
        (" \n ", None, "dialogue.explain-empty", "550"),
        ("STARTTSL", None, "dialogue.explain-near", "STARTTLS"),
        ("reject_unauth_destinatio", None, "dialogue.explain-near", "reject_unauth_destination"),
        ("bonjour tout le monde", None, "dialogue.explain-unknown", "bonjour"),
        ("550", "gopher", "dialogue.explain-protocol", "managesieve"),
        ("UIDVALIDITY", "smtp", "dialogue.explain-unknown", "UIDVALIDITY"),
    ],
)
def test_what_is_not_known_is_refused_in_one_sentence(
    text: str, protocol: str | None, message_id: str, shown: str
) -> None:
    with pytest.raises(UsageError) as caught:
        explain_text(text, protocol)
    assert caught.value.message_id == message_id
    for lang in ("en", "fr"):
        assert shown in caught.value.worded(lang)
        assert "\n" not in caught.value.worded(lang)


@pytest.mark.fuzz
@given(st.text() | st.text(st.sampled_from('25.501XOKNO*+ []()a1-ERport{}"\\')))
def test_any_text_is_explained_or_refused(text: str) -> None:
    try:
        explained = explain_text(text)
    except UsageError:
        return
    assert explained.meanings
    assert all(one.short("fr") for one in explained.meanings)


def test_explaining_imports_neither_rich_nor_dnspython() -> None:
    code = "import sys, mailsim.dialogue.explain; print(*sorted({x.partition('.')[0] for x in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rich", "dns", "typer", "difflib", "ssl", "socket"} & set(done.stdout.split())


REJECTED = (
    "NOQUEUE: reject: RCPT from unknown[192.168.66.66]: 554 5.7.1 <x@ugb.sn>: "
    "Relay access denied; from=<a@b.sn> to=<x@ugb.sn> proto=ESMTP helo=<x>"
)
BOUNCED = (
    "status=bounced (host mx.ugb.sn[192.168.20.1] said: 550-5.1.1 <x@ugb.sn>: Recipient "
    "address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command))"
)


@pytest.mark.parametrize(
    ("logged", "entry"),
    [
        (REJECTED, "wording.postfix.relay-denied"),
        (BOUNCED, "wording.postfix.user-unknown-virtual-mailbox"),
        ("to=<x@ugb.sn>, relay=none, delay=0.1, dsn=5.1.1, status=bounced", "enhanced.code.X.1.1"),
    ],
)
def test_what_a_log_quotes_is_explained(logged: str, entry: str) -> None:
    assert explain_text(logged).meanings[0].entry.id == entry
