"""Sieve at delivery and over ManageSieve: the global script, a user's own, an answer for the absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mailsim import Lab
from mailsim.model.journey import StopKind
from tests.contract.post import PATIENCE, Post
from tests.contract.test_filter import GTUBE

pytestmark = pytest.mark.stages(since="sieve")

Activate = Callable[[str, str], None]
BY_SENDER = """\
require ["fileinto", "mailbox"];
if address :is "from" "secretaire@ugb.sn" {
  fileinto :create "UGB";
}
"""
ABSENT = """\
require ["vacation", "fileinto"];
if header :contains "X-Spam-Flag" "YES" {
  fileinto "Junk";
  stop;
}
vacation :days 1 :handle "%s" :subject "Absent" :addresses ["cheikh@minfo.sn"] "En mission.";
"""


@pytest.fixture
def activate(lab: Lab) -> Iterator[Activate]:
    """`activate("user", script)` over ManageSieve; afterwards there is none again."""
    users: list[str] = []

    def put(user: str, script: str) -> None:
        users.append(user)
        with lab.sieve() as sieve:
            assert sieve.starttls().ok
            assert sieve.login(user, lab.accounts.password(user)).ok
            assert sieve.putscript("contrat", script).ok
            assert sieve.setactive("contrat").ok

    yield put
    for user in dict.fromkeys(users):
        with lab.sieve() as sieve:
            sieve.starttls()
            sieve.login(user, lab.accounts.password(user))
            sieve.setactive("")
            assert sieve.deletescript("contrat").ok


def _boxes(lab: Lab, post: Post, body: str, to: str) -> list[str]:
    del lab
    way = post.arrive("secretaire@ugb.sn", f"{to}@minfo.sn", body)
    return [stop.line.fields["mailbox"] for stop in way.of(StopKind.STORED)]


@pytest.mark.inventory("SIE4", "SIE5", "SPA10", "SIE1")
def test_the_global_script_files_spam_in_junk(lab: Lab, post: Post) -> None:
    assert _boxes(lab, post, GTUBE, "autre_user") == ["Junk"]
    assert _boxes(lab, post, "Bonjour.\n", "autre_user") == ["INBOX"]


@pytest.mark.inventory("SIE2", "SIE6", "SIE1", "SIE4")
def test_a_script_of_one_s_own_takes_effect_and_takes_the_global_one_s_place(
    lab: Lab, post: Post, activate: Activate
) -> None:
    activate("mactar", BY_SENDER)
    assert _boxes(lab, post, "Bonjour.\n", "mactar") == ["UGB"]
    # The global script no longer runs: spam from elsewhere stays in INBOX.
    way = post.arrive("etudiant@miage.sn", "mactar@minfo.sn", GTUBE)
    assert [stop.line.fields["mailbox"] for stop in way.of(StopKind.STORED)] == ["INBOX"]
    activate("mactar", BY_SENDER.replace("UGB", "Doyen"))
    assert _boxes(lab, post, "Bonjour.\n", "mactar") == ["Doyen"]


@pytest.mark.inventory("SIE3", "SIE6")
def test_who_is_absent_answers_once(lab: Lab, post: Post, activate: Activate) -> None:
    activate("cheikh", ABSENT % post.new_id())
    way = post.arrive("secretaire@ugb.sn", "cheikh@minfo.sn")
    (answered,) = way.of(StopKind.ANSWERED)
    assert "secretaire@ugb.sn" in answered.line.fields["to"]
    lab.idle(timeout=PATIENCE)
    answers = [
        one
        for one in lab.mailboxes["secretaire@ugb.sn"]["INBOX"]
        if f"In-Reply-To: <{way.message_id}>".encode() in one.content
    ]
    (answer,) = answers
    assert b"Subject: Absent\r\n" in answer.content
    assert b"Auto-Submitted: auto-replied (vacation)" in answer.content
    assert b"En mission." in answer.content
    again = post.arrive("secretaire@ugb.sn", "cheikh@minfo.sn")
    assert not again.of(StopKind.ANSWERED)


@pytest.mark.inventory("SIE3")
def test_nobody_answers_to_spam_or_to_a_list(lab: Lab, post: Post, activate: Activate) -> None:
    activate("cheikh", ABSENT % post.new_id())
    spam = post.arrive("etudiant@miage.sn", "cheikh@minfo.sn", GTUBE)
    listed = post.arrive("etudiant@miage.sn", "cheikh@minfo.sn", extra="List-Id: <l.miage.sn>\n")
    assert not spam.of(StopKind.ANSWERED)
    assert not listed.of(StopKind.ANSWERED)
    assert lab.stage.value == "sieve"


# --- ManageSieve


@pytest.mark.inventory("SIE6")
def test_what_managesieve_says_and_offers(lab: Lab) -> None:
    with lab.sieve() as sieve:
        offered = sieve.capabilities
        assert "Dovecot" in (offered["IMPLEMENTATION"] or "")
        assert offered["SASL"] == ""
        assert "STARTTLS" in offered
        assert {"fileinto", "vacation", "mailbox", "envelope"} <= set((offered["SIEVE"] or "").split())  # fmt: skip
        assert sieve.starttls().ok
        assert (sieve.capabilities["SASL"] or "").split() == ["PLAIN", "LOGIN"]
        assert sieve.login("user", "minfo").ok


@pytest.mark.inventory("SIE6", "TLS5")
def test_no_login_over_managesieve_before_tls(lab: Lab) -> None:
    with lab.sieve() as sieve:
        refused = sieve.send_raw('AUTHENTICATE "PLAIN" "AHVzZXIAbWluZm8="\r\n')
        assert (refused.ok, refused.code) == (False, "ENCRYPT-NEEDED")
        # Dovecot has not thrown away what came with it: the next one is taken for its rest.
        assert sieve.starttls().ok
        assert sieve.login("user", "minfo").text == "Invalid base64 data in initial response"
        assert sieve.login("user", "minfo").ok


@pytest.mark.inventory("SIE6")
def test_scripts_are_kept_listed_renamed_and_removed(lab: Lab) -> None:
    with lab.sieve() as sieve:
        assert sieve.starttls().ok
        assert sieve.login("admin", lab.accounts.password("admin")).ok
        # Dovecot 2.4 lists the global script too, under no name.
        assert {one.name for one in sieve.listscripts().scripts} <= {""}
        assert sieve.havespace("a", 100).ok
        assert sieve.putscript("a", BY_SENDER).ok
        assert not sieve.putscript("b", 'require "fileinto ";\n').ok
        assert not sieve.checkscript("nonsense").ok
        assert sieve.checkscript("keep;").ok
        assert sieve.setactive("a").ok
        refused = sieve.deletescript("a")
        assert (refused.ok, refused.code) == (False, "ACTIVE")
        assert sieve.renamescript("a", "c").ok
        listed = [(one.name, one.active) for one in sieve.listscripts().scripts if one.name]
        assert listed == [("c", True)]
        assert sieve.getscript("c").script == BY_SENDER.replace("\n", "\r\n").encode()
        assert sieve.getscript("a").code == "NONEXISTENT"
        assert sieve.setactive("").ok
        assert sieve.deletescript("c").ok
        assert sieve.logout().ok
