"""What the filter sees in a message: viruses however they travel, banned names, bad headers, spam."""

from __future__ import annotations

import json
from base64 import b64encode
from importlib.resources import files
from quopri import encodestring
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from mailsim.model.network import network_of
from mailsim.servers.envelope import Client
from mailsim.servers.filter.banned import banned
from mailsim.servers.filter.fields import fold, unstructured
from mailsim.servers.filter.findings import SPAM_LIMIT, look
from mailsim.servers.filter.message import NO_END, Message, decode_words, parameters
from mailsim.servers.filter.spam import Score, number, rules, score
from mailsim.servers.filter.virus import EICAR

if TYPE_CHECKING:
    from mailsim.servers.world import World

NETWORK = network_of(json.loads(files("mailsim.lab").joinpath("network.json").read_text("utf-8")))
HEAD = (
    b"From: a@ugb.sn\r\nTo: user@minfo.sn\r\nSubject: essai\r\nMessage-ID: <1@x.sn>\r\n"
    b"Date: Tue, 24 Nov 2026 11:50:00 +0000\r\n"
)
ENCODED = {
    b"base64": b64encode(EICAR),
    b"quoted-printable": encodestring(EICAR.replace(b"EICAR", b"E=ICAR")).replace(
        b"E=3DICAR", b"E=\r\nICAR"
    ),
    b"7bit": EICAR,
}


def multipart(*parts: bytes, kind: bytes = b"mixed", end: bytes = b"--b--\r\n") -> bytes:
    top = b"MIME-Version: 1.0\r\nContent-Type: multipart/" + kind + b'; boundary="b"\r\n\r\n'
    return HEAD + top + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


# --- viruses ----------------------------------------------------------------------------------


def test_eicar_is_the_68_octets() -> None:
    assert len(EICAR) == 68
    assert EICAR.startswith(b"X5O!P%@AP")


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("name", ["", "eicar.com", "photo.jpg", "été.txt", "a" * 500])
def test_a_virus_is_found_in_each_encoding_and_under_any_name(encoding: bytes, name: str) -> None:
    part = (
        b'Content-Type: application/octet-stream; name="' + name.encode() + b'"\r\n'
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + ENCODED[encoding]
    )
    for content in (multipart(b"\r\nhello", part), multipart(b"\r\nhello", part, end=b"")):
        assert look(content, for_viruses=True).viruses == ["Eicar-Test-Signature"]


def test_a_virus_in_a_forwarded_message() -> None:
    inner = multipart(b"Content-Transfer-Encoding: base64\r\n\r\n" + ENCODED[b"base64"])
    inner = inner.replace(b"--b", b"--i").replace(b'"b"', b'"i"')
    content = multipart(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert look(content, for_viruses=True).viruses


@pytest.mark.parametrize(
    "almost", [EICAR[:-1], EICAR[1:], EICAR.lower(), EICAR.replace(b"H+H", b"H-H")]
)
def test_almost_eicar_is_none(almost: bytes) -> None:
    assert not look(HEAD + b"\r\n" + almost + b"\r\n", for_viruses=True).viruses


# --- MIME -------------------------------------------------------------------------------------


def parts(content: bytes) -> list[tuple[str, str, bytes]]:
    return [(one.type, one.name, one.body) for one in Message(content).walk()]


def test_the_parts_of_a_message() -> None:
    html = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>hello</p>"
    file = (
        b"Content-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n\r\n\x89PNG"
    )
    assert parts(multipart(b"\r\nhello", html, file)) == [
        ("text/plain", "", b"hello\r"),
        ("text/html", "", b"<p>hello</p>\r"),
        ("image/png", "a.png", b"\x89PNG\r"),
    ]


def test_preamble_epilogue_and_longer_lines_are_no_parts() -> None:
    content = multipart(b"\r\none\r\n--bc\r\ntwo", end=b"--b--  \r\n--b\r\nepilogue")
    content = content.replace(b"\r\n\r\n--b\r\n", b"\r\n\r\npreamble\r\n--b \t\r\n", 1)
    walk = Message(content).walk()
    assert [one.body for one in walk] == [b"one\r\n--bc\r\ntwo\r"]
    assert walk.errors == []


def test_an_outer_delimiter_ends_the_inner_parts() -> None:
    inner = b"Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nlost"
    walk = Message(multipart(inner, b"\r\nfound\r\n--i\r\nstill")).walk()
    assert [one.body for one in walk] == [b"lost\r", b"found\r\n--i\r\nstill\r"]
    assert walk.errors == [NO_END]


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", b"x", b"\n\n", b"A: b", b":\r\n\r\n", b"\x00" * 9]
)
def test_hardly_a_message(content: bytes) -> None:
    found = look(content, for_viruses=True)
    assert found.viruses == []
    assert found.bad_header[0]


def test_names_in_all_their_disguises() -> None:
    assert parameters('a/b; name="a\\"b"; X=1') == {"name": 'a"b', "x": "1"}
    assert parameters("a; filename*=utf-8''%c3%a9.exe") == {"filename": "é.exe"}
    assert parameters('a; filename*0=ab; filename*1="c.exe"') == {"filename": "abc.exe"}
    assert decode_words("=?utf-8?B?w6k=?= =?iso-8859-1?q?=E9.exe?=") == "éé.exe"
    assert decode_words("=?nowhere?q?a=41?= =?utf-8?b?A?=") == "aA"
    # No charsets, but codecs that Python would load or that answer with more than text.
    assert decode_words("=?unicode_escape?q?=5Cud800?=") == "\\ud800"
    assert parameters(f"a; name*={'x' * 5000}''%41; b*=\0''%42") == {"name": "A", "b": "B"}


# --- banned -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("application/octet-stream", "a.exe", "application/octet-stream,a.exe"),
        ("image/png", "PHOTO.JPG.SCR", "image/png,PHOTO.JPG.SCR"),
        ("text/plain", "facture.pdf.dll", "text/plain,facture.pdf.dll"),
        ("application/x-msdownload", "", "application/x-msdownload"),
        (
            "a/b",
            "{00000000-0000-0000-0000-000000000000}",
            "a/b,{00000000-0000-0000-0000-000000000000}",
        ),
        ("a/b", "x\r\nSubject: y.exe", "a/b,x\\x{0D}\\x{0A}Subject: y.exe"),
        ("a/b", "é.exe", "a/b,\\x{C3}\\x{A9}.exe"),
        ("a/b", "x" * 999 + ".exe", "a/b," + "x" * 96 + ".exe"),
        ("text/plain", "notes.txt", ""),
        ("application/x-dosexec", "exe", ""),
        ("text/plain", "library.dll", ""),
    ],
)
def test_banned_names_and_types(kind: str, name: str, said: str) -> None:
    assert banned(kind, name) == said


# --- header section ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ((b"essai", b"essai"), 0, ""),
        ((b"essai", b"\xe9t\xe9"), 2, "Non-encoded non-ASCII data (and not UTF-8) (char E9 hex): Subject: \\x{E9}t\\x{E9}"),
        ((b"essai", "été".encode()), 0, ""),
        ((b"essai", b"a\x00b"), 3, "Improper use of control character"),
        ((b"essai", b"essai\r\n  \r\n b"), 4,
         "Improper folded header field made up entirely of whitespace"),
        ((b"essai", b"a" * 999), 5, "Header line longer than 998 characters: Subject: " + "a" * 41
         + "[...]"),
        ((b"Subject: essai", b"no field"), 6, "Invalid header field syntax: no field"),
        ((b"From: a@ugb.sn\r\n", b""), 7, 'Missing required header field: "From"'),
        ((b"essai", b"essai\r\nSubject: deux"), 8, 'Duplicate header field: "Subject"'),
        ((b"essai", b"1\r\nSubject: 2\r\nsubject: 3"), 8,
         'Header field occurs more than once: "Subject" occurs 3 times'),
    ],
)  # fmt: skip
def test_bad_headers(change: tuple[bytes, bytes], kind: int, said: str) -> None:
    content = HEAD.replace(*change) + b"\r\nBonjour.\r\n"
    assert look(content, for_viruses=True).bad_header == (kind, said)


# --- spam -------------------------------------------------------------------------------------


class Names:
    """A name server that knows two block lists."""

    zones = ("dnsbl.minfo.sn", "uribl.minfo.sn")
    listed = (
        "66.66.168.192.dnsbl.minfo.sn",
        "1.0.0.127.dnsbl.minfo.sn",
        "pub.sn.uribl.minfo.sn",
    )

    def lookup(self, name: str, rdtype: str) -> SimpleNamespace:
        assert rdtype == "A"
        return SimpleNamespace(records=("127.0.0.2",) if name in self.listed else ())


def scored(content: bytes, address: str = "192.168.20.1") -> Score:
    world = cast("World", SimpleNamespace(network=NETWORK, names=Names()))
    return score(look(content, for_viruses=True), Client(address), world)


def names_of(content: bytes, address: str = "192.168.20.1") -> set[str]:
    return {rule.name for rule in scored(content, address).hits}


@pytest.mark.parametrize(
    ("content", "hits"),
    [
        (HEAD + b"\r\nBonjour.\r\n", set()),
        (HEAD.replace(b"essai", b"GAGNEZ UN VOYAGE") + b"\r\nx\r\n", {"SUBJ_ALL_CAPS"}),
        (HEAD.replace(b"essai", b"Re: GAGNEZ UN VOYAGE") + b"\r\nx\r\n", {"SUBJ_ALL_CAPS"}),
        (HEAD.replace(b"essai", b"URGENT") + b"\r\nx\r\n", set()),
        (HEAD.replace(b"essai", b"=?utf-8?q?Buy_now!=3F?=") + b"\r\nx", {"SUBJ_BUY", "PLING_QUERY"}),
        (HEAD.replace(b"<1@x.sn>", b"1") + b"\r\nx", {"INVALID_MSGID"}),
        (HEAD.replace(b"Tue, 24 Nov 2026", b"demain") + b"\r\nx", {"INVALID_DATE"}),
        (HEAD.replace(b"a@ugb", b"0123abc@ugb") + b"\r\nx", {"FROM_STARTS_WITH_NUMS"}),
        (b"\r\nx", {"MISSING_SUBJECT", "MISSING_DATE", "MISSING_FROM", "MISSING_HEADERS", "MISSING_MID"}),
        (HEAD + b"\r\n \r\n", {"EMPTY_MESSAGE"}),
        (HEAD + b"\r\nDear Friend,\r\n", {"DEAR_FRIEND"}),
        (HEAD + b"\r\nMy dear friend,\r\n", set()),
        (HEAD + b"\r\nAn URGENT business proposal\r\n", {"URG_BIZ"}),
        (HEAD + b"\r\n2 million of US dollars (USD)\r\n", {"MILLION_USD"}),
        (HEAD + b"\r\nunclaimed funds, money back guarantee\r\n", {"UNCLAIMED_MONEY", "MONEY_BACK"}),
        (HEAD + b"\r\nhttp://10.1.2.3/ and http://www.x.sn:81/\r\n", {"NUMERIC_HTTP_ADDR", "WEIRD_PORT"}),
        (HEAD + b"\r\nhttp://www.PUB.sn/offre\r\n", {"URIBL_MINFO"}),
        (HEAD + b"\r\nhttp://pub.sn.example.org/\r\n", set()),
        (HEAD + b"Content-Type: text/html\r\n\r\n<p>x</p>", {"HTML_MESSAGE", "MIME_HTML_ONLY"}),
        (multipart(b"\r\nx", b"Content-Type: text/html\r\n\r\nx"), {"HTML_MESSAGE"}),
        (HEAD + b"Content-Transfer-Encoding: base64\r\n\r\nYWI=", {"MIME_BASE64_TEXT"}),
    ],
)  # fmt: skip
def test_the_rules(content: bytes, hits: set[str]) -> None:
    assert names_of(content) == hits


def test_gtube_is_read_through_an_encoding_and_not_in_part() -> None:
    gtube = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    encoded = HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b64encode(gtube)
    assert scored(encoded).total == 1000.001
    assert names_of(HEAD + b"\r\n" + gtube[:-1]) == set()
    assert names_of(HEAD + b"\r\n" + gtube.lower()) == set()
    assert names_of(HEAD + b"\r\n" + b"x" * SPAM_LIMIT + gtube) == set()


def test_a_listed_client_counts_and_loopback_is_never_asked_for() -> None:
    content = HEAD + b"\r\nx"
    assert names_of(content, "192.168.66.66") == {"RCVD_IN_MINFO"}
    assert (
        names_of(content, "127.0.0.1") == names_of(content, "::1") == names_of(content, "") == set()
    )


def test_a_score_tells_its_reasons_in_both_languages() -> None:
    found = scored(HEAD + b"\r\nDear friend, unclaimed funds http://pub.sn/\r\n")
    assert found.total == 9.303
    assert found.tests == ("DEAR_FRIEND=2.604", "UNCLAIMED_MONEY=2.699", "URIBL_MINFO=4")
    assert found.explain("en").splitlines()[0] == (
        "     4 URIBL_MINFO            Contains an URL listed in the lab's URI block list"
    )
    assert "liste noire d’URI" in found.explain("fr")


def test_each_rule_has_both_languages_a_score_and_a_name_of_its_own() -> None:
    assert len({rule.name for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule.describe("en")
        assert rule.describe("fr")
        assert "'" not in rule.describe("fr")
        assert rule.words == rule.words.lower()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(6.0, "6"), (0.0, "0"), (-0.0001, "0"), (1000.5, "1000.5"), (-0.999, "-0.999")],
)
def test_numbers(value: float, shown: str) -> None:
    assert number(value) == shown


# --- folding ----------------------------------------------------------------------------------


def test_fields_are_folded_as_amavis_folds_them() -> None:
    chunks = ["Yes,", "score=999.002", "required=6", "tests=[ALL_TRUSTED=-1,", "GTUBE=1000,",
              "MSGID_SHORT=0.001,", "TVD_SPACE_RATIO=0.001]", "autolearn=no autolearn_force=no"]  # fmt: skip
    assert fold("X-Spam-Status", chunks) == (
        "X-Spam-Status: Yes, score=999.002 required=6 tests=[ALL_TRUSTED=-1,\r\n"
        " GTUBE=1000, MSGID_SHORT=0.001, TVD_SPACE_RATIO=0.001]\r\n"
        " autolearn=no autolearn_force=no\r\n"
    )
    said = (
        "BAD HEADER SECTION, MIME error: Unable to parse, perhaps message contains too many parts"
    )
    assert unstructured("X-Amavis-Alert", said) == (
        "X-Amavis-Alert: BAD HEADER SECTION, MIME error: Unable to parse, perhaps\r\n"
        " message contains too many parts\r\n"
    )
    said = "BAD HEADER SECTION, Non-encoded non-ASCII data (and not UTF-8) (char E9 hex)"
    assert unstructured("X-Amavis-Alert", said).splitlines() == [
        "X-Amavis-Alert: BAD HEADER SECTION, Non-encoded non-ASCII data (and not UTF-8)",
        " (char E9 hex)",
    ]
