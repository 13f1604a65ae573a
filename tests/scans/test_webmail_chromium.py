"""RoundCube in a real Chromium on the workstation: logs in, reads, writes; with screenshots.

They stay in build/screenshots, or where MAILSIM_SCREENSHOTS says.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from mailsim import Lab
from mailsim.model.stage import Stage
from tests.contract.post import PATIENCE, Post
from tests.scans.workstation import ROOT, Workstation

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM: Final = Path("/usr/bin/chromium")
SCREENSHOTS: Final = Path(os.environ.get("MAILSIM_SCREENSHOTS", ROOT / "build" / "screenshots"))
SITE: Final = "https://mail.minfo.sn/"

pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]


@pytest.fixture
def page(walked: Lab, tmp_path: Path) -> Iterator[Page]:
    """A page of a browser that trusts the lab's authority, and is at poste.minfo.sn."""
    lacking = [one for one in ("chromium", "certutil", "nsenter") if shutil.which(one) is None]
    if lacking or find_spec("playwright") is None:
        tell = pytest.fail if os.environ.get("MAILSIM_REQUIRE_ORACLES") else pytest.skip
        tell(f"not installed: {', '.join(lacking) or 'playwright'}")
    if walked.stage is not Stage.SIEVE:
        walked.reset("sieve")
    _trust(walked.ca, tmp_path)
    with _chromium(_program(walked, tmp_path), tmp_path) as made:
        yield made


def _trust(ca: Path, home: Path) -> None:
    """Chromium takes its own authorities from the database in the user's home."""
    store = home / ".pki/nssdb"
    store.mkdir(parents=True)
    words = ["certutil", "-d", f"sql:{store}"]
    subprocess.run([*words, "-N", "--empty-password"], check=True)
    subprocess.run([*words, "-A", "-t", "C,,", "-n", "lab", "-i", ca], check=True)


def _program(lab: Lab, folder: Path) -> Path:
    """Chromium as a program of the workstation."""
    words = Workstation(lab, folder).command(CHROMIUM)
    made = folder / "chromium"
    made.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    made.chmod(0o755)
    return made


@contextmanager
def _chromium(program: Path, home: Path) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox"],
            env={**os.environ, "HOME": str(home)},
        )
        made = browser.new_page(viewport={"width": 1280, "height": 800})
        made.set_default_timeout(PATIENCE * 1000)
        yield made
        browser.close()


def _shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"webmail-{name}.png")


def test_a_user_logs_in_reads_and_writes(walked: Lab, page: Page) -> None:
    post = Post(walked, "chromium")
    walked.wait(_arrived(walked, post), timeout=PATIENCE)
    _log_in(page, "cheikh", walked.accounts.password("cheikh"))
    _read(page)
    _write(page)
    walked.idle(timeout=PATIENCE)
    found = [one.content for one in walked.mailboxes["autre_user"]["INBOX"]]
    (sent,) = [one for one in found if b"Subject: Du navigateur" in one]
    assert re.search(rb"^From: .*cheikh@minfo\.sn", sent, re.MULTILINE)
    assert b"Ecrit dans Chromium." in sent


def _arrived(lab: Lab, post: Post) -> str:
    message_id = post.new_id()
    letter = post.letter(
        "user@minfo.sn",
        "cheikh@minfo.sn",
        "Lisez-moi.\n",
        subject="Pour le navigateur",
        message_id=message_id,
    )
    return str(lab.deliver(letter))


def _log_in(page: Page, user: str, password: str) -> None:
    page.goto(SITE)
    page.fill("#rcmloginuser", user)
    page.fill("#rcmloginpwd", password)
    _shoot(page, "login")
    page.click("#rcmloginsubmit")
    page.wait_for_selector("#messagelist")


def _read(page: Page) -> None:
    page.click("#messagelist tr.message:has-text('Pour le navigateur') .subject a")
    shown = page.frame_locator("#messagecontframe").locator("#messagebody")
    shown.wait_for()
    assert "Lisez-moi." in shown.inner_text()
    _shoot(page, "read")


def _write(page: Page) -> None:
    page.goto(f"{SITE}?_task=mail&_action=compose")
    page.locator("#compose_to .recipient-input input").fill("autre_user@minfo.sn,")
    page.fill("#compose-subject", "Du navigateur")
    page.fill("#composebody", "Ecrit dans Chromium.")
    _shoot(page, "write")
    page.click("a.send, button.send")
    page.wait_for_selector("#messagelist")
    _shoot(page, "sent")
