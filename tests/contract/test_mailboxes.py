"""Reading mail: greetings, capabilities, logins, POP3's commands and lock, IMAP's sessions."""

from __future__ import annotations

import pytest

from mailsim import ImapTracer, Lab, Pop3Tracer
from mailsim.model.stage import Stage
from mailsim.wire.imap.responses import Exists
from tests.contract.post import Post


def _pop3(lab: Lab, user: str) -> Pop3Tracer:
    pop3 = lab.pop3("pop3s" if lab.stage >= Stage.TLS else "pop3")
    assert pop3.login(user, lab.accounts.password(user)).ok
    return pop3


def _imap(lab: Lab) -> ImapTracer:
    return lab.imap("imaps" if lab.stage >= Stage.TLS else "imap")


@pytest.mark.inventory("DEM3", "MDA1", "CON9")
def test_imap_greets_and_says_what_it_can(lab: Lab) -> None:
    with _imap(lab) as imap:
        assert imap.greeting.condition == "OK"
        assert imap.greeting.text.endswith("ready.")
        assert "Dovecot" in imap.greeting.text
        offered = set(imap.capabilities)
        assert {"IMAP4REV1", "SASL-IR", "IDLE", "AUTH=PLAIN", "AUTH=LOGIN"} <= offered
        assert imap.login("user", "minfo").ok
        assert {"UIDPLUS", "MOVE", "SORT", "THREAD=REFERENCES", "CONDSTORE"} <= set(
            imap.capabilities
        )


@pytest.mark.inventory("DEM4", "MDA1", "CON7")
def test_pop3_greets_and_says_what_it_can(lab: Lab) -> None:
    with lab.pop3("pop3s" if lab.stage >= Stage.TLS else "pop3") as pop3:
        assert pop3.greeting.ok
        assert "Dovecot" in pop3.greeting.text
        assert pop3.capa().ok
        offered = dict(pop3.capabilities)
    assert {"TOP", "UIDL", "RESP-CODES", "PIPELINING", "USER", "SASL"} <= set(offered)
    assert set(offered["SASL"]) == {"PLAIN", "LOGIN"}


@pytest.mark.inventory("DEM3", "DEM4", "TLS5")
@pytest.mark.stages(until="tls")
def test_what_143_and_110_offer_in_the_clear_is_the_stage_s(lab: Lab) -> None:
    """Logins, until TLS is there; from then on TLS, and no login before it."""
    secure = lab.stage >= Stage.TLS
    with lab.imap("imap") as imap, lab.pop3("pop3") as pop3:
        imap.capability()
        pop3.capa()
        for word, there in (("AUTH=PLAIN", not secure), ("STARTTLS", secure), ("LOGINDISABLED", secure)):  # fmt: skip
            assert (word in imap.capabilities) is there, word
        assert ("STLS" in pop3.capabilities) is secure
        assert (pop3.capabilities.get("SASL", ()) == ("PLAIN", "LOGIN")) is not secure


@pytest.mark.inventory("DEM6", "TLS5")
@pytest.mark.stages(since="tls")
def test_a_login_and_a_logout_on_993(lab: Lab) -> None:
    with lab.imap("imaps") as imap:
        assert imap.tls is not None
        assert imap.send_raw("a1 LOGIN user minfo\r\n").ok
        left = imap.send_raw("a2 LOGOUT\r\n")
    assert left.ok


@pytest.mark.inventory("OS5", "DEM6")
@pytest.mark.parametrize("name", ["user", "user@minfo.sn", "USER"])
def test_names_that_log_in(lab: Lab, name: str) -> None:
    with _imap(lab) as imap:
        assert imap.login(name, "minfo").ok


@pytest.mark.inventory("OS5", "MDA1")
@pytest.mark.parametrize(("name", "password"), [("user", "faux"), ("personne", "minfo")])
def test_who_does_not_get_in(lab: Lab, name: str, password: str) -> None:
    with _imap(lab) as imap:
        refused = imap.login(name, password)
        assert refused.condition == "NO"
        assert refused.code is not None
        assert refused.code.name == "AUTHENTICATIONFAILED"


@pytest.mark.inventory("ANX3", "CON7")
def test_pop3_s_commands(lab: Lab, post: Post) -> None:
    message_id = post.new_id()
    lab.wait(
        lab.deliver(post.letter("user@minfo.sn", "autre_user@minfo.sn", message_id=message_id)),
        timeout=60,
    )
    with _pop3(lab, "autre_user") as pop3:
        count = pop3.stat().drop_listing.count
        assert len(pop3.list().scan_listings) == len(pop3.uidl().unique_ids) == count >= 1
        assert f"<{message_id}>".encode() in (pop3.top(count, 0).message or b"")
        assert (pop3.retr(count).message or b"").endswith(b"\r\n\r\nBonjour.\r\n")
        assert not pop3.retr(count + 1).ok
        assert pop3.dele(count).ok
        assert not pop3.retr(count).ok
        assert pop3.rset().ok
        assert pop3.noop().ok
        assert pop3.dele(count).ok
        assert pop3.quit().ok
    assert not post.found("autre_user", message_id)


@pytest.mark.inventory("CON7")
def test_who_hangs_up_without_quit_removes_nothing(lab: Lab, post: Post) -> None:
    message_id = lab.deliver(
        post.letter("user@minfo.sn", "autre_user@minfo.sn", message_id=post.new_id())
    )
    lab.wait(message_id, timeout=60)
    with _pop3(lab, "autre_user") as pop3:
        assert pop3.dele(pop3.stat().drop_listing.count).ok
    assert post.found("autre_user", message_id)


@pytest.mark.inventory("CON8")
def test_two_imap_sessions_see_each_other_s_changes(lab: Lab, post: Post) -> None:
    message_id = lab.deliver(
        post.letter("user@minfo.sn", "cheikh@minfo.sn", message_id=post.new_id())
    )
    lab.wait(message_id, timeout=60)
    with post.mailbox("cheikh") as first, post.mailbox("cheikh") as second:
        (number,) = first.search(f"HEADER Message-ID {message_id}").numbers
        assert first.store(number, "+FLAGS", r"\Flagged").ok
        seen = second.noop()
        assert any(one.number == number for one in seen.fetched)
        assert first.sort("REVERSE ARRIVAL").numbers[0] == number
        before = second.noop()
        assert before.ok
        assert first.append("INBOX", post.letter("a@minfo.sn", "b@minfo.sn")).ok
        assert second.noop().of(Exists)


@pytest.mark.inventory("CON8")
def test_mailboxes_are_made_filled_and_removed(post: Post) -> None:
    message_id = post.new_id()
    with post.mailbox("mactar") as imap:
        assert imap.create("Travail").ok
        assert imap.append("Travail", post.letter("a@minfo.sn", "b@minfo.sn", message_id=message_id)).ok  # fmt: skip
        assert imap.select("Travail").ok
        assert imap.move(1, "INBOX").ok
        assert imap.select("INBOX").ok
        assert len(imap.search(f"HEADER Message-ID {message_id}").numbers) == 1
        assert imap.delete("Travail").ok
        assert "Travail" not in {one.name for one in imap.list("", "*").mailboxes}
