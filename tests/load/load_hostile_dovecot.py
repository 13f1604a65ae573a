"""What a hostile client may do to POP3, ManageSieve and STARTTLS, and to those who sit in IDLE."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.load.load_connections import memory
from tests.load.watched import MOST, Watched, Wire

if TYPE_CHECKING:
    from tests.conftest import StartUp

MESSAGE = b"From: autre_user@minfo.sn\r\nSubject: essai\r\n\r\nessai\r\n"
AHEAD = 5000
"""So many commands are said ahead of their answers."""
MEGABYTE = 1_000_000


@pytest.fixture
def lab(up: StartUp, tmp_path: Path) -> Iterator[Watched]:
    """The complete system; its mail is in a folder."""
    made = Watched(up("--folder", str(tmp_path / "mail")))
    made.deliver("mactar", MESSAGE)
    yield made
    made.close()


# --- pipelines -----------------------------------------------------------------------------------


def test_a_pipeline_keeps_nobody_waiting(lab: Watched) -> None:
    with lab.bounded():
        overtaken(lab, lab.pop3(), b"NOOP\r\n", 100_000)
        overtaken(lab, lab.sieve(), b"NOOP\r\n", 20_000)
        overtaken(lab, lab.imap(), b"a NOOP\r\n", 20_000)


def overtaken(lab: Watched, wire: Wire, command: bytes, times: int) -> None:
    """Somebody else reads mail while there are thousands of commands to be answered."""
    reader = threading.Thread(target=lab.read_mail)
    wire.say(command * AHEAD)
    reader.start()
    waited = 0
    for number in range(times):
        if number % AHEAD == 0:
            wire.say(command * AHEAD)
        assert wire.line().startswith((b"+OK", b"OK", b"a OK"))
        waited += reader.is_alive()
    reader.join()
    assert waited < times


def test_a_pipeline_whose_answers_nobody_reads(lab: Watched) -> None:
    """The server stops to listen, and holds no more than fits between them."""
    wires = {lab.pop3(): b"NOOP\r\n", lab.sieve(): b"NOOP\r\n", lab.imap(): b"a NOOP\r\n"}
    with lab.bounded():
        for wire, command in wires.items():
            wire.socket.settimeout(1.0)
            with pytest.raises(TimeoutError):
                wire.say(command * 10_000_000)
        lab.read_mail()


# --- lines and literals --------------------------------------------------------------------------


def test_pop3_lines_that_never_end(lab: Watched) -> None:
    before_login = lab.secure(lab.reach("pop3s"))
    before_login.until(rb"\+OK")
    with lab.bounded():
        for wire in (before_login, lab.pop3()):
            assert heard(wire, b"LIST ", b"9" * 65_536) in (b"", b"-ERR")
            lab.read_mail()


def heard(wire: Wire, begin: bytes, piece: bytes) -> bytes:
    """The first word of the answer to what never ends; b"" where a reset has overtaken it."""
    said = b""
    try:
        wire.say(begin)
        for _ in range(1000):
            wire.say(piece)
            if select.select([wire.socket], [], [], 0)[0]:
                said = wire.line()
                break
        else:
            raise AssertionError("it is never cut off")
    except OSError:
        pass
    return said.partition(b" ")[0].rstrip()


# --- scripts -------------------------------------------------------------------------------------

SCRIPTS = {
    b"keep;\r\n" * (MEGABYTE // 7): b"NO",
    b"#x\r\n" * (MEGABYTE // 4): b"OK",
    b"/* " + b"x" * MEGABYTE + b" */": b"OK",
    b'require "fileinto"; fileinto "' + b"x" * MEGABYTE + b'";': None,
    b'if header "x" [' + b",".join([b'"a"'] * (MEGABYTE // 4)) + b"] { keep; }": b"NO",
    b"if true {" * (MEGABYTE // 9): b"NO",
    b"if " + b"not " * (MEGABYTE // 4) + b"true { keep; }": b"NO",
    b"if " + b"anyof(" * (MEGABYTE // 6): b"NO",
    b'require "regex"; if header :regex "a" "' + b"(a|b)*" * (MEGABYTE // 6) + b'" { keep; }': b"NO",
    b"(" * MEGABYTE: b"NO",
    b'"' * MEGABYTE: b"NO",
    b"\xff" * MEGABYTE: b"NO",
    b"require 'x" + b"\r\n" * (MEGABYTE // 2): b"NO",
}  # fmt: skip


def test_scripts_of_a_megabyte(lab: Watched) -> None:
    before = memory(lab.pid)
    wire = lab.sieve()
    for number, (script, wanted) in enumerate(SCRIPTS.items()):
        with lab.bounded():
            for verb in (b"CHECKSCRIPT", b'PUTSCRIPT "s%d"' % number):
                # Each is another: what is known of one says nothing of the next.
                text = script + b"\r\n# %d\r\n" % len(verb)
                wire.say(verb + b" {%d+}\r\n%b\r\n" % (len(text), text))
                lab.read_mail()
                said = answer(wire)
                assert said.startswith(wanted or (b"OK", b"NO")), script[:40]
    assert memory(lab.pid) - before <= MOST


def answer(wire: Wire) -> bytes:
    """The line that answers; what a literal or a string in it has besides is passed over."""
    line = wire.line()
    while not line.startswith((b"OK", b"NO", b"BYE")):
        assert line
        line = wire.line()
    wire.say(b'NOOP "fin"\r\n')
    while b"fin" not in wire.line():
        pass
    return line


def test_scripts_that_are_too_long_or_never_end(lab: Watched) -> None:
    with lab.bounded():
        wire = lab.sieve()
        wire.say(b'PUTSCRIPT "a" {99999999999+}\r\n')
        lab.read_mail()
        assert wire.line().startswith((b"BYE", b"NO"))
        for verb in (b'PUTSCRIPT "a"', b"CHECKSCRIPT"):
            wire = lab.sieve()
            wire.say(verb + b" {2000000+}\r\n" + b"#" * 2_000_000 + b"\r\n")
            assert answer(wire).startswith(b"NO")
        for begin, piece in ((b'PUTSCRIPT "a', b"x" * 65_536), (b"NOOP ", b'"x" ' * 16_384)):
            assert heard(lab.sieve(), begin, piece) in (b"", b"BYE", b"NO")
            lab.read_mail()


def test_a_script_of_a_megabyte_runs(lab: Watched) -> None:
    wire = lab.sieve("cheikh")
    text = b"#x\r\n" * (MEGABYTE // 4 - 10) + b"keep;\r\n"
    wire.say(b'PUTSCRIPT "gros" {%d+}\r\n%b\r\n' % (len(text), text))
    assert answer(wire).startswith(b"OK")
    wire.ask(b'SETACTIVE "gros"\r\n', b"OK")
    with lab.bounded():
        lab.meanwhile(lambda: lab.deliver("cheikh", MESSAGE))
    assert b" EXISTS" in lab.imap("cheikh").ask(b"b SELECT INBOX\r\n", rb"\* [1-9]\d* EXISTS")
