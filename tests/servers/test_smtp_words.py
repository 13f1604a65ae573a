"""Command lines and addresses as Postfix reads them; what its own tokenizer gave is expected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.servers.networks import in_networks, valid_ipv4
from mailsim.servers.smtp.names import neutered, valid_hostname, without_dot, xtext
from mailsim.servers.smtp.parsing import BadAddressError, external, extract, resolve
from mailsim.servers.smtp.words import _Splitter, split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  ", []),
        ("NOOP", ["NOOP"]),
        ("MAIL FROM:<a@b.sn>", ["MAIL", "FROM:", "<a@b.sn>"]),
        ("mail from: <a@b.sn>  SIZE=1 X", ["mail", "from:", "<a@b.sn>", "SIZE=1", "X"]),
        ("RCPT TO:a@b.sn", ["RCPT", "TO:", "a@b.sn"]),
        ("RCPT TO : <a@b.sn>", ["RCPT", "TO", ":", "<a@b.sn>"]),
        ("MAIL FROM:<a@b.sn>SIZE=1", ["MAIL", "FROM:", "<a@b.sn>SIZE=1"]),
        ('RCPT TO:<"a b"@c.sn>', ["RCPT", "TO:", '<"a b"@c.sn>']),
        ("RCPT TO:<a b> c", ["RCPT", "TO:", "<a b>", "c"]),
        ("RCPT TO:<<a>> c", ["RCPT", "TO:", "<<a>>", "c"]),
        ("RCPT\tTO:<a>\r", ["RCPT", "TO:", "<a>"]),
        ("X a\\ b", ["X", "a\\ b"]),
        ("NOOP a\0b", ["NOOP", "a"]),
        ("X from:to:y", ["X", "from:", "to:", "y"]),
    ],
)
def test_lines_are_cut_as_postfix_cuts_them(line: str, words: list[str]) -> None:
    assert [word.text for word in split(line)] == words
    assert not any(word.broken for word in split(line))


@pytest.mark.parametrize("line", ["MAIL FROM:<a@b.sn", 'MAIL FROM:"a', "MAIL FROM:<<a>", "X <\\"])
def test_what_is_not_closed_is_broken(line: str) -> None:
    assert split(line)[-1].broken


@given(st.text(alphabet='MAILFROM:to <>"\\a@.=\t', max_size=30))
def test_the_short_way_gives_what_the_long_way_gives(line: str) -> None:
    assert split(line) == _Splitter(line).words()


def read(word: str, *, empty: bool = False, strict: bool = False, utf8: bool = False) -> str:
    def led(address: str) -> tuple[str, str, bool]:
        return resolve(address, lambda name: name == "minfo.sn")

    return extract(word, led, empty=empty, strict=strict, utf8=utf8)


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("<a@b.sn>", "a@b.sn"),
        ("a@b.sn", "a@b.sn"),
        ("<@x.sn,@y.sn:a@b.sn>", "a@b.sn"),
        ("<a>", "a"),
        ('<"a"@b.sn>', "a@b.sn"),
        ('<"un nom"@b.sn>', "un nom@b.sn"),
        ("<a@b.sn (Nom)>", "a@b.sn"),
        ("<<a@b.sn>>", "a@b.sn"),
        ("a@b.sn>", "a@b.sn"),
        ("<a@[192.168.10.1]>", "a@[192.168.10.1]"),
        ("<a@b.sn.>", "a@b.sn."),
        ("<a\\@b@c.sn>", "a@b@c.sn"),
    ],
)
def test_addresses_are_found_in_what_stands_around_them(word: str, address: str) -> None:
    assert read(word) == address


@pytest.mark.parametrize(
    "word",
    [
        "<>",
        "<a@>",
        "<a@b..sn>",
        "<a@-b.sn>",
        "<a@[192.168.10]>",
        "<a@b.sn,c@d.sn>",
        "<a b@c.sn>",
        "<-a@b.sn>",
        "<a@é.sn>",
        "<a@1.2.3.4>",
    ],
)
def test_other_words_are_no_addresses(word: str) -> None:
    with pytest.raises(BadAddressError):
        read(word)


def test_strict_envelopes_have_brackets_and_nothing_else_in_them() -> None:
    assert read("<a@b.sn>", strict=True) == "a@b.sn"
    assert read("<<a@b.sn>>", strict=True) == "a@b.sn"
    for word in ("a@b.sn", "<a@b.sn (Nom)>", "<Nom <a@b.sn>>", "<@b.sn>"):
        with pytest.raises(BadAddressError):
            read(word, strict=True)


def test_the_null_address_and_utf8_are_allowed_where_they_are() -> None:
    assert read("<>", empty=True) == ""
    assert read("<a@é.sn>", utf8=True) == "a@é.sn"
    # Without SMTPUTF8 a local part may have what it likes.
    assert read("<é@b.sn>") == "é@b.sn"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("user@minfo.sn", ("user", "minfo.sn", False)),
        ("user", ("user", "", False)),
        ("a@ugb.sn", ("a", "ugb.sn", False)),
        ("a%ugb.sn@minfo.sn", ("a", "ugb.sn", True)),
        ("ugb.sn!a@minfo.sn", ("a", "ugb.sn", True)),
        ("a@ugb.sn@minfo.sn", ("a", "ugb.sn", True)),
        ("user%minfo.sn@minfo.sn.", ("user", "minfo.sn", False)),
        ("a%b@ugb.sn", ("a%b", "ugb.sn", False)),
    ],
)
def test_an_address_may_route_onward(address: str, found: tuple[str, str, bool]) -> None:
    assert resolve(address, lambda domain: domain in ("", "minfo.sn")) == found


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("a@b.sn", "a@b.sn"),
        ("un nom@b.sn", '"un nom"@b.sn'),
        ('a"b\\c@d.sn', '"a\\"b\\\\c"@d.sn'),
        ("a@b@c.sn", '"a@b"@c.sn'),
        ("un nom", '"un nom"'),
        ("", ""),
    ],
)
def test_what_needs_quotation_marks_gets_them_back(inside: str, outside: str) -> None:
    assert external(inside) == outside
    if inside:
        assert read(f"<{outside}>") == inside


def test_names_of_hosts() -> None:
    for name in ("poste", "mail.minfo.sn", "a_b.sn", "x-1.sn", "a" * 63 + ".sn"):
        assert valid_hostname(name), name
    for name in ("", ".sn", "a..sn", "-a.sn", "a-.sn", "10.0.0.1", "12", "a b", "é.sn", "a" * 64):
        assert not valid_hostname(name), name
    assert valid_hostname("é.sn", utf8=True)
    assert not valid_hostname("-é.sn", utf8=True)
    assert [without_dot(name) for name in ("a.", "a..", ".", "a")] == ["a", "a..", ".", "a"]


def test_networks_have_addresses() -> None:
    assert in_networks("192.168.10.50", ("127.0.0.0/8", "192.168.10.0/24"))
    assert in_networks("10.0.0.1", ("10.0.0.1",))
    assert not in_networks("192.168.11.50", ("127.0.0.0/8", "192.168.10.0/24"))
    assert not in_networks("unknown", ("0.0.0.0/0",))
    assert not valid_ipv4("192.168.10.256")
    assert not valid_ipv4("1.2.3")


def test_xtext_is_decoded_or_none() -> None:
    assert xtext("a+2Bb+3D") == "a+b="
    assert xtext("plain") == "plain"
    assert xtext("+C3+A9") == "é"
    assert xtext("+2") is None
    assert xtext("a+zz") is None


def test_what_would_break_a_header_field_is_masked() -> None:
    assert neutered('a b<c>(d)\\"e;f@g\n') == "a?b?c??d???e?f?g?"
