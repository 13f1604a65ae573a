from __future__ import annotations

import pytest

from mailsim import knowledge
from mailsim.dialogue.explain import explain
from mailsim.errors import TlsError
from mailsim.tracers.managesieve import ManageSieveTracer
from tests.oracles.conftest import NAME, PASSWORD, Servers, first_id, unexplained

pytestmark = pytest.mark.oracle

VACATION = 'require ["vacation"];\nvacation "Absent jusqu\'à lundi.";\n'


def known(sieve: ManageSieveTracer) -> None:
    assert sieve.capabilities
    for name, value in sieve.capabilities.items():
        assert knowledge.find("managesieve.capability", name), name
        table = {"SASL": "sasl.mechanism", "SIEVE": "sieve.extension"}.get(name)
        for word in (value or "").split() if table else ():
            assert knowledge.find(table or "", word), word


def test_starttls_and_the_capabilities_told_again(servers: Servers, box: str) -> None:
    with servers.sieve() as sieve:
        assert sieve.greeting.ok
        assert "STARTTLS" in sieve.capabilities
        known(sieve)
        step = sieve.starttls()
        assert step.ok
        assert sieve.tls is not None
        assert sieve.tls.names == (NAME,)
        assert "STARTTLS" not in sieve.capabilities
        assert sieve.capability().capabilities == sieve.capabilities
        assert sieve.authenticate(None, box, PASSWORD).ok
        assert sieve.dialogue.exchanges[-1].sent[0].text.startswith('AUTHENTICATE "SCRAM-SHA-256" ')
        assert "SASL" not in sieve.capability().capabilities
        known(sieve)
        assert sieve.logout().ok
        assert unexplained(sieve.dialogue) == []


def test_a_certificate_for_another_name_is_refused(servers: Servers) -> None:
    with (
        ManageSieveTracer(servers.at("sieve"), ca=servers.ca, server_name="mx.ugb.sn") as sieve,
        pytest.raises(TlsError),
    ):
        sieve.starttls()


@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
)
@pytest.mark.parametrize("initial", [True, False])
def test_authenticate(servers: Servers, box: str, mechanism: str, *, initial: bool) -> None:
    with servers.sieve() as sieve:
        assert sieve.authenticate(mechanism, box, PASSWORD, initial=initial).ok
        assert sieve.listscripts().scripts == ()


def test_a_wrong_password(servers: Servers, box: str) -> None:
    with servers.sieve() as sieve:
        assert not sieve.authenticate("PLAIN", box, "faux").ok
        assert first_id(sieve.dialogue) == "wording.dovecot.auth-failed"
        assert sieve.authenticate("PLAIN", box, PASSWORD).ok


def test_the_life_of_a_script(servers: Servers, box: str) -> None:
    with servers.sieve() as sieve:
        sieve.login(box, PASSWORD)
        assert sieve.havespace("vacances", 100).ok
        assert sieve.putscript("vacances", VACATION).ok
        assert sieve.putscript("congés d'été", b"keep;\n").ok
        assert {one.name for one in sieve.listscripts().scripts} == {"vacances", "congés d'été"}
        assert not any(one.active for one in sieve.listscripts().scripts)
        assert sieve.setactive("vacances").ok
        assert [one.name for one in sieve.listscripts().scripts if one.active] == ["vacances"]
        assert sieve.getscript("vacances").script == VACATION.replace("\n", "\r\n").encode()
        assert sieve.getscript("congés d'été").script == b"keep;\n"
        refused = sieve.deletescript("vacances")
        assert (refused.ok, refused.code) == (False, "ACTIVE")
        assert sieve.renamescript("vacances", "absence").ok
        assert sieve.setactive("").ok
        assert sieve.deletescript("absence").ok
        assert sieve.deletescript("absence").code == "NONEXISTENT"
        assert sieve.noop("étiquette").code == "TAG"
        assert sieve.noop().ok
        assert sieve.logout().ok
        assert unexplained(sieve.dialogue) == []


@pytest.mark.parametrize("stored", [True, False])
def test_a_wrong_script_is_no_and_says_where(servers: Servers, box: str, *, stored: bool) -> None:
    script = 'require "fileinto ";\r\n'
    with servers.sieve() as sieve:
        sieve.login(box, PASSWORD)
        step = sieve.putscript("faux", script) if stored else sieve.checkscript(script)
        assert not step.ok
        assert "line 1: error: " in step.text
        row = explain(sieve.dialogue)[-1].rows[-3]
        assert row.ids[0] == "wording.dovecot.sieve-compile-error"
        assert row.values["line"] == "1"
        assert row.values.get("script") == ("faux" if stored else None)
        assert sieve.listscripts().scripts == ()
        assert sieve.checkscript("keep;").ok


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('GETSCRIPT "absent"', "sieve-not-found"),
        ("BONJOUR", "sieve-command-error"),
        ('SETACTIVE "absent"', "sieve-not-found"),
    ],
)
def test_a_refusal_is_explained_by_its_wording(
    servers: Servers, box: str, line: str, name: str
) -> None:
    with servers.sieve() as sieve:
        sieve.login(box, PASSWORD)
        assert not sieve.send_raw(f"{line}\r\n").ok
        assert f"wording.dovecot.{name}" in explain(sieve.dialogue)[-1].rows[-1].ids


def test_an_active_script_sorts_what_is_delivered(servers: Servers, box: str) -> None:
    with servers.sieve() as sieve:
        sieve.login(box, PASSWORD)
        rule = 'require "fileinto";\nif header :contains "subject" "pub" { fileinto "Junk"; }\n'
        assert sieve.putscript("tri", rule).ok
        assert sieve.setactive("tri").ok
    servers.deliver(box, b"Subject: de la pub\r\n\r\nx\r\n", b"Subject: bonjour\r\n\r\nx\r\n")
    with servers.imap() as imap:
        imap.login(box, PASSWORD)
        assert imap.status("Junk", "MESSAGES").ok
        assert imap.examine("Junk").ok
        assert imap.search('SUBJECT "pub"').numbers == (1,)
        imap.examine("INBOX")
        assert imap.search("ALL").numbers == (1,)
