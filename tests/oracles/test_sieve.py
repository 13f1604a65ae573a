"""The same scripts and messages for mailsim and for Pigeonhole: the same actions, the same complaints."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailsim.protocol.sieve import (
    ALL,
    Alone,
    Envelope,
    Refused,
    Scanner,
    Script,
    Settings,
    Vacation,
    compile_script,
    run,
)
from tests.oracles.pigeonhole import Pigeonhole, Verdict, lacking
from tests.protocol.sieve.described import described
from tests.protocol.sieve.test_diagnosis import MISTAKES, Mistake
from tests.protocol.sieve.test_examples import EXAMPLES, Case, cases, envelope, message
from tests.protocol.sieve.test_fuzz import broken_examples, slips

pytestmark = pytest.mark.oracle

SCRIPTS = Path(__file__).with_name("sieve")
REQUIRE = (
    b'require ["fileinto","variables","relational","comparator-i;ascii-numeric","envelope",'
    b'"subaddress","imap4flags","copy","body","date","index","regex","mailbox","vacation","reject",'
    b'"duplicate","environment","ihave","encoded-character","editheader","spamtestplus",'
    b'"virustest","include"];\n'
)
SETTINGS = Settings(
    # sieve-test has no ereject: the protocol that it answers is not there.
    extensions=frozenset(ALL - {"ereject"}),
    spamtest=Scanner("score", "X-Spam-Score: ([[:digit:].]+)", max_value=10),
    virustest=Scanner("text", "X-Virus: Found to be (.+)\\.", texts={"clean": 1, "infected": 5}),
)
ITEMS = {"host": "vm", "domain": "vm", "location": "MS", "phase": "post"}
# Examples of the RFCs that Pigeonhole reads otherwise.
DIFFERENT = {
    "rfc5429_2_1_ereject": "sieve-test has no ereject",
    "rfc5260_5_1_currentdate": "its clock is the machine's",
    "rfc5260_5_1_vacation": "its clock is the machine's",
    "rfc5490_3_1_mailboxexists": "it has no mailbox but INBOX",
    "rfc5173_5_2_content": "it does not read a multipart's epilogue (RFC 5173 §5.2)",
}


@pytest.fixture(scope="module")
def pigeonhole() -> Iterator[Pigeonhole]:
    if reason := lacking():
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with TemporaryDirectory() as folder:
        yield Pigeonhole(Path(folder))


def ours(script: bytes, content: bytes, path: Envelope) -> Verdict:
    compiled = compile_script(script, name="script", settings=SETTINGS)
    if isinstance(compiled, Refused):
        return Verdict([one.pigeonhole for one in compiled.complaints], [], "")
    result = run(compiled, content, path, Alone(items=ITEMS))
    complaints = (*compiled.warnings, *result.errors)
    actions = described(result) if result.ok else []
    return Verdict([_placeless(one.pigeonhole) for one in complaints], actions, "")


def _placeless(complaint: str) -> str:
    """What goes wrong in a run has no place where Pigeonhole had no place to save the binary."""
    return re.sub(r"^script: (line \d+: )?", "", complaint)


def agree(pigeonhole: Pigeonhole, script: bytes, content: bytes, path: Envelope) -> None:
    theirs = pigeonhole.test(script, content, path.sender or "<>", path.recipient)
    mine = ours(script, content, path)
    complaints = theirs.complaints
    if not any(one.endswith("failed.") for one in complaints):
        complaints = [_placeless(one) for one in complaints]
    assert (mine.complaints, mine.actions) == (complaints, theirs.actions), script.decode()


def scripts() -> list[tuple[str, bytes]]:
    return [
        (file.stem, script)
        for file in sorted(SCRIPTS.glob("*.scripts"))
        for script in file.read_bytes().removesuffix(b"\n").split(b"\n%%\n")
    ]


@pytest.mark.parametrize(
    ("name", "script"), scripts(), ids=[f"{name}-{at}" for at, (name, _) in enumerate(scripts())]
)
def test_a_script_does_what_pigeonholes_does(
    pigeonhole: Pigeonhole, name: str, script: bytes
) -> None:
    content = (SCRIPTS / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")
    agree(pigeonhole, REQUIRE + script, content, Envelope("s@x.y", "d@e.f"))


@pytest.mark.parametrize(
    "case",
    [
        one
        for one in cases()
        if one.script.stem not in DIFFERENT and one.options.get("from") != "<>"
    ],
    ids=lambda case: f"{case.script.stem}-{case.message}",
)
def test_an_rfcs_example_does_what_pigeonholes_does(pigeonhole: Pigeonhole, case: Case) -> None:
    agree(pigeonhole, case.script.read_bytes(), message(case.message), envelope(case))


@given(st.one_of(broken_examples(), slips()))
def test_broken_scripts_are_refused_alike(pigeonhole: Pigeonhole, script: bytes) -> None:
    # sieve-test has no ereject, and takes more arguments than setflag has.
    script = script.replace(b'"ereject", ', b"").replace(b'"spamtest", ', b"")
    compiled = compile_script(script, name="script", settings=SETTINGS)
    mine = [one.pigeonhole for one in compiled.complaints] if isinstance(compiled, Refused) else []
    assume(b"ereject" not in script)
    assume(not any("requires 2 positional argument(s), but" in one for one in mine))
    theirs = pigeonhole.test(script, b"A: b\r\n\r\n", "s@x.y", "d@e.f").complaints
    if not any(one.endswith("failed.") for one in theirs):
        theirs = []
    assert mine == theirs


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_beginners_mistake_is_refused_in_pigeonholes_words(
    pigeonhole: Pigeonhole, mistake: Mistake
) -> None:
    script = mistake.script.encode("utf-8", "surrogateescape")
    theirs = pigeonhole.test(script, b"Subject: x\r\n\r\n", "s@x.y", "d@e.f")
    compiled = compile_script(script, name="script", settings=SETTINGS)
    assert isinstance(compiled, Refused)
    assert [one.pigeonhole for one in compiled.complaints] == theirs.complaints


DATES = (
    "Mon, 2 Mar 2020 08:12:12 GMT", "2 Mar 20 08:12 EST", "garbage", "31 Feb 2020 10:00:00 +0000",
    "Mon, 2 Mar 2020 8:1:2 +0000", "02-Mar-2020 08:12:12 +0000", "Mon, 1 Feb 1999 23:59:60 Z",
    "1 Jan 1970 00:00:00 +0000", "1 Jan 99 00:00:00 +0000", "1 Jan 049 00:00:00 +0000",
    "Tue, 1 Jan 1960 00:00:00 +0000", "32 Jan 2020 00:00:00 +0000", "1 Foo 2020 00:00:00 +0000",
    "1 Jan 2020 24:00:00 +0000", "1 Jan 2020 10:00:00", "1 Jan 2020 10:00:00 +9999",
    "Wed , 1 Jan 2020 10:00 +0100", "Mon, 2 Mar 2020 08:12:12 -0700 (bar)",
    "Mon, 2 Mar 2020 08:12:12 +0000 foo", "30 Feb 1999 23:59:59 +0000", "2 Mar 2020 08:12:12 A",
    "2 Mar 2020 08:12:12 XYZ", "2 Mar 2020 08:12:12 -0000", "2 mar 2020 08:12:12 +0000",
    "2 March 2020 08:12:12 +0000", "Monday, 2 Mar 2020 08:12:12 +0000",
    "2 Mar 2020 08:12:12 +02", "2 Mar 2020 08:12:12+0200", "002 Mar 2020 08:12:12 +0000",
    "2 Mar 2020 08.12.12 +0000", "(c) Mon, 2 Mar 2020 08:12:12 +0000", "2 Mar 9999 08:12:12 +0000",
    "2 Mar 1900 08:12:12 +0000", "2 Mar 1800 08:12:12 +0000", "0 Mar 2020 08:12:12 +0000",
    "29 Feb 2000 08:12:12 +0000", "29 Feb 1900 08:12:12 +0000", "2 Mar 69 08:12:12 +0000",
    "2 Mar 70 08:12:12 +0000", "2 Mar 2020 08:12:12 PDT", "2 Mar 2020 08:12:12 CEST",
    "2 Mar 2020 08:12:12 (c)", "2 Mar 2020 08:12:12 -1130",
)  # fmt: skip


@pytest.mark.parametrize("date", DATES)
def test_a_date_is_read_as_pigeonhole_reads_it(pigeonhole: Pigeonhole, date: str) -> None:
    parts = ("std11", "iso8601", "julian", "weekday", "zone")
    tests = (
        f'if date {zone} :matches "date" "{part}" "*" {{ fileinto "{part} ${{1}}"; }}\n'
        for zone in (":originalzone", ':zone "-0530"')
        for part in parts
    )
    content = f"Date: {date}\r\n\r\nx\r\n".encode()
    agree(pigeonhole, REQUIRE + "".join(tests).encode(), content, Envelope("s@x.y", "d@e.f"))


ADDRESSES = (
    "garbage", "a b c", "<>", "a@b.c, junk, d@e.f", "a@b.c, <bad", "Foo <a@b.c> bar", "",
    "undisclosed-recipients:;", "@d.e", "a@", "a@b..c", '"x"@y.z', "root", "grp: a@b.c, d@e.f;",
    "A@B.C (comment)", "=?utf-8?q?=C3=A9?= <a+b+c@d.e>",
)  # fmt: skip


@pytest.mark.parametrize("addresses", ADDRESSES)
def test_addresses_are_read_as_pigeonhole_reads_them(
    pigeonhole: Pigeonhole, addresses: str
) -> None:
    script = b"".join(
        b'if address :%s :matches "to" "*" { fileinto "%s[${1}]"; }\n' % (part, part)
        for part in (b"all", b"localpart", b"domain", b"user", b"detail")
    ) + b"".join(
        b'if address :count "eq" "to" "%d" { fileinto "%d"; }\n' % (count, count)
        for count in range(4)
    )
    content = f"To: {addresses}\r\n\r\nx\r\n".encode()
    agree(pigeonhole, REQUIRE + script, content, Envelope("s@x.y", "d@e.f"))


@pytest.mark.parametrize(
    "score", ["0", "0.04", "1.9", "3.3", "3.37", "7.5", "9.99", "10", "55", "x"]
)
def test_a_scanners_score_is_read_as_pigeonhole_reads_it(
    pigeonhole: Pigeonhole, score: str
) -> None:
    script = (
        b'if spamtest :matches "*" { fileinto "${1}"; }\n'
        b'if spamtest :percent :matches "*" { fileinto "p${1}"; }\n'
    )
    content = f"X-Spam-Score: {score}\r\n\r\nx\r\n".encode()
    agree(pigeonhole, REQUIRE + script, content, Envelope("s@x.y", "d@e.f"))


def test_the_examples_that_differ_are_there() -> None:
    assert {f"{name}.sieve" for name in DIFFERENT} <= {one.name for one in EXAMPLES.iterdir()}


@pytest.mark.parametrize(
    "file", sorted(SCRIPTS.glob("*.refused.sieve")), ids=lambda file: file.name
)
def test_a_wrong_script_is_refused_in_pigeonholes_words(pigeonhole: Pigeonhole, file: Path) -> None:
    script = file.read_bytes()
    theirs = pigeonhole.test(script, b"Subject: x\r\n\r\n", "s@x.y", "d@e.f")
    compiled = compile_script(script, name="script", settings=SETTINGS)
    assert isinstance(compiled, Refused)
    assert [one.pigeonhole for one in compiled.complaints] == theirs.complaints


SENT = (
    'require "vacation"; vacation "Parti à la plage.";',
    'require "vacation"; vacation :subject "é" :addresses "z@y.x" text:\nl1\n..\n..l2\n.\n;',
    'require "vacation"; vacation :mime :from "Bob É <b@e.f>" text:\nA: b\n\nhi\n.\n;',
)
_VARYING = re.compile(rb"(?m)^(?:Message-ID|Date): .*$|\r")


def settled(sent: bytes) -> bytes:
    """A message without what each run makes anew."""
    return _VARYING.sub(b"", sent).strip()


@pytest.mark.parametrize("script", SENT)
def test_what_sieve_writes_is_what_pigeonhole_writes(pigeonhole: Pigeonhole, script: str) -> None:
    content = (
        b'From: "Alice B" <s@x.y>\r\nTo: d@e.f\r\n'
        b"Subject: =?utf-8?q?h=C3=A9llo?=" + b" long" * 13 + b"\r\n"
        b"Message-ID: <1@x.y>\r\nReferences: <0@x.y>\r\n <00@x.y>\r\n\r\nbody\r\n"
    )
    theirs = pigeonhole.sent(script.encode(), content, "s@x.y", "d@e.f")
    compiled = compile_script(
        script.encode(), settings=replace(SETTINGS, postmaster="postmaster@minfo.sn")
    )
    assert isinstance(compiled, Script)
    surroundings = Alone(items={**ITEMS, "host": "vm"})
    action = run(compiled, content, Envelope("s@x.y", "d@e.f"), surroundings).actions[0]
    assert isinstance(action, Vacation)
    assert action.reply is not None
    assert settled(theirs)
    assert settled(action.reply) == settled(theirs)


INCLUDING = {
    "personal": (b'require "include"; include "a";', {"a": b'require "fileinto"; fileinto "x";'}),
    "stop": (b'require "include"; include "a"; keep;', {"a": b"discard; stop;"}),
    "return": (
        b'require ["include", "fileinto"]; include "a"; fileinto "y";',
        {"a": b'require ["include","fileinto"]; fileinto "x"; return; keep;'},
    ),
    "private": (
        b'require ["include","variables","fileinto"]; set "v" "1"; include "a"; fileinto "o${v}";',
        {"a": b'require ["variables","fileinto"]; fileinto "i${v}"; set "v" "2";'},
    ),
    "shared": (
        (
            b'require ["include","variables","fileinto"]; global "v"; set "v" "1"; include "a"; '
            b'fileinto "o${global.v}";'
        ),
        {
            "a": b'require ["variables","fileinto","include"]; global ["v","w"];'
            b'fileinto "i${v}"; set "v" "2";'
        },
    ),
    "once": (
        b'require ["include","variables"]; include :once "a"; include :once "a"; include "a";',
        {
            "a": b'require ["variables","fileinto","include"]; global "n"; set "n" "${n}i";'
            b'fileinto "${n}";'
        },
    ),
    "missing": (b'require "include"; include "nope";', {}),
    "optional": (b'require "include"; include :optional "nope";', {}),
    "circular": (
        b'require "include"; include "a";',
        {"a": b'require "include"; include "b";', "b": b'require "include"; include "a";'},
    ),
    "circular once": (
        b'require "include"; include "a";',
        {
            "a": b'require "include"; include :once "b";',
            "b": b'require "include"; include :once "a"; discard;',
        },
    ),
    "unparsed": (b'require "include"; include "a";', {"a": b"foo; bar"}),
    "invalid": (b'require "include"; include "a";', {"a": b"foo; bar;"}),
    "too deep": (
        b'require "include"; include "a0";',
        {
            **{f"a{n}": b'require "include"; include "a%d";' % (n + 1) for n in range(11)},
            "a11": b"discard;",
        },
    ),
}


@pytest.mark.parametrize("name", INCLUDING)
def test_included_scripts(pigeonhole: Pigeonhole, name: str) -> None:
    script, others = INCLUDING[name]
    folder = pigeonhole.folder / "personal"
    for file in folder.iterdir():
        file.unlink()
    for other, source in others.items():
        (folder / f"{other}.sieve").write_bytes(source)
    theirs = pigeonhole.test(script, b"Subject: x\r\n\r\n", "s@x.y", "d@e.f")
    compiled = compile_script(
        script, name="script", settings=SETTINGS, includes=lambda one, _shared: others.get(one)
    )
    if isinstance(compiled, Refused):
        said = [line for line in theirs.said.splitlines() if re.match(r"\w+: (line|error)", line)]
        assert [one.pigeonhole for one in compiled.complaints] == said
        return
    result = run(compiled, b"Subject: x\r\n\r\n", Envelope("s@x.y", "d@e.f"), Alone())
    assert described(result) == theirs.actions
