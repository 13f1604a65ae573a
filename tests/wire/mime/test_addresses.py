from __future__ import annotations

from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.wire.mime.addresses import Mailbox, _Reader, parse_addresses, written

TOKENS = st.lists(
    st.sampled_from(
        [b"a", b"b c", b"@", b".", b",", b";", b":", b"<", b">", b'"', b"(", b")", b"\\", b" ", b"\n ", b"\t", b"[",
         b"]", b"\xe9", b"\0", b'"q n"', b"x@y.z", b"Nom <c@d>", b"g h:;", b"=?utf-8?Q?=C3=A9?="]
    ),
    max_size=14,
).map(b"".join)  # fmt: skip


def read(field: str) -> list[tuple[str | None, str | None]]:
    return [
        (one.name.decode() if one.name is not None else None, one.email)
        for one in parse_addresses(field.encode())
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("user@minfo.sn", [(None, "user@minfo.sn")]),
        ("Fred Foobar <foobar@Blurdybloop.example>", [("Fred Foobar", "foobar@Blurdybloop.example")]),
        ('"Giant; \\"Big\\" Box" <sysservices@example.net>', [('Giant; "Big" Box', "sysservices@example.net")]),
        # RFC 5322 A.1.3: groups are marked by their beginning and end.
        (
            "A Group:Ed Jones <joe@where.test>,john@one.test;",
            [(None, None), ("Ed Jones", "joe@where.test"), (None, "john@one.test"), (None, None)],
        ),
        ("Undisclosed recipients:;", [(None, None), (None, None)]),
        # RFC 5322 A.5: space and comments anywhere.
        ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", [("Pete", "pete@silly.test")]),
        ("user@minfo.sn (Nom complet)", [("Nom complet", "user@minfo.sn")]),
        ("<@r1,@r2:a@b>", [(None, "a@b")]),
        ("a@[192.168.10.1]", [(None, "a@[192.168.10.1]")]),
        ("..a..@b", [(None, "..a..@b")]),
        ("a@b, , c@d,", [(None, "a@b"), (None, None), (None, "c@d")]),
        ("", []),
        ("(rien)", []),
    ],
)  # fmt: skip
def test_addresses(field: str, expected: list[tuple[str | None, str | None]]) -> None:
    assert read(field) == expected


def test_what_is_missing_is_filled() -> None:
    [one] = parse_addresses(b"a b c")
    assert one == Mailbox(b"a b c", None, b"MISSING_MAILBOX", b"MISSING_DOMAIN", broken=True)
    for field in (b"a@b.", b"a@b..c", b"a@.b", b"a@"):
        [one] = parse_addresses(field)
        assert (one.mailbox, one.domain, one.broken) == (b"a", b"MISSING_DOMAIN", True)
    [one] = parse_addresses(b"Nom <a@>")
    assert (one.domain, one.broken, one.email) == (b"SYNTAX_ERROR", True, None)


@given(TOKENS)
def test_the_short_way_reads_as_the_long_way(field: bytes) -> None:
    for most in (None, 1, 2):
        assert parse_addresses(field, most) == the_long_way(field, most)


def the_long_way(field: bytes, most: int | None) -> list[Mailbox]:
    """By the grammar alone."""
    reader, at = _Reader(field), 0
    while reader.read(at) and (most is None or len(reader.found) < most):
        at = reader.pos
    return reader.found


@given(TOKENS)
def test_any_list_is_read_and_what_is_written_is_read_again(field: bytes) -> None:
    found = parse_addresses(field)
    # Encoded words are written as they are, whatever stands beside them.
    if b"=?" not in field and all(not one.broken and one.route is None for one in found):
        again = parse_addresses(written(found))
        assert [one.email for one in again] == [one.email for one in found]


@pytest.mark.parametrize(
    "field",
    ["a@b.sn", "Nom <a@b>", '"N, P" <a@b>, c@d', "a@b (Nom)", "Deux Mots <x@y.z>,Un <u@v>"],
)
def test_the_standard_library_agrees(field: str) -> None:
    expected = [(name or None, address) for name, address in getaddresses([field])]
    assert read(field) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("a@b", "<a@b>"),
        ("Nom Deux <a@b>", '"Nom Deux" <a@b>'),
        ("Nom <a@b>, c@d", "Nom <a@b>, <c@d>"),
        ("G: a@b, c@d;, e@f", "G: <a@b>, <c@d>;, <e@f>"),
        ("G:;", "G:;"),
        ("=?utf-8?Q?=C3=A9?= x <a@b>", "=?utf-8?Q?=C3=A9?= x <a@b>"),
    ],
)
def test_written(field: str, expected: str) -> None:
    assert written(parse_addresses(field.encode())).decode() == expected
