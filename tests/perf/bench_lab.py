"""What the embedded lab costs, in CPU as its process accounts for it, beside Postfix's smtp-sink
and aiosmtpd, which take the same messages from the same client in the same run."""

from __future__ import annotations

import getpass
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from mailsim import Lab
from mailsim.dialogue.journey import journey
from mailsim.lab.client import find

if TYPE_CHECKING:
    from tests.conftest import StartUp, Up

Report = Callable[..., None]

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
SINK, SOURCE = (shutil.which(name, path=PATH) or "" for name in ("smtp-sink", "smtp-source"))
KB, MB = 1024, 1024 * 1024
ROUNDS = 5
USER_HZ = 100  # in which /proc counts, on all of Linux
# How often the client sends: enough for an account in hundredths of a second.
SMALL, BIG = 2000, 40
LABS = 20

pytestmark = [
    pytest.mark.perf,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="CPU is told by /proc"),
]
with_postfix = pytest.mark.skipif(
    not (SINK and SOURCE), reason="smtp-sink and smtp-source are Postfix's"
)


def cpu(pid: int) -> float:
    """Seconds that the process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / USER_HZ


def memory(pid: int) -> float:
    """Its resident set, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * mmap.PAGESIZE / MB


@pytest.fixture
def sink() -> Iterator[tuple[int, int]]:
    """smtp-sink: its pid and port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = ("-u", "nobody") if getpass.getuser() == "root" else ()  # it does not run as root
    with subprocess.Popen([SINK, *user, f"127.0.0.1:{port}", "100"]) as process:
        wait_for(port)
        yield process.pid, port
        process.kill()


@pytest.fixture
def plain() -> Iterator[tuple[int, int]]:
    """aiosmtpd: its pid and port."""
    program = Path(__file__).with_name("aiosmtpd_server.py")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.pid, int(process.stdout.readline())
        process.kill()


def wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(port)


def at(lab: Up, service: str = "smtp") -> tuple[int, int]:
    return lab.process.pid, int(lab.document["endpoints"][service]["port"])


def send(port: int, count: int, size: int) -> None:
    """So many messages of that size, on one connection that is kept."""
    envelope = ("-f", "user@minfo.sn", "-t", "cheikh@minfo.sn", "-M", "poste.minfo.sn")
    how = ("-d", "-s", "1", "-m", str(count), "-l", str(size))
    subprocess.run([SOURCE, *how, *envelope, f"127.0.0.1:{port}"], check=True)


def compare(
    servers: dict[str, tuple[int, int]],
    count: int,
    size: int,
    rest: Callable[[], object],
    rounds: int = ROUNDS,
) -> dict[str, float]:
    """Microseconds of CPU a message for each, in turns; `rest` waits until all is delivered."""
    spent: dict[str, list[float]] = {name: [] for name in servers}
    for turn in range(rounds + 1):
        for name, (pid, port) in servers.items():
            begun = cpu(pid)
            send(port, count, size)
            if name.startswith("lab"):
                rest()
            if turn:  # the first is for caches to fill
                spent[name].append((cpu(pid) - begun) / count * 1e6)
    return {name: median(each) for name, each in spent.items()}


def delivered(count: int) -> None:
    """All of it lies in the mailbox, stands in the log, and its journey can be read."""
    asked: Any = find("default")
    assert asked.ask("counts")["cheikh"]["INBOX"] == count
    lines = asked.ask("logs")["lines"]
    assert sum("status=sent" in line for line in lines) == count
    (newest,) = [asked.ask("mailboxes")[-1]]
    assert journey(lines, message_id=newest["message_id"])


def idle() -> None:
    asked: Any = find("default")
    asked.ask("idle", timeout=120)


@with_postfix
def test_a_small_message_at_stage_relay(
    up: StartUp, sink: tuple[int, int], plain: tuple[int, int], report: Report
) -> None:
    lab = up("--stage", "relay")
    servers = {"smtp-sink": sink, "aiosmtpd": plain, "lab": at(lab)}
    each = compare(servers, SMALL, KB, idle)
    for name, spent in each.items():
        report(f"1 KB, {name}", f"{spent:.0f} µs")
    delivered(SMALL * (ROUNDS + 1))
    report("1 KB, lab to smtp-sink", f"{each['lab'] / each['smtp-sink']:.1f}", "at most 10")
    report("1 KB, lab to aiosmtpd", f"{each['lab'] / each['aiosmtpd']:.2f}", "less than 1")
    assert each["lab"] <= 10 * each["smtp-sink"]
    assert each["lab"] < each["aiosmtpd"]


@with_postfix
def test_a_small_message_at_stage_sieve(up: StartUp, sink: tuple[int, int], report: Report) -> None:
    """Filtered by Amavis, ClamAV and SpamAssassin."""
    lab = up()
    each = compare({"smtp-sink": sink, "lab": at(lab)}, SMALL // 2, KB, idle, 3)
    report("1 KB, lab at stage sieve", f"{each['lab']:.0f} µs")
    report("1 KB, lab at stage sieve to smtp-sink", f"{each['lab'] / each['smtp-sink']:.1f}")


@with_postfix
def test_a_message_of_a_megabyte(up: StartUp, sink: tuple[int, int], report: Report) -> None:
    lab = up("--stage", "relay")
    each = compare({"smtp-sink": sink, "lab": at(lab)}, BIG, MB, idle)
    ratio = each["lab"] / each["smtp-sink"]
    for name, spent in each.items():
        report(f"1 MB, {name}", f"{spent / 1000:.1f} ms")
    report("1 MB, lab to smtp-sink", f"{ratio:.2f}", "at most 2")
    assert ratio <= 2


def questions(turn: int, count: int) -> list[bytes]:
    """A host, a domain's mail exchanger, an address's name, and a name that was never asked for."""
    made = []
    for number in range(count):
        labels, kind = (
            ("mail.minfo.sn", 1),
            ("ugb.sn", 15),
            ("1.10.168.192.in-addr.arpa", 12),
            (f"t{turn}n{number}.minfo.sn", 1),
        )[number % 4]
        name = b"".join(bytes([len(one)]) + one.encode() for one in labels.split("."))
        header = number.to_bytes(2, "big") + b"\x01\x00\x00\x01\0\0\0\0\0\0"
        made.append(header + name + b"\0" + kind.to_bytes(2, "big") + b"\x00\x01")
    return made


def test_a_question_to_the_name_server(up: StartUp, report: Report) -> None:
    pid, port = at(up("--seed", "1"), "dns")
    spent = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("127.0.0.1", port))
        asking.settimeout(10)
        for turn in range(ROUNDS):
            asked = questions(turn, 4000)
            begun = cpu(pid)
            for question in asked:
                asking.send(question)
                assert asking.recv(4096)[:2] == question[:2]
            spent.append((cpu(pid) - begun) / len(asked) * 1e6)
    report("DNS, a question", f"{median(spent):.0f} µs", "at most 400 µs")
    assert median(spent) <= 400


def test_up_and_its_memory(up: StartUp, report: Report) -> None:
    spent, sizes = [], []
    for _ in range(ROUNDS):
        lab = up("--seed", "1")
        spent.append(cpu(lab.process.pid) * 1000)
        sizes.append(memory(lab.process.pid))
        assert lab.end(signal.SIGTERM) == (0, "")
    report("mailsim up, until all answer", f"{median(spent[1:]):.0f} ms", "at most 600 ms")
    report("mailsim up, memory", f"{median(sizes):.0f} MB", "at most 80 MB")
    assert median(spent[1:]) <= 600  # the first makes the lab's authority, once for all
    assert median(sizes) <= 80


def test_memory_of_a_lab_at_work(up: StartUp, report: Report) -> None:
    """One of all stages' parts has been used: filter, peers, TLS."""
    lab = up("--seed", "1")
    asked: Any = find("default")
    with Lab() as here:
        for number in range(200):
            text = f"From: user@minfo.sn\nMessage-ID: <{number}@b>\n\n{'Bonjour ' * 100}\n"
            here.deliver(text, recipients=["cheikh@minfo.sn", "secretaire@ugb.sn"])
        here.idle()
        with here.smtp("submissions") as smtp:
            smtp.ehlo("poste.minfo.sn")
    assert asked.ask("counts")["secretaire@ugb.sn"]["INBOX"] == 200
    size = memory(lab.process.pid)
    report("a lab at work, memory", f"{size:.0f} MB", "at most 80 MB")
    assert size <= 80


def test_reset(up: StartUp, report: Report) -> None:
    lab = up("--seed", "1")
    asked: Any = find("default")
    times, begun = 40, cpu(lab.process.pid)
    for _ in range(times):
        asked.ask("reset")
    spent = (cpu(lab.process.pid) - begun) / times * 1000
    report("reset", f"{spent:.1f} ms", "at most 50 ms")
    assert spent <= 50


def test_twenty_labs_in_one_process(lab_home: Path, report: Report) -> None:
    del lab_home
    before, begun = memory(os.getpid()), time.process_time()
    labs = [Lab(name=f"lab{number}", seed=number) for number in range(LABS)]
    try:
        for lab in labs:
            lab.deliver("From: user@minfo.sn\nTo: cheikh@minfo.sn\n\nBonjour\n")
        for lab in labs:
            lab.idle()
            assert len(lab.mailboxes["cheikh"]["INBOX"]) == 1
        spent = time.process_time() - begun
        report("twenty labs in one process", f"{spent * 1000 / LABS:.0f} ms each")
        report("twenty labs in one process, memory", f"{memory(os.getpid()) - before:.0f} MB more")
    finally:
        for lab in labs:
            lab.close()


def test_twenty_labs_in_twenty_processes(up: StartUp, report: Report) -> None:
    labs = [up("--name", f"lab{number}", "--seed", str(number)) for number in range(LABS)]
    for number in range(LABS):
        with Lab(name=f"lab{number}") as lab:
            lab.deliver("From: user@minfo.sn\nTo: cheikh@minfo.sn\n\nBonjour\n")
            lab.idle()
            assert len(lab.mailboxes["cheikh"]["INBOX"]) == 1
    spent = [cpu(lab.process.pid) * 1000 for lab in labs]
    sizes = [memory(lab.process.pid) for lab in labs]
    report("twenty labs in twenty processes", f"{median(spent):.0f} ms each")
    report("twenty labs in twenty processes, memory", f"{sum(sizes):.0f} MB")
