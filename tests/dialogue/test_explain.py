from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.dialogue import Dialogue, Exchange, Line, Side
from mailsim.dialogue.explain import explain, explain_text
from mailsim.dialogue.text import read_text
from mailsim.model import Endpoint, Protocol


def ids(text: str) -> list[tuple[str, ...]]:
    """The entries' ids of each row."""
    explained = explain(read_text(text).dialogue)
    return [row.ids for exchange in explained for row in exchange.rows]


def last(text: str) -> tuple[str, ...]:
    return ids(text)[-1]


def test_a_refusal_is_known_by_wording_then_enhanced_code_then_code() -> None:
    text = (
        "S: 220 x\nC: RCPT TO:<x@minfo.sn>\nS: 550 5.1.1 <x@minfo.sn>: Recipient address "
        "rejected: User unknown in local recipient table\n"
    )
    row = explain(read_text(text).dialogue)[-1].rows[-1]
    assert row.ids == (
        "wording.postfix.user-unknown-local",
        "enhanced.code.X.1.1",
        "smtp.reply.550",
    )
    assert row.values == {"recipient": "x@minfo.sn"}
    assert row.raw.startswith(b"550 5.1.1")
    assert "550: " in row.worded("en")
    assert "\u00a0; 550\u00a0: " in row.worded("fr")


def test_ok_is_explained_by_its_command_and_its_enhanced_code() -> None:
    said = (
        "S: 220 x\nC: EHLO y\nS: 250 x\nC: MAIL FROM:<a@b>\nS: 250 2.1.0 Ok\nC: RCPT TO:<c@d>\n"
        "S: 250 2.1.5 Ok\nC: RSET\nS: 250 2.0.0 Ok\nC: NOOP\nS: 250 2.0.0 Ok\nC: RCPT TO:<c@d>\n"
        "S: 250 Ok\nC: MAIL FROM:<a@b>\nS: 250 2.6.0 Ok\nC: VRFY a\nS: 250 Ok\n"
    )
    assert [one[0] for one in ids(said)[4::2]] == [
        "wording.postfix.sender-ok",
        "wording.postfix.recipient-ok",
        "wording.postfix.done",
        "wording.postfix.done",
        "wording.postfix.recipient-ok",
        "enhanced.code.X.6.0",
        "smtp.reply.250",
    ]
    texts = {"250 2.1.0 Ok": "sender-ok", "250 2.1.5 Ok": "recipient-ok", "2.0.0 Ok": "done"}
    for text, name in texts.items():
        assert explain_text(text).meanings[0].entry.name == name


def test_an_ehlo_answer_is_a_name_and_extensions() -> None:
    rows = ids("S: 220 x\nC: EHLO y\nS: 250-mail.minfo.sn\nS: 250-AUTH PLAIN\nS: 250 SIZE 9\n")
    assert rows[0][0] == "smtp.line.GREETING"
    assert rows[1] == ("smtp.command.EHLO",)
    assert rows[2][0] == "smtp.line.GREETING-HELLO"
    assert rows[3][:2] == ("smtp.extension.AUTH", "sasl.mechanism.PLAIN")
    assert rows[4] == ("smtp.extension.SIZE", "smtp.reply.250")


def test_pipelined_replies_are_seen_with_their_commands() -> None:
    rows = ids("S: 220 x\nC: EHLO y\nC: NOOP\nS: 250-mail\nS: 250 DSN\nS: 250 DSN\n")
    assert rows[-2][0] == "smtp.extension.DSN"
    assert rows[-1] == ("smtp.reply.250",)


def test_message_content_is_header_then_body_then_dot() -> None:
    rows = ids(
        "S: 220 x\nC: DATA\nS: 354 go\nC: Subject: a\nC:  b\nC: X-Odd: c\nC:\nC: Subject: no\n"
        "C: ..dot\nC: .\nS: 250 ok\nC: QUIT\n"
    )
    assert rows[3:] == [
        ("message.header.Subject", "smtp.line.HEADER-FIELD"),
        ("message.header.Subject", "smtp.line.HEADER-FIELD"),
        ("smtp.line.HEADER-FIELD",),
        ("smtp.line.HEADER-END",),
        ("smtp.line.BODY",),
        ("smtp.line.STUFFED-DOT", "smtp.line.BODY"),
        ("smtp.line.END-OF-DATA",),
        ("smtp.reply.250",),
        ("smtp.command.QUIT",),
    ]


def test_smtp_s_other_lines() -> None:
    auth = "S: 220 x\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: *\n"
    assert [one[0] for one in ids(auth)[1:]] == [
        "smtp.command.AUTH",
        "smtp.line.SASL-CHALLENGE",
        "smtp.line.SASL-RESPONSE",
        "smtp.line.SASL-CHALLENGE",
        "smtp.line.SASL-CANCEL",
    ]
    assert last("S: 220 x\nC: BONJOUR\n") == ("smtp.line.UNKNOWN-COMMAND",)
    assert last("S: 220 x\nC| QUIT\\n\n") == ("smtp.command.QUIT", "smtp.line.BARE-LF")
    assert last("S: 220 x\nC: MAIL FROM:<a@b> SIZE=4 BODY=8BITMIME\n") == (
        "smtp.command.MAIL",
        "smtp.parameter.SIZE",
        "smtp.parameter.BODY",
    )
    chunk = ids("S: 220 x\nC: BDAT 6 LAST\nC: QUIT\nC: QUIT\n")
    assert chunk[1:] == [("smtp.command.BDAT",), ("smtp.line.CHUNK",), ("smtp.command.QUIT",)]
    assert ids("S: 220 x\nC: XCLIENT ADDR=::1\nS: 220 y\n")[-1][0] == "smtp.line.GREETING"
    lmtp = "# protocol: lmtp\nS: 220 x\nC: RCPT TO:<a@b>\nS: 250 ok\nC: RCPT TO:<c@b>\nS: 250 ok\n"
    two = lmtp + "C: DATA\nS: 354 go\nC: .\nS: 250 a\nS: 450 b\nC: LHLO x\nS: 250-x\nS: 250 DSN\n"
    assert ids(two)[-1][0] == "smtp.extension.DSN"


def test_pop3_s_answers_are_seen_with_their_commands() -> None:
    rows = ids(
        "S: +OK hi\nC: STAT\nS: +OK 2 320\nC: LIST\nS: +OK\nS: 1 120\nS: .\nC: UIDL 1\n"
        "S: +OK 1 abc\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nC: RETR 1\nS: +OK\nS: To: x\n"
        "S: ..dot\nS: .\nC: PASS x\nS: -ERR [IN-USE] no\n"
    )
    assert [one[0] for one in rows] == [
        "pop3.line.GREETING",
        "pop3.command.STAT",
        "pop3.line.DROP-LISTING",
        "pop3.command.LIST",
        "pop3.status.+OK",
        "pop3.line.SCAN-LISTING",
        "pop3.line.END",
        "pop3.command.UIDL",
        "pop3.line.UNIQUE-ID-LISTING",
        "pop3.command.CAPA",
        "pop3.status.+OK",
        "pop3.capability.SASL",
        "pop3.line.END",
        "pop3.command.RETR",
        "pop3.status.+OK",
        "message.header.To",
        "pop3.line.STUFFED-DOT",
        "pop3.line.END",
        "pop3.command.PASS",
        "pop3.code.IN-USE",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("CAPABILITY", "NO-TAG"),
        ("LOGIN user minfo", "NO-TAG"),
        ("select INBOX", "NO-TAG"),
        ("FETCH 1 FLAGS", "NO-TAG"),
        ("a1", "TAG-ALONE"),
        ("", "TAG-ALONE"),
        ("a1 RETR 1", "UNKNOWN-COMMAND"),
        ("GET / HTTP/1.1", "UNKNOWN-COMMAND"),
    ],
)
def test_a_missing_tag_is_told_as_such(line: str, expected: str) -> None:
    rows = ids(f"# protocol: imap\nS: * OK hi\nC: {line}\n")
    assert rows[-1][0] == f"imap.line.{expected}"


def test_imap_s_literals_continuations_and_data() -> None:
    rows = ids(
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\nC: a LOGIN {3}\nS: + go\nC: bob {6}\nS: + go\n"
        "C: secret\nS: a OK done\nC: b SELECT INBOX\nS: * 3 EXISTS\nS: * OK [UIDNEXT 5] next\n"
        "S: * FLAGS (\\Seen)\nS: b OK [READ-WRITE] done\nC: c FETCH 1 (FLAGS BODY[])\n"
        "S: * 1 FETCH (FLAGS (\\Seen) BODY[] {12}\nS: To: x\nS:\nS: z)\nS: c OK done\n"
        "C: d IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nS: d OK done\nC: e AUTHENTICATE PLAIN\n"
        "S: + \nC: *\nS: e BAD no\nC: f NOSUCH\n"
    )
    assert [one[0] for one in rows] == [
        "imap.line.GREETING",
        "imap.command.LOGIN",
        "imap.line.CONTINUATION",
        "imap.line.LITERAL-DATA",
        "imap.line.CONTINUATION",
        "imap.line.LITERAL-DATA",
        "imap.status.OK",
        "imap.command.SELECT",
        "imap.response.EXISTS",
        "imap.code.UIDNEXT",
        "imap.response.FLAGS",
        "imap.code.READ-WRITE",
        "imap.command.FETCH",
        "imap.response.FETCH",
        "message.header.To",
        "imap.line.LITERAL-DATA",
        "imap.line.LITERAL-DATA",
        "imap.status.OK",
        "imap.command.IDLE",
        "imap.line.IDLING",
        "imap.response.EXISTS",
        "imap.command.DONE",
        "imap.status.OK",
        "imap.command.AUTHENTICATE",
        "imap.line.SASL-CHALLENGE",
        "imap.line.SASL-CANCEL",
        "imap.status.BAD",
        "imap.line.UNKNOWN-COMMAND",
    ]
    assert "imap.capability.AUTH=" in rows[0]
    assert "imap.item.BODY[]" in rows[12]
    assert "imap.flag.\\Seen" in rows[13]
    assert "imap.line.LITERAL" in rows[13]


def test_imap_s_options_are_no_search_keys_and_items_no_names() -> None:
    rows = ids(
        'S: * OK hi\nC: a SEARCH RETURN (ALL MIN) ALL UNSEEN\nS: * ESEARCH (TAG "a") MIN 2 ALL 2,4\n'
        'S: a OK\nC: b LIST (SUBSCRIBED) "" "ALL" RETURN (CHILDREN STATUS (MESSAGES SIZE))\n'
        "S: b OK\nC: c STATUS SIZE (UNSEEN)\nS: * STATUS SIZE (UNSEEN 0)\nS: c OK\n"
        "C: d UID SORT RETURN (COUNT) (DATE) UTF-8 ALL\nS: d OK\nC: e SEARCH ALL\n"
    )
    assert rows[1] == (
        "imap.command.SEARCH",
        "imap.option.ALL",
        "imap.option.MIN",
        "imap.key.RETURN",
        "imap.key.ALL",
        "imap.key.UNSEEN",
    )
    assert rows[2][:3] == ("imap.response.ESEARCH", "imap.option.MIN", "imap.option.ALL")
    assert rows[4] == (
        "imap.command.LIST",
        "imap.option.SUBSCRIBED",
        "imap.option.CHILDREN",
        "imap.option.STATUS",
        "imap.figure.MESSAGES",
        "imap.figure.SIZE",
    )
    assert rows[6] == ("imap.command.STATUS", "imap.figure.UNSEEN")
    assert rows[7][:2] == ("imap.response.STATUS", "imap.figure.UNSEEN")
    assert "imap.figure.SIZE" not in rows[7]
    assert rows[9][1:] == ("imap.option.COUNT", "imap.key.RETURN", "imap.key.ALL")
    assert rows[11] == ("imap.command.SEARCH", "imap.key.ALL")


def test_managesieve_s_strings_are_seen_with_their_commands() -> None:
    rows = ids(
        'S: "SIEVE" "fileinto"\nS: OK "hi"\nC: AUTHENTICATE "X"\nS: "eA=="\nC: "eQ=="\nS: OK\n'
        'C: LISTSCRIPTS\nS: "a" ACTIVE\nS: OK\nC: PUTSCRIPT "a" {6+}\nC: keep\nC:\nS: NO (QUOTA) "x"\n'
        'C: GETSCRIPT "a"\nS: {6}\nS: keep\nS:\nS: OK\n'
    )
    assert [one[0] for one in rows] == [
        "managesieve.capability.SIEVE",
        "managesieve.line.GREETING",
        "managesieve.command.AUTHENTICATE",
        "managesieve.line.SASL-CHALLENGE",
        "managesieve.line.SASL-RESPONSE",
        "managesieve.status.OK",
        "managesieve.command.LISTSCRIPTS",
        "managesieve.line.SCRIPT-LISTING",
        "managesieve.status.OK",
        "managesieve.command.PUTSCRIPT",
        "managesieve.line.SCRIPT-CONTENT",
        "managesieve.line.LITERAL",
        "managesieve.code.QUOTA",
        "managesieve.command.GETSCRIPT",
        "managesieve.line.LITERAL",
        "managesieve.line.SCRIPT-CONTENT",
        "managesieve.line.SCRIPT-CONTENT",
        "managesieve.status.OK",
    ]


def test_dns_messages_are_explained_by_code_question_and_flags() -> None:
    question = b"\x05minfo\x02sn\x00\x00\x0f\x00\x01"
    asked = b"\x0a\x0a\x01\x00\x00\x01" + bytes(6) + question
    refused = b"\x0a\x0a\x85\x83\x00\x01" + bytes(6) + question
    lines = (
        Line(Side.CLIENT, asked),
        Line(Side.SERVER, refused),
        Line(Side.SERVER, refused[:20]),
        Line(Side.SERVER, b"\x0a"),
        Line(Side.CLIENT, len(asked).to_bytes(2, "big") + asked),  # by TCP
    )
    dialogue = Dialogue(Endpoint("x", Protocol.DNS, "ns.example", 53), (Exchange(lines),))
    (exchange,) = explain(dialogue)
    assert [row.ids for row in exchange.rows if row.row == 0] == [
        ("dns.type.MX", "dns.class.IN", "dns.flag.RD"),
        (
            "dns.rcode.NXDOMAIN",
            *("dns.type.MX", "dns.class.IN"),
            *("dns.flag.QR", "dns.flag.AA", "dns.flag.RD", "dns.flag.RA"),
        ),
        ("dns.rcode.NXDOMAIN", "dns.flag.QR", "dns.flag.AA", "dns.flag.RD", "dns.flag.RA"),
        (),
        ("dns.type.MX", "dns.class.IN", "dns.flag.RD"),
    ]
    assert all(row.ids == () for row in exchange.rows if row.row)


RAW = st.binary(max_size=30) | st.sampled_from(
    [
        b"+ \r\n",
        b"334 x\r\n",
        b"354\r\n",
        b"DATA\r\n",
        b"a LOGIN {3}\r\n",
        b"* 1 FETCH (X {9}\r\n",
        b".\r\n",
    ]
)


@pytest.mark.fuzz
@given(st.sampled_from(list(Protocol)), st.lists(st.tuples(st.sampled_from(Side), RAW)))
def test_any_bytes_are_explained_or_left_without_an_error(
    protocol: Protocol, said: list[tuple[Side, bytes]]
) -> None:
    lines = tuple(Line(side, raw) for side, raw in said)
    dialogue = Dialogue(Endpoint("x", protocol, "x.example", 1), (Exchange(lines),))
    rows = [row for exchange in explain(dialogue) for row in exchange.rows]
    assert len(rows) == sum(len(line.rows()) for line in lines)
