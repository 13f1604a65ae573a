from __future__ import annotations

import base64
import email
import quopri
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.wire.mime import decode_words, parse
from mailsim.wire.mime.charsets import codec, to_text
from mailsim.wire.mime.dates import midnight, parse_date
from mailsim.wire.mime.fields import clean, iter_fields, values_by_name
from mailsim.wire.mime.message_ids import message_ids
from mailsim.wire.mime.parameters import (
    param_text,
    read_content_type,
    read_disposition,
    read_encoding,
    read_languages,
)
from mailsim.wire.mime.transfer import (
    decode,
    decode_base64,
    decode_quoted_printable,
    decode_strictly,
)


def values(header: bytes) -> dict[bytes, list[bytes]]:
    return values_by_name(header, 0, len(header))


# --- Fields --------------------------------------------------------------------------------------


def test_fields() -> None:
    header = b"A: b\r\n  c\r\nno colon\r\n x\r\n: y\r\na :  z \r\nD:\r\n\r\n"
    assert values(header) == {b"a": [b"b\n  c", b"z "], b"": [b"no colon\n x", b"y"], b"d": [b""]}
    assert [header[one.start : one.end] for one in iter_fields(header, 0, len(header))] == [
        b"A: b\r\n  c\r\n", b"no colon\r\n x\r\n", b": y\r\n", b"a :  z \r\n", b"D:\r\n",
    ]  # fmt: skip


LINES = [b"A: b\r\n", b" c\r\n", b"\t\r\n", b": d\n", b"no colon\r\n", b"a :\te \r\n"]


@given(st.lists(st.sampled_from(LINES)).map(b"".join))
def test_fields_cover_the_header(header: bytes) -> None:
    found = list(iter_fields(header, 0, len(header)))
    assert header == b"".join(header[one.start : one.end] for one in found)
    expected: dict[bytes, list[bytes]] = {}
    for one in found:
        line = header[one.start : one.end]
        value = clean(b" " + line) if one.raw is None else one.value
        expected.setdefault(b"" if one.raw is None else one.key, []).append(value)
    assert values(header) == expected


# --- Encoded words -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        # RFC 2047 §8
        ("=?ISO-8859-1?Q?a?=", "a"),
        ("=?ISO-8859-1?Q?a?= b", "a b"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a?=\n    =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a_b?=", "a b"),
        ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),  # RFC 2231 §5
        ("=?utf-8?B?w6k=?=", "é"),
        ("=?utf-8?b?w6k?=", "é"),
        ("=?x-nulle-part?Q?a=C3=A9?=", "aé"),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("=?utf-8?Q?sans fin", "=?utf-8?Q?sans fin"),
        ("une ligne\n  pliée", "une ligne  pliée"),
    ],
)
def test_words(field: str, expected: str) -> None:
    assert decode_words(field.encode()) == expected


@pytest.mark.parametrize(
    "field", ["=?utf-8?Q?=C3=A9t=C3=A9?=", "a =?iso-8859-1?B?6Q==?= b", "=?koi8-r?B?1MXT1A==?="]
)
def test_the_standard_library_agrees_on_words(field: str) -> None:
    assert decode_words(field.encode()) == str(make_header(decode_header(field)))


def test_only_charsets_are_looked_up() -> None:
    assert codec("hex") is codec("zlib") is codec("../x") is None
    assert to_text(b"\xe9", "iso-8859-1") == "é"
    assert to_text(b"a\xff", "x-nulle-part") == "a\N{REPLACEMENT CHARACTER}"


# --- Parameters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('attachment; filename="un deux.txt"', "un deux.txt"),
        ("attachment; filename*=utf-8''%C3%A9t%C3%A9.txt", "été.txt"),
        ("attachment; filename*0=un; filename*1=deux", "undeux"),
        ("attachment; filename*0*=iso-8859-1''%E9; filename*1=x", "éx"),
        ("attachment; filename*0*=utf-8''%C3%A9; filename*1=%41", "é%41"),
        ("attachment", None),
    ],
)
def test_file_names(field: str, expected: str | None) -> None:
    content = f"Content-Type: application/x\r\nContent-Disposition: {field}\r\n\r\nx".encode()
    assert parse(content).filename == email.message_from_bytes(content).get_filename() == expected


@pytest.mark.parametrize(
    ("field", "media_type", "params"),
    [
        ("TEXT/Plain; CharSet=UTF-8", b"TEXT/Plain", ((b"CharSet", b"UTF-8"),)),
        ("text", b"text", ()),
        ("text/", b"", ()),
        ("text/plain charset=x", b"", ()),
        ("(c) text / (d) plain ; (e) a = (f) b (g)", b"text/plain", ((b"a", b"b"),)),
        ("text/plain; ; a=b", b"text/plain", ()),
        ("text/plain;;a=b;c=d", b"text/plain", ((b"c", b"d"),)),
        ('text/plain; a="b\\"c;d"; e=f/g; h=i', b"text/plain", ((b"a", b'b"c;d'), (b"e", b"f"), (b"h", b"i"))),
        ("text/plain; a*1=y; a*0=x; b*1=z", b"text/plain", ((b"a", b"xy"), (b"b*1", b"z"))),
        ("text/plain; name==?utf-8?Q?x?=; a=b", b"text/plain", ((b"name", b"=?utf-8?Q?x?="), (b"a", b"b"))),
    ],
)  # fmt: skip
def test_content_types(
    field: str, media_type: bytes, params: tuple[tuple[bytes, bytes], ...]
) -> None:
    assert read_content_type(field.encode()) == (media_type, params)


def test_other_structured_fields() -> None:
    assert read_encoding(b"Base64 (c)") == b"Base64"
    assert read_encoding(b"base64 x") is read_encoding(b"") is None
    assert read_languages(b"fr, en-GB (x) ,de") == (b"fr", b"en-GB", b"de")
    assert read_disposition(b"inline; a=b") == (b"inline", ((b"a", b"b"),))
    assert param_text(((b"name", b"x"), (b"name*", b"utf-8'fr'%C3%A9")), "name") == "é"


@given(st.binary())
def test_any_octets_are_a_content_type(field: bytes) -> None:
    media_type, params = read_content_type(field)
    assert b"\0" not in media_type
    assert all(b"\0" not in value for _, value in params)


# --- Dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    [
        "Fri, 21 Nov 1997 09:55:06 -0600",
        "Tue, 1 Jul 2003 10:52:37 +0200",
        "29 Feb 2000 23:59:59 +0000",
        "Sat, 1 Jan 2050 00:00:00 -0000",
        "Wed, 3 Jan 24 01:02:03 EST",
    ],
)
def test_dates(field: str) -> None:
    moment = parse_date(field.encode())
    assert moment is not None
    assert moment.seconds == int(parsedate_to_datetime(field).timestamp())


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Fri, (a (b)) 21 Nov 1997 (c) 09:55:06 +0000 (d)", 880106106),
        ("1 Jan 1970 1.02", 3720),
        ("1 Jan 1970 00:00:00 A", -3600),
        ("1 Jan 1970 00:00:00 +0130 x", -5400),
        ("Thu 1 Jan 1970 00:00:00 +0000", None),
        ("30 Feb 2024 00:00:00 +0000", None),
        ("1 Jan 1970 24:00:00 +0000", None),
        ("hier", None),
        ("", None),
    ],
)
def test_odd_dates(field: str, expected: int | None) -> None:
    moment = parse_date(field.encode())
    assert (moment.seconds if moment else None) == expected


def test_midnight() -> None:
    assert midnight(1970, 1, 1) == 0
    assert midnight(2000, 3, 1) - midnight(2000, 2, 28) == 2 * 86400
    assert midnight(1900, 3, 1) - midnight(1900, 2, 28) == 86400


@given(st.binary())
def test_any_octets_may_be_a_date(field: bytes) -> None:
    assert parse_date(field) is None or field


# --- Transfer encodings --------------------------------------------------------------------------


@given(st.binary())
def test_base64(octets: bytes) -> None:
    coded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    assert decode_base64(coded) == decode_strictly(coded, "base64") == octets


@given(st.binary())
def test_quoted_printable(octets: bytes) -> None:
    coded = quopri.encodestring(octets.replace(b"\n", b"\r\n"), quotetabs=True)
    assert decode_quoted_printable(coded) == quopri.decodestring(coded)
    assert decode("".join(f"={one:02X}" for one in octets).encode(), "quoted-printable") == octets


def test_space_at_line_ends_is_none() -> None:
    assert decode_quoted_printable(b"a \t\r\nb=20 \r\nc= \r\nd ") == b"a\r\nb \r\ncd"


@given(st.binary(), st.sampled_from(["base64", "quoted-printable", "8bit", "x"]))
def test_any_octets_are_decoded(octets: bytes, encoding: str) -> None:
    assert (decode(octets, encoding) is None) == (encoding == "x")


@pytest.mark.parametrize("octets", [b"a=", b"a=4", b"a=zz", b"a\rb", b"= b"])
def test_what_is_no_quoted_printable(octets: bytes) -> None:
    with pytest.raises(ValueError, match="quoted-printable"):
        decode_strictly(octets, "quoted-printable")


@pytest.mark.parametrize("octets", [b"w6k", b"w6k==", b"*", b"w6k=w6k=", b"w6k=\0"])
def test_what_is_no_base64(octets: bytes) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_strictly(octets, "base64")


# --- Message identifiers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"<a@b>", [b"a@b"]),
        (b"<a@b>\n <c@d> junk <e> <f@g", [b"a@b", b"c@d"]),
        (b'< "odd id" @ x . y > <"q"@c>', [b"odd id@x.y", b"q@c"]),
        (b"sans chevrons", []),
        (b"<a(c)@b> <(x", [b"a@b"]),
    ],
)
def test_message_ids(field: bytes, expected: list[bytes]) -> None:
    assert list(message_ids(field)) == expected
