"""What a hostile IMAP client may do: the right reply, memory within bounds, and nobody else waits."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.load.watched import Watched, Wire

if TYPE_CHECKING:
    from tests.conftest import StartUp

LOGIN = b"l LOGIN user minfo\r\n"
MESSAGE = b"From: autre_user@minfo.sn\r\nSubject: essai\r\n\r\nessai\r\n"
MUCH = 100_000_000
"""Octets: what never ends is cut off long before."""


@pytest.fixture
def lab(up: StartUp, tmp_path: Path) -> Iterator[Watched]:
    """At stage mail, where IMAP may be spoken in the clear; its mail is in a folder."""
    made = Watched(up("--stage", "mail", "--folder", str(tmp_path / "mail")))
    made.deliver("mactar", MESSAGE)
    yield made
    made.close()


def connected(lab: Watched, *, logged_in: bool) -> Wire:
    if logged_in:
        wire = lab.imap()
        wire.ask(b"s SELECT INBOX\r\n", b"s OK")
        return wire
    wire = lab.reach("imap")
    wire.until(rb"\* OK")
    return wire


def tagged(wire: Wire, command: bytes) -> bytes:
    """The reply to a command."""
    return wire.ask(b"t " + command + b"\r\n", b"t ")


# --- literals and lines --------------------------------------------------------------------------

TOO_BIG = b"* BYE Literal size too large\r\n"
FULL = b"* BYE Input buffer full, aborting\r\n"
LIMIT = b"a NO [LIMIT] Message size is larger than the maximum allowed size ("
UNKNOWN = b"a BAD Error in IMAP command FOO: Unknown command ("


def test_what_is_announced_too_big_is_refused_at_once(lab: Watched) -> None:
    after = {
        b"LOGIN user {65537+}": TOO_BIG,
        b"APPEND INBOX {99999999999}": LIMIT,
        b"APPEND INBOX {99999999999+}": TOO_BIG,
        b"SEARCH TEXT {99999999999}": TOO_BIG,
        b"SEARCH TEXT {65537}": TOO_BIG,
        b"SEARCH TEXT {65537+}": TOO_BIG,
        b"NOOP {99999999999999999999999999}": TOO_BIG,
        b"FOO {99999999999}": UNKNOWN,
        b"FOO {99999999999+}": TOO_BIG,
    }
    before = {**dict.fromkeys(after, TOO_BIG), b"LOGIN {5000}": TOO_BIG, b"LOGIN {5000+}": TOO_BIG}
    with lab.bounded():
        cases = [(False, *one) for one in before.items()] + [(True, *one) for one in after.items()]
        for logged_in, command, wanted in cases:
            wire = connected(lab, logged_in=logged_in)
            wire.say(b"a " + command + b"\r\n")
            said = wire.line()
            assert said.startswith(wanted), command
            if wanted.startswith(b"* BYE"):
                assert wire.line() == b"", command
            else:
                assert tagged(wire, b"NOOP").startswith(b"t OK"), command
            wire.close()


ENDLESS = (
    (False, b"a LOGIN ", b"x" * 32_768),
    (False, b"a AUTHENTICATE PLAIN\r\n", b"x" * 32_768),
    (False, b"a LOGIN", b" {4000+}\r\n" + b"x" * 4000),
    (False, b"a LOGIN", b" {0+}\r\n" * 1000),
    (True, b"a LOGIN", b" {4000+}\r\n" + b"x" * 4000),
    (True, b"a SEARCH", b" TEXT {60000+}\r\n" + b"x" * 60_000),
    (True, b"a SEARCH", b" TEXT {0+}\r\n" * 5000),
    (True, b"a APPEND INBOX", b" {10000000+}\r\n" + b"x" * 10_000_000),
    (True, b"a APPEND INBOX", b" {1+}\r\nx" * 5000),
)


def test_a_command_that_never_ends_is_cut_off(lab: Watched) -> None:
    for logged_in, begin, piece in ENDLESS:
        wire = connected(lab, logged_in=logged_in)
        with lab.bounded():
            wire.say(begin)
            heard = fed(wire, piece, lab.read_mail)
        assert heard.removeprefix(b"+ \r\n") in (b"", FULL)  # a reset may have overtaken it
    lab.read_mail()


def fed(wire: Wire, piece: bytes, once: Callable[[], object]) -> bytes:
    """Say it until the connection ends, and `once` in the midst of it; what was heard."""
    heard = b""
    try:
        for number in count():
            wire.say(piece)
            if number == 0:
                once()
            assert number * len(piece) < MUCH
            while select.select([wire.socket], [], [], 0)[0]:
                line = wire.line()
                if not line:
                    return heard
                heard += line
    except ConnectionError:
        pass
    return heard


def test_an_endless_line_is_answered_when_it_ends(lab: Watched) -> None:
    wire = connected(lab, logged_in=True)
    with lab.bounded():
        for piece in (b"x" * 65_536, b"(" * 65_536, b'"' * 65_536):
            wire.say(b"a SEARCH ")
            for number in range(MUCH // len(piece)):
                wire.say(piece)
                if number == 2:
                    lab.read_mail()
            wire.say(b"\r\n")
            assert b"BAD Error in IMAP command SEARCH: Too long argument" in wire.line()
            assert tagged(wire, b"NOOP").startswith(b"t OK")


# --- messages ------------------------------------------------------------------------------------

LEVELS = 1000


def multiparts() -> bytes:
    return MESSAGE.split(b"\r\n\r\n")[0] + b"".join(
        b"\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d" % (number, number)
        for number in range(LEVELS)
    )


def messages() -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * LEVELS + MESSAGE


def both() -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" % (number, number)
        for number in range(LEVELS)
    )


def test_parts_in_parts(lab: Watched) -> None:
    wire = lab.imap()
    path = b".".join([b"1"] * LEVELS)
    commands = [
        b"SELECT INBOX",
        b"FETCH * (ENVELOPE BODY BODYSTRUCTURE)",
        b"FETCH * (BODY.PEEK[%b] BODY.PEEK[%b.MIME] BODY.PEEK[%b])" % (path, path, path[:99]),
        b"FETCH * (BINARY.PEEK[] BINARY.SIZE[%b])" % path[:99],
        b"SEARCH OR TEXT aiguille BODY aiguille",
        b"SORT (SUBJECT FROM) UTF-8 ALL",
        b"THREAD REFERENCES UTF-8 TEXT aiguille",
    ]

    def bomb(deep: Callable[[], bytes]) -> None:
        content = deep() + b"\r\n\r\naiguille\r\n"
        for command in (b"APPEND INBOX {%d+}\r\n%b" % (len(content), content), *commands):
            assert tagged(wire, command).startswith(b"t OK"), command[:50]

    for deep in (multiparts, messages, both):
        with lab.bounded():
            lab.meanwhile(partial(bomb, deep))
        wire.say(b"t FETCH * BODYSTRUCTURE\r\n")
        # What lies deeper than Dovecot looks is a leaf.
        assert b'"application" "octet-stream"' in wire.until(rb"\* \d+ FETCH")
        wire.until(b"t OK")


def test_clients_that_never_read(lab: Watched) -> None:
    wire = lab.imap()
    big = b"Subject: gros\r\n\r\n" + b"y" * 78 + b"\r\n" * 5_000_000
    for _ in range(10):
        wire.ask(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(big), big), b"a OK")
    slow = [lab.imap() for _ in range(3)]
    with lab.bounded():
        for one in slow:
            one.ask(b"a SELECT INBOX\r\n", b"a OK")
            one.say(b"b FETCH 1:* BODY.PEEK[]\r\n" * 10)
        for _ in range(5):
            lab.read_mail()
    for one in slow:
        one.close()
    lab.read_mail()


# --- mailboxes -----------------------------------------------------------------------------------


def test_two_expunge_at_once(lab: Watched) -> None:
    """Each is told of each message, once, whoever was first."""
    many = 2000
    wires = [lab.imap(), lab.imap()]
    piece = b" {%d+}\r\n%b" % (len(MESSAGE), MESSAGE)
    for _ in range(many // 100):
        wires[0].ask(b"a APPEND INBOX" + piece * 100 + b"\r\n", b"a OK")
    told = [0, 0]

    def expunge(which: int) -> None:
        wire = wires[which]
        wire.ask(b"a SELECT INBOX\r\n", b"a OK")
        for first in range(1, many, 50):  # each takes some of what the other takes too
            wire.say(b"b UID STORE %d:%d +FLAGS.SILENT (\\Deleted)\r\n" % (first, first + 99))
            wire.say(b"c EXPUNGE\r\nd NOOP\r\n")
        for _ in range(1, many, 50):
            while not (line := wire.line()).startswith(b"d "):
                assert line
                number, _, what = line.removeprefix(b"* ").partition(b" ")
                if what == b"EXPUNGE\r\n":
                    assert 1 <= int(number) <= many - told[which]
                    told[which] += 1

    threads = [threading.Thread(target=expunge, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    lab.read_mail()
    for thread in threads:
        thread.join()
    assert told == [many, many]


def test_three_hundred_in_idle(lab: Watched) -> None:
    """All are told of all that another does, in its order."""
    idlers = [lab.imap() for _ in range(300)]
    writer = lab.imap()
    with lab.bounded():
        for one in (*idlers, writer):
            one.ask(b"a SELECT INBOX\r\n", b"a OK")
        for one in idlers:
            one.ask(b"b IDLE\r\n", rb"\+ ")
        for _ in range(20):
            assert tagged(writer, b"APPEND INBOX {%d+}\r\n%b" % (len(MESSAGE), MESSAGE))
        assert tagged(writer, b"STORE 6:15 +FLAGS.SILENT (\\Deleted)").startswith(b"t OK")
        assert tagged(writer, b"EXPUNGE").startswith(b"t OK")
        lab.read_mail()
        for one in idlers:
            one.say(b"DONE\r\n")
            assert told(one, b"b ") == (10, 10)


def told(wire: Wire, tag: bytes) -> tuple[int, int]:
    """How many messages there are, and how many went, as it was told until the tagged reply."""
    there = gone = 0
    while not (line := wire.line()).startswith(tag):
        number, _, what = line.removeprefix(b"* ").partition(b" ")
        if what == b"EXISTS\r\n":
            there = int(number)
        elif what == b"EXPUNGE\r\n":
            assert 6 <= int(number) <= min(15, there)
            there, gone = there - 1, gone + 1
    assert line.startswith(tag + b"OK")
    return there, gone


def test_ten_thousand_mailboxes(lab: Watched) -> None:
    many = 10_000
    wire = lab.imap()
    with lab.bounded():
        for first in range(0, many, 100):
            names = range(first, first + 100)
            wire.say(b"".join(b"a CREATE boite/%d/%d\r\n" % (one // 100, one) for one in names))
            for _ in names:
                assert wire.until(b"a ").startswith(b"a OK")
            if first == many // 2:
                lab.read_mail()
        for command in (b'LIST "" "*"', b'LIST "" "*" RETURN (STATUS (MESSAGES))'):
            wire.say(b"b " + command + b"\r\n")
            lab.read_mail()
            listed = 0
            while not (line := wire.line()).startswith(b"b "):
                assert line
                listed += line.startswith(b"* LIST")
            assert listed >= many
        assert tagged(wire, b'LIST "" "%"').startswith(b"t OK")
        assert tagged(wire, b"RENAME boite caisse").startswith(b"t OK")
        assert tagged(wire, b"STATUS caisse/99/9999 (MESSAGES)").startswith(b"t OK")
