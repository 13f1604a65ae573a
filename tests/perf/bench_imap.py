from __future__ import annotations

import imaplib
import io
import time
from collections.abc import Callable
from statistics import median

import pytest

from mailsim.wire.imap.frames import FrameReader
from mailsim.wire.imap.response_reader import read_response

pytestmark = pytest.mark.perf

MB = 1_000_000
CUT = 65_536  # what one reading of a socket gives at most
LIMIT = 10**9
# Linear: a megabyte of a hundred may cost what the noise of a machine adds, not a multiple.
BOUND = 1.5
OFTEN = {1: 15, 10: 3, 100: 1}  # megabytes: how often


def messages(megabytes: int) -> bytes:
    """FETCH responses of 10 KB each, the body as a literal."""
    body = (b"x" * 78 + b"\r\n") * 128
    items = b"UID %d FLAGS (\\Seen) RFC822.SIZE %d BODY[] {%d}\r\n%b"
    one = b"* %d FETCH (" + items + b")\r\n"
    count = megabytes * MB // len(one % (1, 1, len(body), len(body), body))
    return b"".join(one % (n, n, len(body), len(body), body) for n in range(1, count + 1))


def flags(megabytes: int) -> bytes:
    """FETCH responses of a line each: parsing alone."""
    one = b'* %d FETCH (UID %d FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700")\r\n'
    return b"".join(one % (n, n) for n in range(1, megabytes * MB // len(one) + 1))


def big(megabytes: int) -> bytes:
    """One response with one literal of that size."""
    size = megabytes * MB
    return b"* 1 FETCH (BODY[] {%d}\r\n%b)\r\n" % (size, b"y" * size)


def ours(data: bytes) -> int:
    reader = FrameReader(line=CUT, block=LIMIT, frame=2 * LIMIT + CUT)
    count = 0
    for at in range(0, len(data), CUT):
        reader.feed(data[at : at + CUT])
        while units := reader.next():
            read_response(units)
            count += 1
    return count


class Canned(imaplib.IMAP4):
    """imaplib with its own parser, and with answers from memory in place of a socket's."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._now = self._then = io.BufferedReader(io.BytesIO(b"* OK ready\r\n"), CUT)
        super().__init__()

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Nothing to open."""

    def send(self, data: bytes) -> None:  # type: ignore[override]
        tag, verb = data.split()
        said = b"* CAPABILITY IMAP4rev1\r\n" if verb == b"CAPABILITY" else self._data
        self._now = io.BufferedReader(io.BytesIO(said), CUT)
        self._then = io.BufferedReader(io.BytesIO(tag + b" OK done\r\n"))

    def read(self, size: int) -> bytes:
        return self._now.read(size)

    def readline(self) -> bytes:
        return self._now.readline() or self._then.readline()

    def shutdown(self) -> None:
        """Nothing to close."""


def theirs(data: bytes) -> int:
    client = Canned(data)
    assert client.noop()[0] == "OK"
    return sum(1 for part in client.untagged_responses["FETCH"] if part != b")")


def seconds(parse: Callable[[bytes], int], data: bytes, times: int) -> tuple[float, int]:
    spent, count = [], 0
    for _ in range(times):
        begun = time.process_time()
        count = parse(data)
        spent.append(time.process_time() - begun)
    return median(spent), count


def compare(make: Callable[[int], bytes], sizes: list[int], report: Callable[..., None]) -> float:
    """What a megabyte of the largest takes, by what one of the smallest takes."""
    each = []
    for megabytes in sizes:
        data = make(megabytes)
        our, count = seconds(ours, data, OFTEN[megabytes])
        their, same = seconds(theirs, data, OFTEN[megabytes])
        assert count == same
        size = len(data) / MB
        each.append(our / size)
        what = f"IMAP FETCH, {make.__name__}, {megabytes} MB"
        report(what, f"{size / our:.0f} MB/s", f"imaplib: {size / their:.0f} MB/s")
    return each[-1] / each[0]


def test_fetch_responses_are_parsed_in_linear_time(report: Callable[..., None]) -> None:
    ratio = compare(messages, [1, 10, 100], report)
    report("IMAP FETCH, messages, CPU a MB: 100 to 1", f"{ratio:.2f}", f"at most {BOUND}")
    assert ratio <= BOUND


def test_so_are_responses_without_literals(report: Callable[..., None]) -> None:
    """imaplib leaves the items as they came; ours are values."""
    ratio = compare(flags, [1, 10], report)
    report("IMAP FETCH, flags, CPU a MB: 10 to 1", f"{ratio:.2f}", f"at most {BOUND}")
    assert ratio <= BOUND


def test_one_big_literal(report: Callable[..., None]) -> None:
    """No bound: past the processor's cache it is the memory that is measured, imaplib's too."""
    compare(big, [1, 10, 100], report)
