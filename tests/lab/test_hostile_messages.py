"""What a sender may write in a message harms neither the session nor the lab's own records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailsim import Lab
from mailsim.errors import LabError
from mailsim.lab.rundir import RunDir, run_home
from mailsim.servers.log import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("lab_home")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(seed="7", stage="mail") as one:
        yield one


def sent(lab: Lab, content: bytes, to: str) -> int | None:
    """The reply's code to the end of the content."""
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.mail("user@minfo.sn")
        smtp.rcpt(to)
        return smtp.data(content).code


@pytest.mark.parametrize("to", ["cheikh@minfo.sn", "secretaire@ugb.sn"])
def test_a_message_id_that_is_no_utf_8(lab: Lab, to: str) -> None:
    content = b"Message-ID: <\xe9@x>\r\nSubject: \xff\r\n\r\nx\r\n"
    assert sent(lab, content, to) == 250
    lab.idle()
    user = to.removesuffix("@minfo.sn")
    (message,) = lab.mailboxes[user]["INBOX"]
    assert message.content.endswith(content)
    assert message.message_id == "\ufffd@x"


def test_a_message_id_without_end(lab: Lab) -> None:
    sent(lab, b"Message-ID: <" + b"a" * 900_000 + b"@x>\r\n\r\nx\r\n", "cheikh@minfo.sn")
    lab.idle()
    (message,) = lab.mailboxes["cheikh"]["INBOX"]
    assert len(message.message_id) == 997
    assert max(len(str(line)) for line in lab.logs) < LONGEST + 100


@pytest.mark.parametrize(
    "to", [b"(" * 5000, b"x:" * 20_000, b"user@minfo.sn\xff", b"<\xff@ugb.sn>", b"<user@minfo.sn>"]
)
def test_a_header_that_gives_the_recipients(lab: Lab, to: bytes) -> None:
    lab.fault("F25")
    code = sent(lab, b"To: " + to + b"\r\n\r\nx\r\n", "cheikh@minfo.sn")
    # What names a host somewhere is taken, and bounces; what names nobody is refused.
    assert code == (250 if b"@" in to else 554)


def test_an_original_recipient_begins_no_field_of_a_report(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.mail("user@minfo.sn")
        smtp.send_raw(
            "RCPT TO:<cheikh@minfo.sn> ORCPT=rfc822;a+0D+0AX-Evil:+201 NOTIFY=SUCCESS\r\n"
        )
        smtp.data(b"Subject: x\r\n\r\nx\r\n")
    lab.idle()
    (report,) = lab.mailboxes["user"]["INBOX"]
    assert b"Original-Recipient: rfc822;a??X-Evil: 1\r\n" in report.content


def test_a_link_in_place_of_a_lab_s_folder_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o755)
    (precious / "thesis.tex").write_text("x")
    run_home().mkdir(parents=True)
    (run_home() / "default").symlink_to(precious)
    RunDir("default").clean()
    with pytest.raises(LabError, match="is a link"):
        Lab()
    assert (precious / "thesis.tex").exists()
    assert precious.stat().st_mode & 0o777 == 0o755
