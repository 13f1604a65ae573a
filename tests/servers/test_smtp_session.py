"""smtpd's order of things, its log, its patience; what is said word for word is in dialogues."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from mailsim.dialogue.log import parse_line
from mailsim.model.stage import Release, Stage
from mailsim.net.serving import Peer
from mailsim.servers.disturbance import Answer, Delay, Drop, Rule, Truncate
from mailsim.servers.envelope import Client as Identity
from mailsim.servers.envelope import Recipient, Submission
from mailsim.servers.queue.refused import Refused
from mailsim.servers.smtp import SmtpSession
from mailsim.servers.store import Store
from mailsim.wire.smtp import Reply
from tests.servers.smtpd import SILENT, Client, Smtpd

POSTE = "poste.minfo.sn[192.168.10.50]"
EHLO = "EHLO poste.minfo.sn"
MAIL, RCPT = "MAIL FROM:<user@minfo.sn>", "RCPT TO:<mactar@minfo.sn>"
LETTER = b"Subject: x\r\n\r\nBonjour\r\n"
MESSAGE = (MAIL, RCPT, "DATA", LETTER + b".\r\n")


def test_a_message_is_handed_on_with_all_that_is_known_of_it() -> None:
    smtpd = Smtpd()
    client = smtpd.talk(
        EHLO,
        "MAIL FROM:<user@minfo.sn> SIZE=30 BODY=8BITMIME RET=HDRS ENVID=a+2Bb AUTH=x@y.sn",
        "RCPT TO:<mactar@minfo.sn> NOTIFY=success,DELAY ORCPT=rfc822;m+3Dn@minfo.sn",
        "RCPT TO:<cheikh+thesis@minfo.sn>",
        "DATA",
        LETTER + b".\r\n",
        "QUIT",
    )
    assert client.lines[-2:] == ["250 2.0.0 Ok: queued as Q1", "221 2.0.0 Bye"]
    (one,) = smtpd.spool.taken
    assert one.sender == "user@minfo.sn"
    assert one.recipients == (
        Recipient("mactar@minfo.sn", "SUCCESS,DELAY", "rfc822;m=n@minfo.sn"),
        Recipient("cheikh+thesis@minfo.sn"),
    )
    assert one.content == LETTER
    assert one.client == Identity("192.168.10.50", "poste.minfo.sn", "poste.minfo.sn", 32769)
    assert (one.helo, one.protocol, one.tls) == ("poste.minfo.sn", "ESMTP", "")
    assert (one.body, one.ret, one.envid) == ("8BITMIME", "HDRS", "a+b")
    assert (one.service, one.queue_id) == ("smtp", "Q1")
    assert smtpd.log[1] == f"Q1: client={POSTE}, sasl_sender=x@y.sn"


def test_the_log_counts_commands_in_the_order_of_postfix_s_table() -> None:
    smtpd = Smtpd()
    nobody = "RCPT TO:<personne@minfo.sn>"
    smtpd.talk(EHLO, "BOGUS", MAIL, nobody, RCPT, nobody, "RSET", "NOOP", "QUIT")
    rejected = (
        f"reject: RCPT from {POSTE}: 550 5.1.1 <personne@minfo.sn>: Recipient address "
        "rejected: User unknown in local recipient table; from=<user@minfo.sn> "
        "to=<personne@minfo.sn> proto=ESMTP helo=<poste.minfo.sn>"
    )
    assert smtpd.log == [
        f"connect from {POSTE}",
        f"NOQUEUE: {rejected}",
        f"Q1: client={POSTE}",  # the first good recipient opens the queue file
        f"Q1: {rejected}",
        (
            f"disconnect from {POSTE} ehlo=1 mail=1 rcpt=1/3 rset=1 noop=1 quit=1 unknown=0/1 "
            "commands=6/9"
        ),
    ]
    reject = parse_line(smtpd.world.log.lines()[1])
    assert reject.fields["action"] == "reject"
    assert reject.fields["helo"] == "poste.minfo.sn"


def test_nothing_said_is_nothing_counted() -> None:
    smtpd = Smtpd()
    smtpd.talk()
    assert smtpd.log[1:] == [
        f"lost connection after CONNECT from {POSTE}",
        f"disconnect from {POSTE} commands=0/0",
    ]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ((EHLO, MAIL), f"lost connection after MAIL from {POSTE}"),
        ((EHLO, MAIL, RCPT, "DATA", "abc"), f"lost connection after DATA (5 bytes) from {POSTE}"),
        ((EHLO, MAIL, RCPT, "BDAT 9", b"abcd"), f"lost connection after RCPT from {POSTE}"),
        ((EHLO, SILENT), f"timeout after EHLO from {POSTE}"),
        ((EHLO, *MESSAGE, SILENT), f"timeout after END-OF-MESSAGE from {POSTE}"),
    ],
)
def test_a_client_that_goes_is_logged(said: tuple[str | bytes, ...], line: str) -> None:
    smtpd = Smtpd()
    client = smtpd.talk(*said)
    assert smtpd.log[-2] == line
    late = client.lines[-1] == "421 4.4.2 mail.minfo.sn Error: timeout exceeded"
    assert late is line.startswith("timeout")


def test_who_leaves_behind_a_message_is_not_complained_of() -> None:
    smtpd = Smtpd()
    smtpd.talk(EHLO, *MESSAGE)
    assert [line.split()[0] for line in smtpd.log] == ["connect", "Q1:", "disconnect"]


def test_commands_in_one_piece_are_answered_in_one_piece() -> None:
    smtpd = Smtpd()
    client = smtpd.talk(EHLO, f"{MAIL}\r\n{RCPT}\r\nDATA", LETTER + b".\r\nQUIT\r\n")
    assert client.codes[2:] == ["250", "250", "354", "250", "221"]
    # Read four times: at the start, behind the EHLO, for the content; the rest was there.
    assert len(client.read_after) == 3


def test_errors_end_the_session_and_a_message_forgives_them() -> None:
    smtpd = Smtpd(smtpd_hard_error_limit=3)
    client = smtpd.talk(EHLO, "A", "B", *MESSAGE, "C", "D", "E", "NOOP")
    assert client.lines[-1] == "421 4.7.0 mail.minfo.sn Error: too many errors"
    assert client.codes.count("500") == 5
    assert smtpd.log[-2] == f"too many errors after UNKNOWN from {POSTE}"


def test_too_many_commands_that_do_nothing_are_errors() -> None:
    smtpd = Smtpd(smtpd_junk_command_limit=3, smtpd_hard_error_limit=2)
    client = smtpd.talk(*["NOOP"] * 20)
    # `junk_cmds++ > limit`: the fifth is the first error.
    assert client.codes == ["220", *["250"] * 6, "421"]


def test_errors_slow_the_client_down() -> None:
    waits: list[float] = []

    class Patient(SmtpSession):
        async def pause(self, seconds: float) -> None:
            waits.append(seconds)

    smtpd = Smtpd(smtpd_soft_error_limit=2, smtpd_error_sleep_time=7.0)
    client = Client([b"A\r\n", b"B\r\n", b"C\r\n", b"QUIT\r\n"])
    asyncio.run(Patient(smtpd.world, "smtp", tls=lambda _: None).run(cast("Peer", client)))
    assert waits == [7.0, 7.0]


def test_a_run_that_repeats_waits_for_each_message_to_come_to_rest() -> None:
    for fixed, waited in ((True, ["Q1", "Q2"]), (False, [])):
        smtpd = Smtpd(fixed=fixed)
        smtpd.talk(EHLO, *MESSAGE, *MESSAGE, "QUIT")
        assert smtpd.spool.waited == waited


def test_what_the_queue_refuses_is_answered_in_its_words() -> None:
    smtpd = Smtpd()

    def refuse(submission: Submission) -> str:
        del submission
        raise Refused(Reply.of(554, "5.4.0", "Error: too many hops"))

    smtpd.spool.accept = refuse  # type: ignore[method-assign]
    client = smtpd.talk(EHLO, *MESSAGE, MAIL, "QUIT")
    assert client.lines[-3:] == ["554 5.4.0 Error: too many hops", "250 2.1.0 Ok", "221 2.0.0 Bye"]


# --- who the client is


def test_xclient_changes_who_is_logged_and_forgets_what_was_said() -> None:
    smtpd = Smtpd()
    client = smtpd.talk(
        EHLO,
        "XCLIENT NAME=spammeur.pub.sn ADDR=192.168.66.66 PORT=2525",
        MAIL,
        "RCPT TO:<secretaire@ugb.sn>",
        "RSET",
        "XCLIENT ADDR=192.168.10.50",
    )
    assert client.codes[2:] == ["220", "250", "454", "250", "550"]
    spammer = "spammeur.pub.sn[192.168.66.66]"
    assert smtpd.log[-3].startswith(f"NOQUEUE: reject: RCPT from {spammer}: 454 4.7.1 ")
    assert smtpd.log[-3].endswith("to=<secretaire@ugb.sn> proto=SMTP")
    assert smtpd.log[-1].startswith(f"disconnect from {spammer} ehlo=1 xclient=0/2 mail=1")


def test_xclient_s_login_is_who_sends() -> None:
    smtpd = Smtpd(Stage.SASL)
    smtpd.talk("XCLIENT LOGIN=user NAME=[UNAVAILABLE] HELO=h.sn PROTO=ESMTP", *MESSAGE, "QUIT")
    (one,) = smtpd.spool.taken
    assert "sasl_method=XCLIENT, sasl_username=user" in "\n".join(smtpd.log)
    assert (one.client.name, one.client.reverse_name) == ("unknown", "poste.minfo.sn")
    assert (one.helo, one.protocol) == ("h.sn", "ESMTPA")


@pytest.mark.parametrize(("release", "code"), [(Release.BOOKWORM, "454"), (Release.TRIXIE, "250")])
def test_xclient_s_login_in_the_clear_counts_since_postfix_3_9(release: Release, code: str) -> None:
    smtpd = Smtpd(Stage.MAIL, release)
    client = smtpd.talk(
        "XCLIENT LOGIN=user ADDR=192.168.66.66", MAIL, "RCPT TO:<secretaire@ugb.sn>"
    )
    assert client.codes[-1] == code


# --- AUTH and TLS


def test_a_login_is_logged_only_when_it_fails() -> None:
    smtpd = Smtpd(Stage.SASL)
    smtpd.talk(EHLO, "AUTH PLAIN AHVzZXIAZmF1eA==", "AUTH PLAIN AHVzZXIAbWluZm8=", *MESSAGE)
    (one,) = smtpd.spool.taken
    assert one.protocol == "ESMTPA"
    assert smtpd.log[2] == f"Q1: client={POSTE}, sasl_method=PLAIN, sasl_username=user"
    assert smtpd.log[1] == (
        f"warning: {POSTE}: SASL PLAIN authentication failed: (reason unavailable), "
        "sasl_username=user"
    )
    assert smtpd.log[3].startswith("disconnect")


def test_starttls_throws_away_what_was_injected_and_hides_the_rest() -> None:
    smtpd = Smtpd(Stage.TLS)
    client = smtpd.talk(EHLO, b"STARTTLS\r\nMAIL FROM:<evil@pub.sn>\r\n", EHLO, *MESSAGE, "QUIT")
    assert client.codes[2:] == ["220", "250", "250", "250", "354", "250", "221"]
    (one,) = smtpd.spool.taken
    assert one.sender == "user@minfo.sn"
    assert one.protocol == "ESMTPS"
    assert one.tls == "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
    assert smtpd.log[1] == f"Anonymous TLS connection established from {POSTE}: {one.tls}"


def test_without_a_certificate_465_says_nothing_and_587_that_it_cannot() -> None:
    smtpd = Smtpd(Stage.TLS)
    smtpd.context = None
    assert smtpd.talk(EHLO, service="submissions").heard == b""
    assert smtpd.log[1] == (
        f"warning: Wrapper-mode request dropped from {POSTE} for service submissions. TLS "
        "context initialization failed. For details see earlier warnings in your logs."
    )
    asked = smtpd.talk(EHLO, "STARTTLS", service="submission")
    assert asked.lines[-1] == "454 4.7.0 TLS not available due to local problem"


# --- who speaks too early


@pytest.mark.parametrize(("release", "last"), [(Release.NOBLE, "250"), (Release.TRIXIE, "554")])
def test_speaking_before_the_greeting_is_logged_and_refused_since_3_9(
    release: Release, last: str
) -> None:
    smtpd = Smtpd(release=release)
    client = smtpd.talk(early=b"EHLO x\r\n")
    assert smtpd.log[1] == f"improper command pipelining after CONNECT from {POSTE}: EHLO x\\r\\n"
    assert client.codes[-1] == last


def test_an_unknown_word_in_notify_is_in_the_log() -> None:
    smtpd = Smtpd()
    client = smtpd.talk(EHLO, MAIL, f"{RCPT} NOTIFY=success,Soon,x", f"{RCPT} NOTIFY=NEVER,SUCCESS")
    assert client.codes[-2:] == ["501", "501"]
    said = [line for line in smtpd.log if "NOTIFY" in line]
    assert said == ['warning: unknown DSN NOTIFY command value "Soon" in "success,Soon,x"']


# --- how many connections a client may have

SPAMMEUR = "XCLIENT NAME=spammeur.pub.sn ADDR=192.168.66.66"
ITS = ("smtp", "192.168.66.66")


def test_a_connection_that_has_ended_counts_no_more() -> None:
    smtpd = Smtpd(Stage.RELAY, smtpd_client_connection_count_limit=1)
    for _ in range(3):
        assert smtpd.talk(SPAMMEUR, "QUIT").codes == ["220", "220", "221"]
    assert not smtpd.world.smtp_connections


def test_one_connection_too_many_is_sent_away_and_the_log_says_so() -> None:
    smtpd = Smtpd(Stage.RELAY)
    smtpd.world.smtp_connections[ITS] = 50
    said = "421 4.7.0 mail.minfo.sn Error: too many connections from 192.168.66.66"
    assert smtpd.talk(SPAMMEUR, "EHLO spammeur.pub.sn").lines[1:] == [said]
    shown = "51 from spammeur.pub.sn[192.168.66.66] for service smtp"
    assert f"warning: Connection concurrency limit exceeded: {shown}" in smtpd.log
    assert (
        smtpd.log[-1] == "disconnect from spammeur.pub.sn[192.168.66.66] xclient=0/1 commands=0/1"
    )
    assert smtpd.world.smtp_connections == {ITS: 50}


@pytest.mark.parametrize(
    ("stage", "limit", "host"),
    [
        (Stage.RELAY, 0, "ADDR=192.168.66.66"),  # 0 is no limit
        (Stage.RELAY, 1, "ADDR=127.0.0.1"),  # mynetworks
        (Stage.MAIL, 1, "ADDR=192.168.10.99"),  # mynetworks, which is the LAN at first
        (Stage.RELAY, 1, "ADDR=192.168.10.50"),  # may say XCLIENT
    ],
)
def test_who_is_not_counted(stage: Stage, limit: int, host: str) -> None:
    smtpd = Smtpd(stage, smtpd_client_connection_count_limit=limit)
    address = host.partition("=")[2]
    smtpd.world.smtp_connections["smtp", address] = 9
    assert smtpd.talk(f"XCLIENT {host}", "QUIT").codes == ["220", "220", "221"]


# --- disturbances


def disturbed(rule: Rule, *said: str | bytes) -> tuple[Client, Smtpd]:
    smtpd = Smtpd()
    smtpd.world.disturbances.add(rule)
    return smtpd.talk(*said), smtpd


@pytest.mark.parametrize(
    ("command", "text", "codes"),
    [
        ("GREETING", "554 not today", ["554", "250", "250", "250", "354", "250", "221"]),
        ("GREETING", "421 4.3.2 busy", ["421"]),
        ("EHLO", "502 no", ["220", "502", "250", "250", "354", "250", "221"]),
        ("MAIL", "451 4.3.0 later", ["220", "250", "451", "503", "503", "221"]),
        ("DATA", "421 4.3.2 busy", ["220", "250", "250", "250", "421"]),
        (".", "452 4.3.1 full", ["220", "250", "250", "250", "354", "452", "221"]),
    ],
)
def test_a_disturbance_may_answer_in_the_server_s_place(
    command: str, text: str, codes: list[str]
) -> None:
    letter = (MAIL, RCPT, "DATA", b".\r\n")
    client, smtpd = disturbed(Rule("r", Answer(text), "smtp", command), EHLO, *letter, "QUIT")
    assert client.codes == codes
    assert text in client.lines
    assert smtpd.spool.taken == [] or command in ("GREETING", "EHLO")


def test_a_disturbance_may_ask_for_what_nobody_waits_for() -> None:
    rule = Rule("r", Answer("354 go on"), "smtp", "DATA")
    client, _ = disturbed(rule, EHLO, "DATA", b"x\r\n.\r\n", "QUIT")
    assert client.codes == ["220", "250", "354", "554", "221"]
    rule = Rule("r", Answer("334 AAAA"), "smtp", "AUTH")
    client, _ = disturbed(rule, EHLO, "AUTH PLAIN", "AAAA", "QUIT")
    assert client.codes == ["220", "250", "334", "503", "221"]


def test_a_disturbance_goes_by_address_and_time() -> None:
    rule = Rule("r", Answer("450 4.2.0 Greylisted"), "smtp", "RCPT", address="*@minfo.sn", nth="1")
    client, smtpd = disturbed(rule, EHLO, MAIL, RCPT, RCPT, "DATA", b".\r\n")
    assert client.codes[-4:] == ["450", "250", "354", "250"]
    assert len(smtpd.spool.taken[0].recipients) == 1


def test_a_disturbance_may_cut_the_connection_or_what_is_said() -> None:
    client, _ = disturbed(Rule("r", Drop(), "smtp", "RCPT"), EHLO, MAIL, RCPT, "QUIT")
    assert client.aborted
    assert client.codes[-1] == "250"
    client, _ = disturbed(Rule("r", Truncate(6), "smtp", "NOOP"), "HELO x", "NOOP", "QUIT")
    assert client.heard.endswith(b"\r\n250 2.")


def test_a_disturbance_may_let_time_pass() -> None:
    client, _ = disturbed(Rule("r", Delay(0.0), "smtp", "NOOP"), "NOOP", "QUIT")
    assert client.codes == ["220", "250", "221"]


# --- the end


def test_a_server_that_stops_says_so() -> None:
    smtpd = Smtpd()
    client = Client([])

    async def stop() -> None:
        session = SmtpSession(smtpd.world, "smtp", tls=lambda _: None)
        reading = asyncio.Event()

        async def wait(timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - Peer's own
            assert timeout
            reading.set()
            await asyncio.Event().wait()
            return b""

        client.read = wait  # type: ignore[method-assign]
        task = asyncio.create_task(session.run(cast("Peer", client)))
        await reading.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(stop())
    assert client.lines[-1] == "421 mail.minfo.sn Service unavailable - try again later"
    assert client.closing


def test_a_disk_that_is_nearly_full_takes_no_mail(tmp_path: Path) -> None:
    smtpd = Smtpd()
    smtpd.world.store = Store(tmp_path)
    assert smtpd.talk(EHLO, MAIL).codes[-1] == "250"
    smtpd.world.store.free = lambda: 15_360_000.0  # type: ignore[method-assign]
    client = smtpd.talk(EHLO, MAIL, "QUIT")
    assert client.lines[-2] == "452 4.3.1 Insufficient system storage"
    text = "not enough free space in mail queue: 15360000 bytes < 1.5*message size limit"
    assert smtpd.log[-2] == f"warning: {text}"
    assert smtpd.log[-3].startswith(f"NOQUEUE: reject: MAIL from {POSTE}: 452 4.3.1 Insufficient")
    smtpd.world.store.close()
