"""RoundCube: its login page, a user's mailbox, a message that is read and one that is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mailsim import Lab
from mailsim.model.stage import Stage
from tests.contract.browser import Browser, Page, browser
from tests.contract.post import PATIENCE, Post

pytestmark = pytest.mark.needs("https")


@pytest.fixture
def web(lab: Lab) -> Iterator[Browser]:
    with browser(lab) as made:
        yield made


def _hidden(page: Page, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found, page.text[:2000]
    return found[1]


def _logged_in(web: Browser, user: str, password: str) -> bool:
    """Fills in the form; the session's cookie is kept."""
    form = web.get("/?_task=login")
    done = web.post(
        "/?_task=login",
        _token=_hidden(form, "_token"),
        _task="login",
        _action="login",
        _timezone="Africa/Dakar",
        _url="",
        _user=user,
        _pass=password,
    )
    return done.status == 302 and "_task=mail" in done.location


@pytest.mark.inventory("WEB10", "WEB2", "WEB8", "WEB1")
def test_the_login_page(web: Browser) -> None:
    page = web.get("/")
    assert page.status == 200
    assert "<title>Webmail MINFO" in page.text
    assert 'name="_user"' in page.text
    assert 'name="_pass"' in page.text


@pytest.mark.inventory("WEB10", "WEB2", "WEB8")
def test_a_user_logs_in_and_reads(lab: Lab, post: Post, web: Browser) -> None:
    message_id = post.new_id()
    letter = post.letter(
        "user@minfo.sn",
        "cheikh@minfo.sn",
        "Lisez-moi.\n",
        subject=f"W{message_id}",
        message_id=message_id,
    )
    lab.wait(lab.deliver(letter), timeout=PATIENCE)
    assert _logged_in(web, "cheikh", lab.accounts.password("cheikh"))
    assert 'id="messagelist"' in web.get("/?_task=mail&_mbox=INBOX").text
    listed = web.get("/?_task=mail&_action=list&_mbox=INBOX&_remote=1&_unlock=0").text
    row = re.search(
        r"add_message_row\((\d+),(?:(?!add_message_row).)*" + re.escape(f"W{message_id}"),
        listed.replace('\\"', '"'),
    )
    assert row, listed[-3000:]
    shown = web.get(f"/?_task=mail&_action=show&_uid={row[1]}&_mbox=INBOX")
    assert "Lisez-moi." in shown.text


@pytest.mark.inventory("WEB8", "SAS3")
def test_a_user_writes(lab: Lab, web: Browser) -> None:
    """The form of the compose page, sent; the message goes over 587 from stage tls on."""
    assert _logged_in(web, "mactar", lab.accounts.password("mactar"))
    begun = web.get("/?_task=mail&_action=compose")
    page = web.get(begun.location)
    form = {name: _hidden(page, name) for name in ("_token", "_id", "_task", "_action")}
    sender = re.search(r'<option value="(\d+)"[^>]*>[^<]*mactar@minfo\.sn', page.text)
    assert sender
    sent = web.post(
        "/?_task=mail",
        **form,
        _from=sender[1],
        _to="autre_user@minfo.sn",
        _subject="Du webmail",
        _message="Envoye.",
        _draft="",
        _framed="1",
        _store_target="Sent",
    )
    assert "sent_successfully" in sent.text, sent.text[-2000:]
    lab.idle(timeout=PATIENCE)
    (found,) = [
        one for one in lab.mailboxes["autre_user"]["INBOX"] if b"Subject: Du webmail" in one.content
    ][-1:]
    assert re.search(rb"^From: .*mactar@minfo\.sn", found.content, re.MULTILINE)


@pytest.mark.inventory("WEB8", "WEB10")
def test_who_gives_a_wrong_password_stays_outside(web: Browser) -> None:
    assert not _logged_in(web, "cheikh", "faux")
    assert 'name="_pass"' in web.get("/?_task=mail").text


@pytest.mark.inventory("WEB6", "WEB9")
@pytest.mark.parametrize(
    "path",
    ["/config/config.inc.php", "/temp/", "/logs/errors.log", "/installer/", "/server-status"],
)
def test_what_nobody_may_see(web: Browser, path: str) -> None:
    assert web.get(path).status in (403, 404)


@pytest.mark.inventory("WEB6", "TLS5")
def test_port_80_sends_on_to_443(lab: Lab, web: Browser) -> None:
    page = web.get("/", secure=False)
    if lab.stage >= Stage.TLS:
        assert (page.status, page.location) == (301, "https://mail.minfo.sn/")
    else:
        assert page.status == 200


@pytest.mark.inventory("SIE7", "SIE6")
@pytest.mark.stages(since="sieve")
def test_filters_are_edited_in_the_webmail(lab: Lab, web: Browser) -> None:
    assert _logged_in(web, "cheikh", lab.accounts.password("cheikh"))
    page = web.get("/?_task=settings&_action=plugin.managesieve")
    assert page.status == 200
    assert "filterslist" in page.text
    absent = web.get("/?_task=settings&_action=plugin.managesieve-vacation")
    assert 'name="vacation_reason"' in absent.text
