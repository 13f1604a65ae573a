"""What SEARCH, SORT and THREAD are asked of the messages to compare by."""

from __future__ import annotations

from collections.abc import Iterator

from tests.servers.imap.corpus_headers import SUBJECTS

_WORDS = (
    "réunion", "ÉTÉ", "e\u0301", "Straße", "strasse", "fin", "ω", "a", "Dakar", "reunion", "corps", "niveau",
    "=?x", "--b", "été Dakar", "au fond", "première", "<a@b", "a@b", "foobar", "MISSING", "us-ascii", "=C3",
    "fil a", "liste", "re:", "(fwd)", "ﬁn", "Saint-Louis", "tété", "gras", "message/rfc822", "content-type: text",
    "\\", '"', "'", "beaucoup de", "long long", "nom (c", "Foo Bar", "xyz", 'un "deux',
)  # fmt: skip
_DAYS = (
    "1-Jan-1970", "2-Jan-1999", "29-Feb-2000", "1-Jan-2024", "2-Jan-2024", "4-Jan-2024", "6-Jan-2024", "7-Jan-2024",
    "3-Mar-2023", "15-Feb-2024", "31-Dec-2049", "1-Jan-2100", "30-Feb-2024",
)  # fmt: skip
_OTHERS = (
    "ALL", "KEYWORD $lu", "UNKEYWORD PERSO", "KEYWORD nulle", "1:10", "5,7:9,*", "UID 3:5,300:*", "400:*", "NOT 1:300",
    "UID 4000:*", "OR 1:3 SEEN", "OR (SEEN DELETED) (FLAGGED)", "NOT (SEEN)", "NOT NOT SEEN", "(SEEN) (UNSEEN)",
    "OR SUBJECT x OR TO x CC x", "NOT SUBJECT a", "NOT BODY a", "SEEN SUBJECT a BODY x", "OR BODY a SUBJECT b",
    'HEADER SUBJECT ""', 'HEADER x-1 ""', 'HEADER "" ""', 'FROM ""', 'BODY ""', 'NOT TEXT ""', "YOUNGER 1000",
    "OLDER 1000", "YOUNGER 2000000000", "MODSEQ 1", 'MODSEQ "/flags/\\\\seen" all 1', "FUZZY SUBJECT mime",
    "SAVEDATESUPPORTED", "SAVEDBEFORE 1-Jan-2020", "SAVEDSINCE 1-Jan-2020",
)  # fmt: skip

ORDERS = (
    "ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "REVERSE SUBJECT",
    "REVERSE DATE SUBJECT", "FROM REVERSE SIZE", "SUBJECT REVERSE FROM DATE", "REVERSE CC TO",
    "DISPLAYFROM REVERSE DISPLAYTO",
)  # fmt: skip


def searches() -> Iterator[tuple[bytes, ...]]:
    """Search keys as units: a line, or a line and a literal with what follows it."""
    for word in (*_WORDS, *SUBJECTS):
        octets = word.encode()
        for name in ("SUBJECT", "FROM", "TO", "CC", "BCC", "BODY", "TEXT", *map(_header, _HEADERS)):
            yield f"{name} {{{len(octets)}+}}\r\n".encode(), octets, b""
    for name in ("BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"):
        yield from ((f"{name} {day}".encode(),) for day in _DAYS)
    for size in (0, 57, 100, 500, 5000, 2**31):
        yield from ((f"{name} {size}".encode(),) for name in ("LARGER", "SMALLER"))
    for flag in ("ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN"):
        yield from ((f"{un}{flag}".encode(),) for un in ("", "UN"))
    yield from ((other.encode(),) for other in _OTHERS)


_HEADERS = ("Message-ID", "Subject", "Reply-To", "Content-Type", "References", "X-Divers", "")


def _header(name: str) -> str:
    return f'HEADER "{name}"'
