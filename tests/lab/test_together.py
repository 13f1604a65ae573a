"""A notebook's kernel, a terminal and a test at one lab: each sees what the others did."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

from mailsim import Lab

if TYPE_CHECKING:
    from tests.conftest import StartUp

CELLS = (
    "from mailsim import Lab\nlab = Lab()",
    """with lab.smtp(as_host="mx.ugb.sn") as smtp:
    smtp.ehlo("mx.ugb.sn")
    smtp.mail("secretaire@ugb.sn")
    smtp.rcpt("cheikh@minfo.sn")
    smtp.data("Message-ID: <noyau@ugb.sn>\\r\\nSubject: x\\r\\n\\r\\nx\\r\\n")""",
    'lab.wait("noyau@ugb.sn")\nlab.mailboxes',
    "lab.queue",
    "[str(one.endpoint) for one in lab.evidence]",
)


def text_of(cell: nbformat.NotebookNode) -> str:
    (output,) = cell["outputs"]
    return str(output["data"]["text/plain"])


# nbclient's own: zmq speaks to Windows's default loop through a thread.
@pytest.mark.filterwarnings("ignore:Proactor event loop")
def test_kernel_terminal_and_test_see_the_same_lab(up: StartUp) -> None:
    up("--seed", "7")
    # The test: one message arrives, another waits, for the filter is out of reach.
    with Lab() as here:
        here.wait(here.deliver(b"Subject: x\r\n\r\nx\r\n", "user@minfo.sn", "admin@minfo.sn"))
        here.fault("F9")
        here.deliver(b"Subject: y\r\n\r\ny\r\n", "user@minfo.sn", "mactar@minfo.sn")
        here.idle()
        here.fault("F9", on=False)
        # The kernel.
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in CELLS]
        )
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
        *_, mailboxes, queue, evidence = notebook["cells"]
        # The terminal.
        command = [sys.executable, "-m", "mailsim", "status", "--json"]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        status = json.loads(said.stdout)
        counts = {user: boxes["INBOX"] for user, boxes in status["mailboxes"].items()}
        assert counts == {"cheikh": 1, "admin": 1}
        assert text_of(mailboxes) == repr(here.mailboxes)
        assert text_of(queue) == repr(here.queue)
        assert text_of(evidence) == repr([str(one.endpoint) for one in here.evidence])
        assert [one.queue_id for one in here.queue] == [one["queue_id"] for one in status["queue"]]
        assert here.evidence
