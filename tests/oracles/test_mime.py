"""What our server says of messages is what Dovecot says of the same, octet for octet."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterator
from contextlib import ExitStack
from time import strptime

import pytest

from mailsim.servers.imap import describe, sections
from mailsim.servers.imap.matching import Around, Candidate, Query
from mailsim.servers.imap.sorting import in_order
from mailsim.servers.imap.threads import ALGORITHMS, threads
from mailsim.servers.store.values import Message
from mailsim.wire.imap.scanner import Scanner
from mailsim.wire.imap.search_keys import read_keys
from mailsim.wire.imap.section import Section
from mailsim.wire.mime import Part, parse
from mailsim.wire.mime.part import Kind
from tests.oracles.conftest import BOXES, PASSWORD, Servers
from tests.oracles.raw_imap import RawImap, literal
from tests.servers.imap.asked import ORDERS, searches
from tests.servers.imap.corpus import Case, corpus, with_crlf

pytestmark = pytest.mark.oracle

NOW = 1_800_000_000
FIELDS = ("Subject", "FROM", "x-1", "Content-Type")
PARTIALS = (None, (0, 7), (3, 20), (1_000_000, 5), (2, 0))
# Where a message or multipart that may not be encoded says it is, or a part is empty, Dovecot
# 2.3.19 loses octets of BINARY and its BINARY.SIZE is another: there we send what is there.
BINARY_DIFFERS = re.compile(r"random-|part-message-base64")


def selected(servers: Servers) -> RawImap:
    """Another connection with the cases."""
    client = RawImap(servers.address, servers.ports["imap"])
    client.ok(f"LOGIN {BOXES[-1]} {PASSWORD}".encode())
    client.ok(b"SELECT corpus")
    return client


@pytest.fixture(scope="module")
def imap(servers: Servers) -> Iterator[RawImap]:
    """Dovecot with all cases in a mailbox, selected."""
    with RawImap(servers.address, servers.ports["imap"]) as client:
        client.ok(f"LOGIN {BOXES[-1]} {PASSWORD}".encode())
        client.ok(b"CREATE corpus")
        for case in corpus():
            client.append(b"corpus", case.content, case.flags, case.received)
        client.ok(b"SELECT corpus")
        yield client


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    return [candidate(number, case) for number, case in enumerate(corpus(), 1)]


def candidate(number: int, case: Case) -> Candidate:
    content = with_crlf(case.content)
    received = timegm(strptime(case.received, "%d-%b-%Y %H:%M:%S +0000"))
    message = Message(
        number, frozenset(case.flags.split()), 1, received, len(content), "", saved=NOW
    )  # fmt: skip
    return Candidate(number, message, lambda: content)


def test_there_are_enough() -> None:
    assert len(corpus()) >= 200
    assert len({case.name for case in corpus()}) == len(corpus())


# --- ENVELOPE, BODY, BODYSTRUCTURE ---------------------------------------------------------------


def test_descriptions(imap: RawImap) -> None:
    told = imap.ok(b"FETCH 1:* (RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)")
    assert len(told) == len(corpus())
    for number, (case, response) in enumerate(zip(corpus(), told, strict=True), 1):
        content = with_crlf(case.content)
        message = parse(content)
        expected = b"* %d FETCH (RFC822.SIZE %d ENVELOPE %b BODY %b BODYSTRUCTURE %b)\r\n" % (
            number, len(content), describe.envelope(message), describe.body(message), describe.body_structure(message),
        )  # fmt: skip
        assert response == expected, case.name


# --- BODY[…], BINARY[…] --------------------------------------------------------------------------


def numbers(part: Part, prefix: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The numbers of all parts, and some that no part has."""
    parts = part.children if part.kind is Kind.MULTIPART else [part]
    for number, one in enumerate(parts, 1):
        path = (*prefix, number)
        yield from (path, (*path, 1))
        if one.kind is Kind.MULTIPART:
            yield from numbers(one, path)
        elif one.kind is Kind.MESSAGE:
            yield from numbers(one.children[0], path)
    yield (*prefix, len(parts) + 1)


def paths(message: Part) -> list[tuple[int, ...]]:
    found = list(dict.fromkeys(numbers(message)))
    return [*found[:8], *found[8:][-6:]]


def body_sections(message: Part) -> Iterator[Section]:
    yield from (Section(), Section((), "HEADER"), Section((), "TEXT"))
    for path in ((), *paths(message)):
        yield Section(path, "HEADER.FIELDS", FIELDS)
        yield Section(path, "HEADER.FIELDS.NOT", FIELDS)
        if path:
            yield from (Section(path, text) for text in ("", "MIME", "HEADER", "TEXT"))


def test_sections(imap: RawImap) -> None:
    for number, case in enumerate(corpus(), 1):
        content = with_crlf(case.content)
        asked = list(body_sections(parse(content)))
        for turn, section in enumerate(asked):
            partial = PARTIALS[(number + turn) % len(PARTIALS)]
            cut = "<{}.{}>".format(*partial) if partial else ""
            [told] = imap.ok(f"FETCH {number} BODY.PEEK{section}{cut}".encode())
            label = str(section).replace("x-1", "X-1").upper() + (
                f"<{partial[0]}>" if partial else ""
            )
            found, _ = literal(told, f"BODY{label}".encode())
            assert sections.content(content, section, partial) == found, (case.name, str(section))


def test_the_old_names(imap: RawImap) -> None:
    """RFC822.HEADER and the like are sections under another name."""
    told = imap.ok(b"FETCH 1:* (RFC822.HEADER)")
    for case, response in zip(corpus(), told, strict=True):
        expected = sections.content(with_crlf(case.content), Section((), "HEADER"))
        assert literal(response, b"RFC822.HEADER")[0] == expected, case.name


def test_binary(imap: RawImap, servers: Servers) -> None:
    del imap  # the messages are there
    with ExitStack() as stack:
        client = stack.enter_context(selected(servers))
        for number, case in enumerate(corpus(), 1):
            content = with_crlf(case.content)
            message = parse(content)
            for path in ((), *paths(message)):
                part = sections.find(message, path)
                if part and (not part.size or (part.children and BINARY_DIFFERS.match(case.name))):
                    continue
                try:
                    told = binary_told(client, number, ".".join(map(str, path)))
                except EOFError:
                    # Of base64 or quoted-printable that breaks off, Dovecot 2.3.19 dies; we say
                    # what it says of other broken data.
                    client = stack.enter_context(selected(servers))
                    told = ("PARSE", "PARSE")
                assert binary(content, path) == told, (case.name, path)


def binary(content: bytes, path: tuple[int, ...]) -> tuple[object, object]:
    """Ours: the octets and whether they are a literal8, and the size; or the codes of refusals."""
    whole: object
    size: object
    try:
        whole = sections.binary(content, path)
    except sections.UndecodableError as error:
        whole = error.code
    try:
        size = sections.binary_size(content, path)
    except sections.UndecodableError as error:
        size = error.code
    return whole, size


def binary_told(client: RawImap, number: int, path: str) -> tuple[object, object]:
    """Dovecot's."""
    told: list[object] = []
    for name in (f"BINARY[{path}]", f"BINARY.SIZE[{path}]"):
        asked = name.replace("BINARY[", "BINARY.PEEK[")
        untagged, tagged = client.command(f"FETCH {number} {asked}".encode())
        if tagged.startswith(b"NO ["):
            told.append(tagged[4:].partition(b"]")[0].decode())
        elif "SIZE" in name:
            told.append(int(untagged[0].rpartition(b" ")[2].rstrip(b")\r\n")))
        else:
            told.append(literal(untagged[0], name.encode()))
    return told[0], told[1]


# --- SEARCH, SORT, THREAD ------------------------------------------------------------------------


def found_by(response: bytes) -> list[int]:
    """The numbers of a SEARCH or SORT response, without the MODSEQ that may follow them."""
    return [int(word) for word in response.partition(b" (")[0].split()[2:]]


def test_search(imap: RawImap, candidates: list[Candidate]) -> None:
    around = Around(NOW, len(candidates), len(candidates))
    for units in searches():
        # "KEYWORD nulle" makes that keyword, MODSEQ tells of mod-sequences first.
        untagged = imap.ok(b"SEARCH CHARSET UTF-8 " + b"".join(units))
        told = next(one for one in untagged if one.startswith(b"* SEARCH"))
        keys = read_keys(Scanner((*units[:-1], units[-1] + b"\r\n"), commands=True))
        query = Query(keys, around, "UTF-8")
        expected = [one.number for one in candidates if query.matches(one)]
        assert expected == found_by(told), units


@pytest.mark.parametrize("order", ORDERS)
def test_sort(imap: RawImap, candidates: list[Candidate], order: str) -> None:
    [told] = imap.ok(f"SORT ({order}) UTF-8 ALL".encode())
    assert [one.number for one in in_order(candidates, order.split())] == found_by(told)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("first", "last"), [(1, 10_000), (1, 200), (200, 10_000)])
def test_thread(
    imap: RawImap, candidates: list[Candidate], algorithm: str, first: int, last: int
) -> None:
    [told] = imap.ok(f"THREAD {algorithm} UTF-8 {first}:{min(last, len(candidates))}".encode())
    chosen = candidates[first - 1 : last]
    expected = threads(chosen, algorithm, lambda one: one.number)
    assert f"* THREAD {expected}\r\n".encode() == told
