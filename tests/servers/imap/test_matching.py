from __future__ import annotations

import pytest

from mailsim.servers.imap.casing import folded
from mailsim.servers.imap.matching import (
    Around,
    BadCharsetError,
    BadKeyError,
    Candidate,
    Query,
)
from mailsim.servers.store.values import Message
from mailsim.wire.imap.scanner import Scanner
from mailsim.wire.imap.search_keys import Key, read_keys

CONTENT = (
    "Date: Mon, 1 Jan 2024 23:30:00 -0500\r\nFrom: Aïssatou <a@minfo.sn>\r\nSubject: Réunion\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\nÀ midi.\r\n"
).encode()
AROUND = Around(now=1_000_000, largest=9, largest_uid=70, saved=(7,))


def candidate(
    content: bytes = CONTENT, flags: str = "\\Seen $Lu", *, recent: bool = False
) -> Candidate:
    message = Message(7, frozenset(flags.split()), 50, 999_000.5, len(content), "", saved=999_500)
    return Candidate(3, message, lambda: content, recent=recent)


def query(text: str, charset: str | None = None) -> Query:
    return Query(read_keys(Scanner((text.encode() + b"\r\n",), commands=True)), AROUND, charset)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("ALL", True),
        ("RECENT", True), ("NEW", False), ("OLD", False), ("NEW UNSEEN", False),
        ("3", True), ("1:2,4:*", False), ("$", True), ("UID 7", True), ("UID 8:*", False), ("UID 100:*", False),
        ("KEYWORD $LU", True), ("UNKEYWORD $lu", False),
        ("MODSEQ 50", True), ("MODSEQ 51", False),
        ("LARGER 10", True), ("SMALLER 10", False),
        (f"LARGER {len(CONTENT)}", False), (f"LARGER {len(CONTENT) - 1}", True), (f"SMALLER {len(CONTENT)}", False),
        ("YOUNGER 1000", True), ("YOUNGER 999", False), ("OLDER 1000", True), ("OLDER 1001", False),
        ("SENTON 1-Jan-2024", True), ("SENTON 2-Jan-2024", False), ("SENTON 31-Dec-2023", False), ("ON 12-Jan-1970", True),
        ("SAVEDSINCE 13-Jan-1970", False),
        ('SUBJECT "reunion"', False), ('SUBJECT "RÉUNION"', True), ('FROM "aÏssatou"', True), ("FROM minfo", True),
        ("BODY midi", True), ("BODY from", False), ("TEXT aïssatou", True), ('HEADER X ""', False),
        ('HEADER Subject ""', True), ("NOT SEEN", False), ("OR UNSEEN 3", True), ("(SEEN) (NOT (OR 1 2))", True),
        ("FUZZY BODY midi", True),
    ],
)  # fmt: skip
def test_keys(keys: str, expected: bool) -> None:  # noqa: FBT001 — what the key says
    assert query(keys.replace("aïssatou", '"aïssatou"')).matches(candidate(recent=True)) is expected


def test_a_message_that_is_new() -> None:
    assert query("NEW").matches(candidate(flags="", recent=True))


def test_content_is_read_only_where_it_decides() -> None:
    def no_content() -> bytes:
        raise AssertionError

    without = Candidate(3, candidate().message, no_content)
    assert not query("BODY x UNSEEN SUBJECT x").matches(without)
    assert query("OR BODY x SEEN").matches(without)
    assert not query("UNSEEN KEYWORD x").needs_content
    assert query("OR SEEN TEXT x").needs_content


# --- Charsets ------------------------------------------------------------------------------------


def test_charsets() -> None:
    assert Query([Key("BODY", ("midi",))], AROUND, "US-ASCII").matches(candidate())
    latin = b"\xe9".decode("utf-8", "surrogateescape")
    assert Query([Key("SUBJECT", (latin,))], AROUND, "ISO-8859-1").matches(candidate())
    with pytest.raises(BadKeyError):
        Query([Key("SUBJECT", (latin,))], AROUND, "UTF-8")
    with pytest.raises(BadCharsetError):
        Query([Key("ALL")], AROUND, "x-nulle-part")


def test_what_is_not_looked_for() -> None:
    with pytest.raises(BadKeyError):
        query("EMAILID x")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("été", "ÉTÉ", True),
        ("e\N{COMBINING ACUTE ACCENT}", "É", True),
        ("²", "2", True),
        ("ß", "SS", False),
        ("é", "e", False),
        ("ς", "Σ", True),
    ],
)
def test_folded(one: str, other: str, same: bool) -> None:  # noqa: FBT001 — what is expected
    assert (folded(one) == folded(other)) is same


# --- Text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "keys", "expected"),
    [
        ("Subject: =?utf-8?Q?=C3=A9t?=\r\n =?utf-8?Q?=C3=A9?=\r\n\r\n", 'SUBJECT "ÉTÉ"', True),
        ("Subject: un\r\n\tdeux\r\n\r\n", 'SUBJECT "un deux"', True),
        ("Subject: un   deux\r\n\r\n", 'SUBJECT "un deux"', True),
        ("Subject: un   deux\r\n\r\n", 'HEADER Subject "un deux"', False),
        ("From: Nom Deux <a@b>\r\n\r\n", 'FROM "deux\\" <a@"', True),
        ("From: a\r\n\r\n", "FROM MISSING", True),
        ("Subject: un\r\nSubject: deux\r\n\r\n", "SUBJECT deux", True),
        ("Content-Type: application/pdf\r\n\r\nmot", "BODY mot", False),
        ("Content-Transfer-Encoding: base64\r\n\r\nbW90", "BODY mot", True),
        ("Content-Transfer-Encoding: base64\r\n\r\nbW90", "BODY bw90", False),
        ("Content-Transfer-Encoding: quoted-printable\r\n\r\nm=\r\not", "BODY mot", True),
        ("Content-Transfer-Encoding: x\r\n\r\nmot", "BODY mot", False),
        ("Content-Type: text/plain; charset=utf-7\r\n\r\n+AOk-t", 'BODY "ét"', True),
        ("Content-Type: message/rfc822\r\n\r\nSubject: mot\r\n\r\nx", "BODY mot", False),
        ("Content-Type: message/rfc822\r\n\r\nSubject: mot\r\n\r\nx", "TEXT mot", True),
    ],
)
def test_text(content: str, keys: str, expected: bool) -> None:  # noqa: FBT001 — what is expected
    assert query(keys).matches(candidate(content.encode())) is expected
