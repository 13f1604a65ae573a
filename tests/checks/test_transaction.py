"""Commands and replies, paired from transcripts, whoever sent them and in whatever pieces."""

from __future__ import annotations

from mailsim.checks.said import said
from mailsim.checks.transaction import Transaction, asked, transactions
from mailsim.dialogue import Dialogue
from mailsim.dialogue.text import read_text

HEAD = "S: 220 mail.minfo.sn ESMTP\n\nC: EHLO poste.minfo.sn\nS: 250-mail.minfo.sn\nS: 250 PIPELINING\n\n"


def spoken(text: str) -> Dialogue:
    return read_text(text).dialogue


def only(text: str) -> Transaction:
    [one] = transactions(spoken(text))
    return one


def test_a_transaction_step_by_step() -> None:
    one = only(
        HEAD + "C: MAIL FROM:<user@minfo.sn>\nS: 250 2.1.0 Ok\n\n"
        "C: RCPT TO:<cheikh@minfo.sn>\nS: 250 2.1.5 Ok\n\n"
        "C: RCPT TO:<personne@minfo.sn>\nS: 550 5.1.1 <personne@minfo.sn>: unknown\n\n"
        "C: DATA\nS: 354 go on\nC: Subject: a\n :\n : ..\n : .\nS: 250 2.0.0 Ok: queued as A1\n"
    )
    assert (one.hello, one.client, one.user, one.secure) == ("poste.minfo.sn", "", False, False)
    assert one.sender == "user@minfo.sn"
    assert one.accepted() == ("cheikh@minfo.sn",)
    assert one.content == b"Subject: a\r\n\r\n.\r\n"
    assert one.taken
    assert one.reply is not None
    assert one.reply.text == "Ok: queued as A1"


def test_a_whole_transaction_in_one_go() -> None:
    one = only(
        HEAD + "C: MAIL FROM:<a@b.sn>\nC: RCPT TO:<c@d.sn>\nC: DATA\n"
        "S: 250 Ok\nS: 250 Ok\nS: 354 go on\n\nC: x\n : .\nS: 554 5.7.1 no\n"
    )
    assert len(one.exchanges) == 2
    assert not one.taken
    assert one.written == ("FROM:<a@b.sn>", "TO:<c@d.sn>")


def test_what_is_sent_by_hand_is_read_by_octets() -> None:
    dialogue = spoken(
        HEAD + "C| MAIL FROM:<a@b.sn>\\r\\nRCPT TO:<c@d.sn>\\r\\nDATA\\r\\n\n"
        "S: 250 Ok\nS: 250 Ok\nS: 354 go on\n\n"
        "C| x\\r\\n.\\r\\nNOOP\\r\\n\nS: 250 queued\nS: 250 Ok\n"
    )
    assert [one.verb for one in asked(dialogue)] == ["EHLO", "MAIL", "RCPT", "DATA", ".", "NOOP"]
    [one] = transactions(dialogue)
    assert one.content == b"x\r\n"


def test_after_a_lone_dot_come_commands() -> None:
    dialogue = spoken(
        HEAD + "C: MAIL FROM:<a@b.sn>\nS: 250 Ok\n\nC: RCPT TO:<c@d.sn>\nS: 250 Ok\n\n"
        "C: DATA\nS: 354 go on\n\nC| Ici.\\r\\n.\\r\\nEt la suite\\r\\n.\\r\\n\n"
        "S: 250 queued\nS: 500 what?\nS: 221 bye\n"
    )
    assert [(one.verb, one.reply and one.reply.code) for one in asked(dialogue)][-3:] == [
        (".", "250"),
        ("ET", "500"),
        (".", "221"),
    ]


def test_rset_ehlo_and_another_mail_each_end_a_transaction() -> None:
    begun = "C: MAIL FROM:<a@b.sn>\nS: 250 Ok\n\n"
    for end in ("C: RSET\nS: 250 Ok\n\n", "C: EHLO x\nS: 250 y\n\n", ""):
        found = transactions(spoken(HEAD + begun + end + "C: MAIL FROM:<>\nS: 250 Ok\n"))
        assert [one.sender for one in found] == ["a@b.sn", ""]


def test_a_refused_mail_begins_one_all_the_same() -> None:
    one = only(HEAD + "C: MAIL FROM : < a@b.sn >\nS: 501 5.5.4 Syntax\n")
    assert one.sender == "a@b.sn"
    assert one.mail is not None
    assert one.mail.code == "501"


def test_who_the_client_is_and_whether_it_has_logged_in() -> None:
    one = only(
        "S: 220 mail.minfo.sn ESMTP\n\nC: XCLIENT NAME=mx.ugb.sn ADDR=192.168.20.1\n"
        "S: 220 mail.minfo.sn ESMTP\n\nC: EHLO mx.ugb.sn\nS: 250 mail.minfo.sn\n\n"
        "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: […]\n"
        "S: 235 2.7.0 ok\n\n== TLS ==\nC: MAIL FROM:<a@b.sn>\nS: 250 Ok\n"
    )
    assert (one.client, one.hello, one.user, one.secure) == ("mx.ugb.sn", "mx.ugb.sn", True, True)


def test_a_login_that_failed_is_none() -> None:
    one = only(HEAD + "C: AUTH PLAIN […]\nS: 535 5.7.8 no\n\nC: MAIL FROM:<a@b.sn>\nS: 250 Ok\n")
    assert not one.user


def test_chunks_are_no_commands() -> None:
    one = only(
        HEAD + "C: MAIL FROM:<a@b.sn>\nS: 250 Ok\n\nC: RCPT TO:<c@d.sn>\nS: 250 Ok\n\n"
        "C| BDAT 8 LAST\\r\\nQUIT\\r\\nx\\n\nS: 250 queued\n"
    )
    assert one.content == b"QUIT\r\nx\n"
    assert one.taken


def test_imap_by_tags_and_pop3_by_order() -> None:
    imap = spoken(
        '# protocol: imap\nS: * OK ready\n\nC: a1 UID SEARCH BODY "kora"\n'
        "S: * SEARCH 1 2\nS: a1 OK done\n\nC: a2 CREATE x\nS: a2 NO [ALREADYEXISTS] there\n"
    )
    found = said(imap)
    assert [(one.verb, one.argument, one.code) for one in found] == [
        ("UID SEARCH", 'BODY "kora"', "OK"),
        ("CREATE", "x", "NO"),
    ]
    assert b"SEARCH 1 2" in found[0].answer
    pop3 = spoken(
        "# protocol: pop3\nS: +OK ready\n\nC: USER user\nC: PASS […]\nS: +OK\nS: -ERR no\n"
    )
    assert [(one.verb, one.code) for one in said(pop3)] == [("USER", "+OK"), ("PASS", "-ERR")]
