from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.dialogue import Dialogue, Exchange, Line, Note, Side
from mailsim.dialogue.json import from_document, read_json, to_document, write_json
from mailsim.dialogue.text import read_text, write_text
from mailsim.errors import UsageError
from mailsim.model import Endpoint, Protocol, Security
from mailsim.secret import MASK

SPEECH = st.sampled_from(
    [b"220 ready\r\n", b"354 go\r\n", b"+ \r\n", b'"challenge"\r\n', b"MAIL FROM:<a@b>\r\n"]
)
RAW = SPEECH | st.binary(max_size=20) | st.text(max_size=20).map(lambda x: f"{x}\r\n".encode())
LINES = st.builds(Line, st.sampled_from(Side), RAW, st.booleans())
NOTES = st.builds(
    Note,
    st.sampled_from(["note.raw", "note.tls"]),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)
EXCHANGES = st.builds(
    Exchange,
    st.lists(LINES, min_size=1, max_size=4).map(tuple),
    st.lists(NOTES, max_size=1).map(tuple),
)
ENDPOINTS = st.builds(
    Endpoint,
    st.sampled_from(["smtp", "imaps", "mx.example:2525"]),
    st.sampled_from(Protocol),
    st.sampled_from(["mail.minfo.sn", "127.0.0.1", "::1"]),
    st.integers(1, 65_535),
    st.sampled_from(Security),
)
DIALOGUES = st.builds(Dialogue, ENDPOINTS, st.lists(EXCHANGES, max_size=4).map(tuple))

HEAD = "# protocol: smtp\n"


def groups(text: str) -> list[str]:
    """Each exchange as the letters of its sides."""
    dialogue = read_text(text).dialogue
    return ["".join(line.side.value for line in one.lines) for one in dialogue.exchanges]


def refusal(read: Callable[..., object], text: str) -> UsageError | None:
    try:
        read(text, name="file.txt")
    except UsageError as error:
        return error
    return None


@given(DIALOGUES)
def test_what_is_written_is_read_back(dialogue: Dialogue) -> None:
    assert read_text(write_text(dialogue)).dialogue == dialogue


@given(DIALOGUES, st.floats(0, 1000))
def test_json_keeps_times_too(dialogue: Dialogue, at: float) -> None:
    timed = replace(
        dialogue,
        exchanges=tuple(
            replace(one, lines=tuple(replace(line, at=at) for line in one.lines))
            for one in dialogue.exchanges
        ),
    )
    assert read_json(write_json(timed)) == timed


@pytest.mark.fuzz
@given(st.text() | st.lists(st.sampled_from(list("CS:|# \\x=\n{[")), max_size=40).map("".join))
def test_any_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    for read in (read_text, read_json):
        error = refusal(read, text)
        assert error is None or "file.txt" in error.worded("fr")


def test_metadata_is_kept_and_describes_the_endpoint() -> None:
    text = (
        "# source: RFC 5321 §D.1\n# quirk: bare-lf\n# quirk: space-before-colon\n"
        "# endpoint: smtps\n# protocol: smtp\n# server: mail.minfo.sn:465\n# security: implicit\n"
        "S: 220 hello\n"
    )
    read = read_text(text)
    assert read.first("source") == "RFC 5321 §D.1"
    assert read.metadata["quirk"] == ("bare-lf", "space-before-colon")
    assert read.dialogue.endpoint == Endpoint(
        "smtps", Protocol.SMTP, "mail.minfo.sn", 465, Security.IMPLICIT
    )
    assert [line.secure for line in read.dialogue.lines()] == [True]
    assert read_text(write_text(read.dialogue, read.metadata)) == read


@pytest.mark.parametrize(
    ("speech", "protocol"),
    [
        ("S: 220 mail ESMTP", Protocol.SMTP),
        ("S: +OK ready", Protocol.POP3),
        ("S: * OK ready", Protocol.IMAP),
        ('S: "IMPLEMENTATION" "x"', Protocol.MANAGESIEVE),
        ("C: a001 LOGIN x y", Protocol.IMAP),
        ("C: EHLO x", Protocol.SMTP),
        ("C: LHLO x", Protocol.LMTP),
        ("C: CAPA", Protocol.POP3),
        ('C: PUTSCRIPT "x" {1+}', Protocol.MANAGESIEVE),
    ],
)
def test_the_protocol_is_guessed_from_the_first_words(speech: str, protocol: Protocol) -> None:
    assert read_text(f"{speech}\n").dialogue.endpoint.protocol is protocol


def test_a_given_endpoint_is_taken_for_what_the_text_does_not_say(smtp: Endpoint) -> None:
    assert read_text("C: NOOP\n", endpoint=smtp).dialogue.endpoint == smtp
    named = read_text("# protocol: pop3\nC: NOOP\n", endpoint=smtp).dialogue.endpoint
    assert named == Endpoint("pop3", Protocol.POP3, "mail.minfo.sn", 110)


def test_exchanges_are_grouped_by_who_speaks() -> None:
    assert groups(HEAD + "S: 220 x\nC: EHLO y\nS: 250-x\nS: 250 y\nC: QUIT\nS: 221 z\n") == [
        "S",
        "CSS",
        "CS",
    ]
    assert groups(HEAD + "C: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok\nC: QUIT\n") == ["CSCCS", "C"]
    assert groups(HEAD + "C: A\nC: B\nS: 250 a\nS: 250 b\n") == ["CCSS"]
    assert groups("# protocol: imap\nC: a IDLE\nS: + go\nC: DONE\nS: a OK\nC: b NOOP\n") == [
        "CSCS",
        "C",
    ]
    assert groups("# protocol: pop3\nC: AUTH X\nS: + \nC: y\nS: +OK\nC: STAT\n") == ["CSCS", "C"]
    sieve = '# protocol: managesieve\nC: AUTHENTICATE "X"\nS: "eA=="\nC: "eQ=="\nS: OK\nC: LOGOUT\n'
    assert groups(sieve) == ["CSCS", "C"]


def test_a_blank_line_closes_an_exchange_and_a_mark_keeps_it_open() -> None:
    assert groups(HEAD + "S: 220 x\n\nS: 421 y\n") == ["S", "S"]
    assert groups(HEAD + "C: A\nS: 250 x\n== SAME EXCHANGE ==\nC: B\n") == ["CSC"]


def test_tls_covers_what_follows() -> None:
    lines = read_text("S: 220 x\n== TLS ==\nC: EHLO x\nS: 250 x\n").dialogue.lines()
    assert [line.secure for line in lines] == [False, True, True]


def test_bytes_that_do_not_show_are_escaped() -> None:
    text = "S| \\xff\\x00\\\\ \\t\u00e9\\r\\n\nC| QUIT\\n\nC: a\\b\nC:\nC: \u00e9\n"
    raws = [line.raw for line in read_text(text).dialogue.lines()]
    e = "\u00e9".encode()
    assert raws == [b"\xff\x00\\ \t" + e + b"\r\n", b"QUIT\n", b"a\\b\r\n", b"\r\n", e + b"\r\n"]


def test_a_tab_that_folds_a_header_field_is_no_riddle() -> None:
    text = "C: a\nS: Received: from x\n : \tby y; z\nS| odd\\t\\r\\n\n"
    (exchange,) = read_text(f"# protocol: imap\n{text}").dialogue.exchanges
    assert exchange.lines[1].raw == b"Received: from x\r\n\tby y; z\r\n"
    assert exchange.lines[2].raw == b"odd\t\r\n"
    written = write_text(Dialogue(Endpoint("imap", Protocol.IMAP, "x", 143), (exchange,)))
    assert written.endswith(f"\n\n{text}".rstrip("\n") + "\n")


def test_a_dialogue_shows_its_lines_and_no_secret() -> None:
    text = "S: +OK hi\n\nC: USER user\nS: +OK\n\nC: PASS minfo\nS: -ERR no\n"
    dialogue = read_text(f"# protocol: pop3\n# server: mail.minfo.sn\n\n{text}").dialogue
    assert repr(dialogue) == str(dialogue) == text.replace("minfo", MASK).rstrip("\n")
    assert [repr(one) for one in dialogue.exchanges[1:]] == ["<Exchange: 1 sent, 1 received>"] * 2
    empty = Dialogue(dialogue.endpoint)
    assert repr(empty) == "<Dialogue with mail.minfo.sn:110: nothing was said>"


def test_a_block_is_one_unit_of_many_rows() -> None:
    read = read_text("C: Subject: x\n :\n : body\n | \\xff\\r\\n\n : .\n")
    assert read.script == (b"Subject: x\r\n\r\nbody\r\n\xff\r\n.\r\n",)


@pytest.mark.parametrize(
    ("text", "message_id", "line"),
    [
        ("S: 220 x\nEHLO x\n", "dialogue.bad-row", 2),
        ("S:220 x\n", "dialogue.bad-row", 1),
        (" : x\n", "dialogue.no-unit", 1),
        ("C: x\n\n : y\n", "dialogue.no-unit", 3),
        ("C| \\q\n", "dialogue.bad-escape", 1),
        ("C| x\\\n", "dialogue.bad-escape", 1),
        ("# protocol: gopher\n", "dialogue.bad-value", 1),
        ("# server: a:99999\n", "dialogue.bad-value", 1),
        ("C: x\n# note: note.raw [\n", "dialogue.bad-value", 2),
    ],
)
def test_a_wrong_row_is_named_with_its_place(text: str, message_id: str, line: int) -> None:
    with pytest.raises(UsageError) as caught:
        read_text(text, name="demo.txt")
    assert caught.value.message_id == message_id
    assert f"demo.txt, line {line}:" in caught.value.worded("en")


def test_json_of_another_version_or_shape_is_refused(smtp: Endpoint) -> None:
    good = to_document(Dialogue(smtp, (Exchange((Line(Side.CLIENT, b"\xff\n"),)),)))
    assert good["exchanges"][0]["lines"][0]["base64"] == "/wo="
    for wrong, place in (
        ({**good, "mailsim-dialogue": 2}, "mailsim-dialogue"),
        ({**good, "mailsim-dialogue": True}, "mailsim-dialogue"),
        ([], "mailsim-dialogue"),
        ({**good, "endpoint": None}, "endpoint"),
        ({**good, "endpoint": {**good["endpoint"], "port": True}}, "endpoint.port"),
        ({**good, "endpoint": {**good["endpoint"], "protocol": "x"}}, "endpoint.protocol"),
        ({**good, "exchanges": {}}, "exchanges"),
        ({**good, "exchanges": [{"lines": [{"side": "X"}], "notes": []}]}, "exchanges[0].lines[0]"),
        ({**good, "exchanges": [{"lines": [{"base64": "?"}], "notes": []}]}, "base64"),
    ):
        with pytest.raises(UsageError, match=r"^d\.json") as caught:
            from_document(wrong, name="d.json")
        assert place in caught.value.worded("en")
