"""What reading mail costs, in CPU as the kernel accounts for it: the lab, pymap and Dovecot, with
the same messages and the same client, in turns."""

from __future__ import annotations

import imaplib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest

from mailsim.servers.store import Store
from tests.perf.bench_lab import wait_for

if TYPE_CHECKING:
    from tests.conftest import StartUp

Report = Callable[..., None]

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
MESSAGES = 1000
MANY = 100_000
ROUNDS = 7
TEXT = (
    "From: Secretaire <secretaire@ugb.sn>\r\nTo: user@minfo.sn\r\nSubject: essai {number}\r\n"
    "Date: Mon, 21 Jun 2010 08:00:00 +0000\r\nMessage-ID: <{number}@ugb.sn>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
)
COMMANDS = {
    "FETCH FLAGS": "FETCH 1:* FLAGS",
    "FETCH BODY[]": "FETCH 1:* BODY.PEEK[]",
    "FETCH BODYSTRUCTURE": "FETCH 1:* BODYSTRUCTURE",
    "FETCH ENVELOPE": "FETCH 1:* ENVELOPE",
    "SEARCH TEXT": "SEARCH TEXT introuvable",
}
# Dovecot counts a thousand FLAGS in a millisecond: each command is given so often a round.
TIMES = 5
SLOWEST, DEAREST = 3, 10
"""At least so many times faster than pymap; at most so many times Dovecot's CPU."""

pytestmark = [
    pytest.mark.perf,
    pytest.mark.skipif(
        not Path("/proc/self/schedstat").exists(), reason="CPU is told by /proc/PID/schedstat"
    ),
]


def cpu(pid: int) -> float:
    """Seconds that a process has used, all its threads and children together."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    own = sum(int(one.read_text().split()[0]) for one in threads) / 1e9
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu(int(child)) for child in children)


@dataclass
class Server:
    """One of them, with a session on a mailbox of MESSAGES messages."""

    name: str
    pid: int
    port: int
    address: str = "127.0.0.1"
    spent: dict[str, list[float]] = field(default_factory=dict)

    def begin(self) -> None:
        """Log in, fill the INBOX, select it."""
        self.socket = socket.create_connection((self.address, self.port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.say("LOGIN user minfo")
        for number in range(MESSAGES):
            head = TEXT.format(number=number)
            body = head + ("x" * 70 + "\r\n") * ((1024 - len(head)) // 72)
            self.socket.sendall(f"a APPEND INBOX {{{len(body)}}}\r\n".encode())
            assert self.file.readline().startswith(b"+")
            self.socket.sendall(f"{body}\r\n".encode())
            self.until_answered("APPEND")
        self.say("SELECT INBOX")

    def say(self, command: str) -> None:
        self.socket.sendall(f"a {command}\r\n".encode())
        self.until_answered(command)

    def until_answered(self, command: str) -> None:
        for line in self.file:
            if line.startswith(b"a "):
                assert line.startswith(b"a OK"), (self.name, command, line)
                return
        raise EOFError(self.name, command)

    def measure(self, command: str) -> None:
        begun = cpu(self.pid)
        for _ in range(TIMES):
            self.say(COMMANDS[command])
        spent = (cpu(self.pid) - begun) / TIMES
        self.spent.setdefault(command, []).append(spent)

    def end(self) -> None:
        """Leave."""
        self.file.close()
        self.socket.close()

    def cost(self, command: str) -> float:
        """Milliseconds of CPU."""
        return median(self.spent[command]) * 1000


@pytest.fixture
def pymap() -> Iterator[Server]:
    program = Path(sys.executable).with_name("pymap")
    if not program.exists():
        pytest.skip("pymap is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = ("dict", "--demo-user", "user", "--demo-password", "minfo")
    where = ("--host", "127.0.0.1", "--port", str(port), "--no-tls", "--no-service", "managesieve")
    with subprocess.Popen([program, *where, *made]) as process:
        wait_for(port)
        yield Server("pymap", process.pid, port)
        process.kill()


_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = {address}
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
mail_uid = nobody
mail_gid = nogroup
first_valid_gid = 1
passdb {{
  driver = static
  args = password=minfo
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/home
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@pytest.fixture
def dovecot() -> Iterator[Server]:
    program = shutil.which("dovecot", path=PATH)
    user = getattr(os, "geteuid", lambda: -1)()  # Windows has none
    if not program or user != 0:
        pytest.skip("a Dovecot is started by root, where it is installed")
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mailsim-", dir="/tmp"))
        )
        folder.chmod(0o755)
        for name in ("run", "state", "home"):
            (folder / name).mkdir()
        shutil.chown(folder / "home", "nobody", "nogroup")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        conf = folder / "dovecot.conf"
        conf.write_text(_CONF.format(folder=folder, address="127.0.0.1", port=port))
        with subprocess.Popen([program, "-F", "-c", str(conf)]) as process:
            wait_for(port)
            yield Server("Dovecot", process.pid, port)
            process.terminate()


def test_a_thousand_messages(up: StartUp, pymap: Server, dovecot: Server, report: Report) -> None:
    lab = up("--stage", "mail")
    own = Server("lab", lab.process.pid, int(lab.document["endpoints"]["imap"]["port"]))
    servers = (own, pymap, dovecot)
    for one in servers:
        one.begin()
    for turn in range(ROUNDS + 1):
        for command in COMMANDS:
            for one in servers:
                one.measure(command)
        if not turn:  # the first is for caches to fill
            for one in servers:
                one.spent.clear()
    for one in servers:
        one.end()
    for command in COMMANDS:
        costs = {one.name: one.cost(command) for one in servers}
        shown = ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
        report(f"{command}, {MESSAGES} messages", shown, "ms CPU")
        report(f"{command}, pymap to lab", f"{costs['pymap'] / costs['lab']:.1f}", "at least 3")
        report(f"{command}, lab to Dovecot", f"{costs['lab'] / costs['Dovecot']:.1f}", "at most 10")
    for command in COMMANDS:
        assert own.cost(command) * SLOWEST <= pymap.cost(command), command
        assert own.cost(command) <= DEAREST * dovecot.cost(command), command


def test_a_big_mailbox_is_selected(up: StartUp, tmp_path: Path, report: Report) -> None:
    folder = tmp_path / "mail"
    store = Store(folder)
    with store.step():
        for number in range(MANY):
            store.deliver("user", "INBOX", TEXT.format(number=number).encode() + b"x\r\n")
    store.close()
    lab = up("--stage", "mail", "--folder", str(folder))
    pid, port = lab.process.pid, int(lab.document["endpoints"]["imap"]["port"])
    spent = []
    for _ in range(ROUNDS):
        session = imaplib.IMAP4("127.0.0.1", port)
        session.login("user", "minfo")
        begun = cpu(pid)
        assert session.select("INBOX") == ("OK", [str(MANY).encode()])
        spent.append((cpu(pid) - begun) * 1000)
        session.logout()
    report(f"SELECT of {MANY} messages, the first", f"{spent[0]:.1f} ms", "at most 20")
    report(f"SELECT of {MANY} messages, median", f"{median(spent):.1f} ms", "at most 20")
    assert lab.end(signal.SIGTERM) == (0, "")
    assert median(spent) <= 20


def test_append_by_imaplib_waits_for_no_acknowledgement(up: StartUp, report: Report) -> None:
    lab = up("--stage", "mail")
    session = imaplib.IMAP4("127.0.0.1", int(lab.document["endpoints"]["imap"]["port"]))
    session.login("user", "minfo")
    text = TEXT.format(number=1).encode() + b"x\r\n"
    waited = []
    for _ in range(50):
        begun = time.perf_counter()
        assert session.append("INBOX", "", "", text)[0] == "OK"
        waited.append((time.perf_counter() - begun) * 1000)
    report("APPEND by imaplib", f"{median(waited):.1f} ms", "less than 40: no delayed ACK")
    session.logout()
    assert median(waited) < 20
