"""The stepper's model by direct calls, over real labs: no widget, no browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from mailsim import Lab, Pop3Tracer, SmtpTracer
from mailsim.errors import UsageError
from mailsim.ui.stepping import Choice, Source, Stepping

Step = Callable[..., Stepping]


@pytest.fixture
def step() -> Iterator[Step]:
    """Makes Steppings, and closes their connections."""
    made: list[Stepping] = []

    def make(source: Source, script: str = "", lang: str | None = None) -> Stepping:
        made.append(Stepping(source, script, lang))
        return made[-1]

    yield make
    for one in made:
        one.close()


def choice(stepping: Stepping, verb: str) -> Choice:
    return next(one for one in stepping.choices if one.verb == verb)


def test_the_buttons_are_what_the_clients_table_allows(step: Step, lab: Lab) -> None:
    stepping = step(lab.smtp)
    assert stepping.tracer is not None
    assert tuple(one.verb for one in stepping.choices) == stepping.tracer.legal()
    stepping.say("EHLO poste.minfo.sn")
    assert {"MAIL", "QUIT"} <= {one.verb for one in stepping.choices}
    stepping.say("MAIL FROM:<user@minfo.sn>")
    assert tuple(one.verb for one in stepping.choices) == stepping.tracer.legal()
    assert "MAIL" not in stepping.tracer.legal()


def test_a_choice_that_says_all_is_sent_and_another_gives_a_line_to_complete(
    step: Step, lab: Lab
) -> None:
    stepping = step(lab.smtp)
    assert choice(stepping, "EHLO") == Choice(
        "EHLO",
        "Introduces the client and asks for the list of extensions",
        "EHLO poste.minfo.sn",
        complete=False,
    )
    assert stepping.choose("EHLO") == "EHLO poste.minfo.sn"
    assert "C:" not in stepping.transcript
    assert choice(stepping, "NOOP").complete
    assert stepping.choose("NOOP") == ""
    assert stepping.transcript.endswith("C: NOOP\nS: 250 2.0.0 Ok")


def test_what_is_not_allowed_is_told_and_the_line_sends_it_all_the_same(
    step: Step, lab: Lab
) -> None:
    stepping = step(lab.smtp)
    assert stepping.choose("DATA") == ""
    assert (stepping.failed, stepping.told != "") == (True, True)
    assert stepping.told.startswith("DATA is not allowed in this state.")
    stepping.say("DATA")
    assert not stepping.failed
    assert stepping.transcript.endswith("S: 503 5.5.1 Error: need RCPT command")


def test_a_whole_message_line_by_line_is_delivered(step: Step, lab: Lab) -> None:
    stepping = step(lab.smtp)
    for line in ("EHLO poste.minfo.sn", "MAIL FROM:<user@minfo.sn>", "RCPT TO:<cheikh@minfo.sn>"):
        stepping.say(line)
    stepping.choose("DATA")
    stepping.say("Message-ID: <pas@poste.minfo.sn>\n\nBonjour")
    stepping.say("..")  # a line of a dot, stuffed by hand
    assert [one.verb for one in stepping.choices] == ["."]
    stepping.choose(".")
    assert "queued as" in stepping.transcript
    lab.wait("pas@poste.minfo.sn")
    content = lab.mailboxes["cheikh"]["INBOX"][0].content
    assert content.endswith(b"\r\nBonjour\r\n.\r\n")


def test_each_row_says_what_it_means_with_heading_and_quotation(step: Step, lab: Lab) -> None:
    stepping = step(lab.smtp, lang="fr")
    stepping.say("MAIL FROM:<user@minfo.sn>")
    said = dict(stepping.spoken[-1].said)
    assert stepping.spoken[-1].row.text.startswith(("250", "503"))
    assert said[""]
    assert any(label == "voir\u00a0:" and "RFC 5321 §" in text for label, text in said.items())
    assert "exemple\u00a0:" not in said


def test_pop3_step_by_step(step: Step, lab: Lab) -> None:
    stepping = step(lab.pop3)
    assert stepping.choose("USER") == "USER user"
    stepping.say("USER user")
    stepping.say("PASS minfo")
    assert "minfo" not in stepping.transcript.replace("mail.minfo.sn", "")
    stepping.choose("STAT")
    assert stepping.transcript.endswith("C: STAT\nS: +OK 0 0")


def test_imap_gives_each_line_a_tag_of_its_own_and_idle_its_done(step: Step, lab: Lab) -> None:
    stepping = step(lab.imap)
    assert stepping.choose("LOGIN") == "a1 LOGIN user minfo"
    stepping.say("a1 LOGIN user minfo")
    assert stepping.choose("SELECT") == "a2 SELECT INBOX"
    stepping.say("a2 SELECT INBOX")
    stepping.choose("IDLE")
    assert [one.line for one in stepping.choices] == ["DONE"]
    lab.deliver("From: user@minfo.sn\nTo: user@minfo.sn\n\nx\n")
    stepping.listen(10)
    assert "S: * 1 EXISTS" in stepping.transcript
    stepping.choose("DONE")
    assert "SELECT" in [one.verb for one in stepping.choices]


@pytest.mark.parametrize(
    ("kind", "line"),
    [("smtp", "AUTH LOGIN"), ("pop3", "AUTH LOGIN"), ("imap", "a1 AUTHENTICATE LOGIN")],
)
def test_within_a_login_a_response_or_giving_up_is_what_may_come(
    step: Step, kind: str, line: str
) -> None:
    with Lab(stage="sasl", seed=1) as lab:
        stepping = step({"smtp": lab.smtp, "pop3": lab.pop3, "imap": lab.imap}[kind])
        if kind == "smtp":
            stepping.say("EHLO poste.minfo.sn")
        stepping.say(line)
        assert [(one.verb, one.line, one.complete) for one in stepping.choices] == [
            ("RESPONSE", "", False),
            ("*", "*", True),
        ]
        assert all(one.hint for one in stepping.choices)
        stepping.say("dXNlcg==")
        assert "dXNlcg==" not in stepping.transcript
        stepping.choose("*")
        assert "C: *" in stepping.transcript
        assert "QUIT" in [one.verb for one in stepping.choices] or kind == "imap"


def test_every_command_of_imap_is_begun_with_a_tag(step: Step, lab: Lab) -> None:
    stepping = step(lab.imap)
    stepping.say("a1 LOGIN user minfo")
    stepping.say("a2 SELECT INBOX")
    assert {one.line.partition(" ")[0] for one in stepping.choices} == {"a3"}
    assert choice(stepping, "EXPUNGE").complete
    assert choice(stepping, "UID FETCH").line == "a3 UID FETCH 117 (BODY[])"


def test_managesieve_through_starttls(step: Step) -> None:
    with Lab(seed=1) as lab:
        stepping = step(lab.sieve)
        stepping.choose("STARTTLS")
        assert "== TLS ==" in stepping.transcript
        assert stepping.spoken[-1].row.kind.value == "#"
        assert any(one.row.secure for one in stepping.spoken)
        stepping.say('AUTHENTICATE "PLAIN" "AHVzZXIAbWluZm8="')
        assert "AHVzZXIAbWluZm8=" not in stepping.transcript
        stepping.say('PUTSCRIPT "essai" {7+}\nkeep;\n')
        stepping.choose("LISTSCRIPTS")
        assert 'S: "essai"' in stepping.transcript


def test_a_script_is_offered_line_by_line_and_a_line_of_ones_own_may_come_between(
    step: Step, lab: Lab
) -> None:
    script = """
S: 220 mail.minfo.sn
C: EHLO poste.minfo.sn
S: 250 …
C: QUIT
"""
    stepping = step(lab.smtp, script)
    assert stepping.proposed == "EHLO poste.minfo.sn"
    stepping.say("NOOP")
    assert stepping.proposed == "EHLO poste.minfo.sn"
    stepping.say(stepping.proposed)
    assert stepping.proposed == "QUIT"
    stepping.say(stepping.proposed)
    assert stepping.proposed == ""
    assert stepping.ended


def test_bare_lines_are_a_script_too(step: Step, lab: Lab) -> None:
    stepping = step(lab.smtp(), "HELO poste.minfo.sn\nQUIT\n")
    stepping.say(stepping.proposed)
    assert stepping.proposed == "QUIT"


def test_after_the_end_a_sentence_says_what_to_do_and_connecting_begins_anew(
    step: Step, lab: Lab
) -> None:
    stepping = step(lab.smtp)
    stepping.choose("QUIT")
    assert stepping.ended
    assert stepping.choices == ()
    stepping.say("NOOP")
    assert stepping.failed
    assert "connect again" in stepping.told
    stepping.listen()
    assert stepping.failed
    stepping.connect()
    assert stepping.transcript.count("S: 220") == 1
    stepping.choose("NOOP")
    assert stepping.transcript.endswith("S: 250 2.0.0 Ok")


def test_a_tracer_that_was_made_elsewhere_keeps_what_it_said(step: Step, lab: Lab) -> None:
    smtp = lab.smtp()
    smtp.ehlo("poste.minfo.sn")
    stepping = step(smtp)
    assert "C: EHLO poste.minfo.sn" in stepping.transcript
    assert not stepping.can_connect
    stepping.connect()  # it cannot, and says no word
    assert not stepping.ended


@pytest.mark.parametrize("stage", ["mail", "sieve"])
def test_a_service_that_does_not_answer_is_a_sentence(step: Step, stage: str) -> None:
    with Lab(stage=stage, seed=1) as lab:
        stepping = step(lambda: lab.pop3("pop3s" if stage == "mail" else "pop3"))
        assert stepping.failed
        assert stepping.ended
        assert "pop3" in stepping.told.lower() or "mail.minfo.sn" in stepping.told
        assert stepping.ladder is None


def test_what_is_no_tracer_is_refused_in_a_sentence(step: Step, lab: Lab) -> None:
    with pytest.raises(UsageError, match=r"lab\.smtp\(\)"):
        step(lab)


def test_a_reset_of_the_lab_cuts_the_connection_and_is_told(step: Step, lab: Lab) -> None:
    stepping = step(lab.smtp)
    lab.reset()
    stepping.say("NOOP")
    assert stepping.ended
    assert stepping.told
    stepping.connect()
    assert not stepping.failed


def test_the_ladder_has_the_rows_of_the_transcript(step: Step, lab: Lab) -> None:
    stepping = step(lab.smtp, lang="fr")
    stepping.choose("NOOP")
    ladder = stepping.ladder
    assert ladder is not None
    assert ladder.text == stepping.transcript
    assert "NOOP" in ladder.svg


# What a hostile server says.


@pytest.fixture
def hostile() -> Iterator[tuple[str, list[bytes]]]:
    """A server that says what stands in the list, a reply a line; its "host:port"."""
    said: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            for reply in said:
                connection.sendall(reply)
                if not lines.readline():
                    return

    served = threading.Thread(target=serve)
    served.start()
    yield f"127.0.0.1:{listening.getsockname()[1]}", said
    served.join(10)
    listening.close()


def test_markup_in_replies_stays_text(step: Step, hostile: tuple[str, list[bytes]]) -> None:
    where, said = hostile
    said += [b"220 <script>alert(1)</script> \x1b[2J\r\n", b"250 </title><img src=x>\r\n"]
    stepping = step(SmtpTracer(where))
    stepping.say("NOOP <b>")
    stepping.close()
    assert "<script>alert(1)</script>" in stepping.transcript
    ladder = stepping.ladder
    assert ladder is not None
    assert "<script" not in ladder.svg
    assert "<img" not in ladder.svg
    assert "\x1b" not in ladder.svg + stepping.transcript


def test_a_very_long_answer_is_bounded(step: Step, hostile: tuple[str, list[bytes]]) -> None:
    where, said = hostile
    body = b"".join(b"x%d\r\n" % n for n in range(5000))
    said += [b"+OK\r\n", b"+OK\r\n" + b"y" * 1500 + b"\r\n" + body + b".\r\n"]
    stepping = step(Pop3Tracer(where))
    stepping.say("CAPA")
    stepping.close()
    assert len(stepping.spoken) < 220
    assert max(len(one.row.text) for one in stepping.spoken) <= 1001
    assert any("more lines, not shown here" in one.row.text for one in stepping.spoken)


def test_who_breaks_the_protocol_is_told_and_the_line_shown(
    step: Step, hostile: tuple[str, list[bytes]]
) -> None:
    where, said = hostile
    said += [b"220 ok\r\n", b"what?\r\n"]
    stepping = step(SmtpTracer(where))
    stepping.say("NOOP")
    assert stepping.failed
    assert stepping.ended
    assert "what?" in stepping.transcript
