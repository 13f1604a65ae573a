from __future__ import annotations

from collections.abc import Sequence

import pytest

from mailsim import knowledge
from mailsim.dialogue import Side
from mailsim.dialogue.explain import explain, explain_text
from mailsim.errors import TlsError
from mailsim.protocol.smtp import State
from mailsim.tracers.smtp import SmtpTracer
from mailsim.wire.smtp import Data, Ehlo, Mail, Path, Quit, Rcpt
from tests.oracles.conftest import NAME, PASSWORD, Servers, first_id, unexplained

pytestmark = pytest.mark.oracle

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
MESSAGE = b"Subject: oracle\r\n\r\n.un point\r\n..deux\r\n.\r\nfin\r\n"


def to_a_transaction(smtp: SmtpTracer, box: str) -> None:
    assert smtp.ehlo("poste.minfo.sn").ok
    assert smtp.mail("user@minfo.sn").ok
    assert smtp.rcpt(f"{box}@minfo.sn").ok


def test_a_message_goes_through_postfix_into_the_mailbox(servers: Servers, box: str) -> None:
    with servers.smtp() as smtp:
        assert smtp.greeting.code == 220
        to_a_transaction(smtp, box)
        sent = smtp.data(MESSAGE)
        assert [reply.code for reply in sent.replies] == [354, 250]
        assert sent.text.startswith("Ok: queued as ")
        assert smtp.quit().code == 221
        assert smtp.ended
        assert unexplained(smtp.dialogue) == []
    whole = servers.arrived(box)[0]
    assert whole.endswith(b"\r\n\r\n.un point\r\n..deux\r\n.\r\nfin\r\n")
    assert b"\r\nReceived: from poste.minfo.sn" in whole
    assert b"\r\nSubject: oracle\r\n" in whole


def test_starttls_is_verified_and_the_extensions_are_told_anew(servers: Servers) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert "STARTTLS" in smtp.extensions
        step = smtp.starttls()
        assert step.code == 220
        assert smtp.tls is not None
        assert smtp.tls.names == (NAME,)
        assert [note.id for note in step.exchange.notes] == ["note.tls"]
        assert smtp.extensions == {}
        assert smtp.ehlo("poste.minfo.sn").ok
        assert "STARTTLS" not in smtp.extensions
        smtp.quit()
    before, after = (
        [line.secure for line in exchange.lines]
        for exchange in (smtp.dialogue.exchanges[1], smtp.dialogue.exchanges[-1])
    )
    assert not any(before)
    assert all(after)


def test_a_certificate_for_another_name_is_refused(servers: Servers) -> None:
    with SmtpTracer(servers.at("smtp"), ca=servers.ca, server_name="mx.ugb.sn") as smtp:
        smtp.ehlo("poste.minfo.sn")
        with pytest.raises(TlsError):
            smtp.starttls()


def test_a_certificate_of_an_unknown_authority_is_refused(servers: Servers) -> None:
    with SmtpTracer(servers.at("smtp"), server_name=NAME) as smtp:
        smtp.ehlo("poste.minfo.sn")
        with pytest.raises(TlsError):
            smtp.starttls()


def test_implicit_tls(servers: Servers) -> None:
    with servers.smtp("submissions") as smtp:
        assert smtp.ehlo("poste.minfo.sn").ok
        assert smtp.auth(None, "user", PASSWORD).code == 235
        refused = smtp.send_raw("STARTTLS\r\n")
        assert (refused.code, str(refused.enhanced)) == (554, "5.5.1")
        assert all(line.secure for line in smtp.dialogue.lines())


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_auth(servers: Servers, mechanism: str) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.extensions["AUTH"].split() == list(MECHANISMS)
        step = smtp.auth(mechanism, "user", PASSWORD)
        assert (step.code, str(step.enhanced)) == (235, "2.7.0")
        # Who has proved who they are may send to anywhere.
        smtp.mail("user@minfo.sn")
        assert smtp.rcpt("quelquun@kelkpart.com").code == 250
        assert PASSWORD not in str(step)
        assert unexplained(smtp.dialogue) == []


def test_auth_takes_the_strongest_and_a_second_is_refused(servers: Servers) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        step = smtp.auth(None, "user", PASSWORD)
        assert step.code == 235
        assert step.exchange.sent[0].text.startswith("AUTH SCRAM-SHA-256 ")
        again = smtp.send_raw("AUTH PLAIN AHVzZXIAbWluZm8=\r\n")
        assert again.code == 503


@pytest.mark.parametrize("mechanism", ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"])
def test_a_wrong_password_is_a_result_and_the_next_try_counts(
    servers: Servers, mechanism: str
) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        step = smtp.auth(mechanism, "user", "faux")
        assert (step.code, str(step.enhanced)) == (535, "5.7.8")
        assert not step.ok
        assert first_id(smtp.dialogue) == "wording.postfix.auth-failed"
        assert smtp.auth(mechanism, "user", PASSWORD).code == 235


def test_pipelining(servers: Servers, box: str) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert "PIPELINING" in smtp.extensions
        step = smtp.pipeline(
            Mail(Path("user@minfo.sn")),
            Rcpt(Path("nobody@minfo.sn")),
            Rcpt(Path(f"{box}@minfo.sn")),
            Data(),
        )
        assert [reply.code for reply in step.replies] == [250, 550, 250, 354]
        assert [line.side for line in step.exchange.lines[:4]] == [Side.CLIENT] * 4
        assert smtp.content("Subject: en une fois\n\nx\n").ok
        assert smtp.pipeline(Ehlo("poste.minfo.sn"), Quit()).code == 221
    assert b"Subject: en une fois" in servers.arrived(box)[0]


def test_dsn_parameters(servers: Servers, box: str) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert "DSN" in smtp.extensions
        assert smtp.mail(f"{box}@minfo.sn", ret="HDRS", envid="QQ314159").ok
        assert smtp.rcpt(
            f"{box}@minfo.sn", notify="SUCCESS,FAILURE", orcpt=f"rfc822;{box}@minfo.sn"
        ).ok
        assert smtp.data("Subject: avis\n\nx\n").ok
        smtp.quit()
    both = b"".join(servers.arrived(box, 2))
    assert b"\r\nOriginal-Envelope-Id: QQ314159\r\n" in both
    assert f"\r\nOriginal-Recipient: rfc822;{box}@minfo.sn\r\n".encode() in both
    # Dovecot's LMTP has no DSN: Postfix can promise no more.
    assert b"\r\nAction: relayed\r\n" in both


def test_bdat_in_chunks(servers: Servers, box: str) -> None:
    with servers.smtp() as smtp:
        to_a_transaction(smtp, box)
        assert "CHUNKING" in smtp.extensions
        first = smtp.bdat("Subject: morceaux\r\n\r\n.un")
        assert (first.code, first.text) == (250, "Ok: 24 bytes")
        assert smtp.state is State.CHUNKS
        assert smtp.bdat(b" point\r\n.\r\n").ok
        last = smtp.bdat(b"fin\r\n", last=True)
        assert last.text.startswith("Ok: 40 bytes queued as ")
        assert "MAIL" in smtp.legal()
        assert unexplained(smtp.dialogue) == []
    assert servers.arrived(box)[0].endswith(b"\r\n\r\n.un point\r\n.\r\nfin\r\n")


def test_smtputf8(servers: Servers, box: str) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert "SMTPUTF8" in smtp.extensions
        assert smtp.mail("aïssatou@minfo.sn", smtputf8=True, body="8BITMIME").ok
        assert smtp.rcpt("inconnué@minfo.sn").code == 550
        assert smtp.rset().ok
        assert smtp.mail("", smtputf8=True).ok
        assert smtp.rcpt(f"{box}@minfo.sn").ok
        # Dovecot's LMTP has no SMTPUTF8: a header in ASCII is all that can get there.
        assert smtp.data("Subject: accents dans l'enveloppe\n\nx\n").ok
    assert b"l'enveloppe" in servers.arrived(box)[0]


def test_vrfy(servers: Servers) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.vrfy("user@minfo.sn").code == 252
        assert smtp.vrfy("nobody@minfo.sn").code == 550
        assert unexplained(smtp.dialogue) == []


def test_etrn(servers: Servers) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.etrn("minfo.sn").code == 250
        assert smtp.etrn("ailleurs.sn").code == 459
        assert unexplained(smtp.dialogue) == []


def test_xclient_makes_another_client_of_us(servers: Servers) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert "ADDR" in smtp.extensions["XCLIENT"].split()
        smtp.mail("user@minfo.sn")
        assert smtp.rcpt("quelquun@kelkpart.com").code == 554
        assert smtp.send_raw("XCLIENT ADDR=192.168.10.50\r\n").code == 503
        smtp.rset()
        # What comes back is a greeting, and what was learnt before is forgotten.
        assert smtp.xclient(name="poste.minfo.sn", addr="192.168.10.50").code == 220
        assert smtp.extensions == {}
        smtp.ehlo("poste.minfo.sn")
        assert "XCLIENT" not in smtp.extensions
        smtp.mail("user@minfo.sn")
        assert smtp.rcpt("quelquun@kelkpart.com").code == 250
        smtp.rset()
        assert smtp.xclient(addr="127.0.0.1").code == 550
        assert unexplained(smtp.dialogue) == []


def test_who_authenticated_and_says_xclient_must_authenticate_again(servers: Servers) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.auth("PLAIN", "user", PASSWORD).ok
        assert "AUTH" not in smtp.legal()
        assert smtp.xclient(addr="192.168.66.66").ok
        smtp.ehlo("spammeur.pub.sn")
        smtp.mail("user@minfo.sn")
        assert smtp.rcpt("quelquun@kelkpart.com").code == 554
        smtp.rset()
        assert smtp.auth("PLAIN", "user", PASSWORD).code == 235


def test_tls_survives_xclient(servers: Servers) -> None:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.starttls()
        smtp.ehlo("poste.minfo.sn")
        assert smtp.xclient(addr="192.168.66.66").code == 220
        assert smtp.ehlo("spammeur.pub.sn").ok
        assert "STARTTLS" not in smtp.extensions
        assert smtp.dialogue.exchanges[-1].lines[0].secure


GREETED = ("EHLO poste.minfo.sn",)
MAILED = (*GREETED, "MAIL FROM:<user@minfo.sn>")

REFUSALS = [
    ((), "HELO", 501, "", "syntax-helo"),
    ((), "EHLO", 501, "", "syntax-helo"),
    (GREETED, "MAIL FROM user@minfo.sn", 501, "5.5.4", "syntax-mail"),
    (MAILED, "RCPT TO", 501, "5.5.4", "syntax-rcpt"),
    (GREETED, "MAIL FROM:<a b@minfo.sn>", 501, "5.1.7", "bad-sender-syntax"),
    (MAILED, "RCPT TO:<a b@minfo.sn>", 501, "5.1.3", "bad-recipient-syntax"),
    (GREETED, "MAIL FROM:<user@minfo.sn> BODY=9BIT", 555, "5.5.4", "unsupported-option"),
    (MAILED, "RCPT TO:<user@minfo.sn> NOTIFY=TOUJOURS", 501, "5.5.4", "bad-parameter"),
    (GREETED, "AUTH", 501, "5.5.4", "auth-syntax"),
    (GREETED, "STARTTLS maintenant", 501, "5.5.4", "syntax-other"),
    (GREETED, "XCLIENT ADDR=999", 501, "5.5.4", "xclient-attribute"),
    (GREETED, "XCLIENT COULEUR=bleu", 501, "5.5.4", "xclient-unknown-attribute"),
    (GREETED, "BONJOUR", 500, "5.5.2", "command-not-recognized"),
    (GREETED, "EXPN liste", 500, "5.5.2", "command-not-recognized"),
    (GREETED, "RCPT TO:<user@minfo.sn>", 503, "5.5.1", "need-mail"),
    (GREETED, "DATA", 503, "5.5.1", "need-rcpt"),
    (MAILED, "DATA", 554, "5.5.1", "no-valid-recipients"),
    (MAILED, "MAIL FROM:<user@minfo.sn>", 503, "5.5.1", "nested-mail"),
    (MAILED, "ETRN minfo.sn", 503, "", "transaction-in-progress"),
    (MAILED, "AUTH PLAIN AHVzZXIAbWluZm8=", 503, "5.5.1", "transaction-in-progress"),
    ((*GREETED, "MAIL FROM:<user>"), "RCPT TO:<user@minfo.sn>", 504, "5.5.2", "non-fqdn-sender"),
    (MAILED, "RCPT TO:<user>", 504, "5.5.2", "non-fqdn-recipient"),
    (MAILED, "RCPT TO:<nobody@minfo.sn>", 550, "5.1.1", "user-unknown-local"),
    (MAILED, "RCPT TO:<x@kelkpart.com>", 554, "5.7.1", "relay-denied"),
    (GREETED, "MAIL FROM:<user@minfo.sn> COULEUR=bleu", 555, "5.5.4", "unsupported-option"),
    (MAILED, "RCPT TO:<user@minfo.sn> COULEUR=bleu", 555, "5.5.4", "unsupported-option"),
    (GREETED, "MAIL FROM:<user@minfo.sn> SIZE=100001", 552, "5.3.4", "size-limit"),
    (GREETED, "BDAT", 521, "5.5.4", "syntax-other"),
]


@pytest.mark.parametrize(
    ("before", "line", "code", "enhanced", "name"),
    REFUSALS,
    ids=[f"{code}-{line}" for _, line, code, _, _ in REFUSALS],
)
def test_a_refusal_is_explained_by_its_wording(
    servers: Servers, before: Sequence[str], line: str, code: int, enhanced: str, name: str
) -> None:
    with servers.smtp() as smtp:
        for one in before:
            assert smtp.send_raw(f"{one}\r\n").ok
        step = smtp.send_raw(f"{line}\r\n")
        assert (step.code, str(step.enhanced or "")) == (code, enhanced)
        found = first_id(smtp.dialogue)
        assert found == f"wording.postfix.{name}"
        typed = explain_text(step.exchange.received[-1].text, "smtp").meanings[0]
        assert typed.entry.id == found
        assert typed.cause("fr")
        assert typed.action("en")


def test_a_client_that_does_not_encrypt(servers: Servers) -> None:
    with servers.smtp("submission") as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert "AUTH" not in smtp.extensions
        assert smtp.mail("user@minfo.sn").code == 530
        assert first_id(smtp.dialogue) == "wording.postfix.must-starttls"
        smtp.starttls()
        smtp.ehlo("poste.minfo.sn")
        assert smtp.auth(None, "user", PASSWORD).ok
        assert smtp.mail("user@minfo.sn").ok


def test_a_message_that_is_too_big(servers: Servers, box: str) -> None:
    with servers.smtp() as smtp:
        to_a_transaction(smtp, box)
        step = smtp.data(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 1500)
        assert (step.code, str(step.enhanced)) == (552, "5.3.4")
        assert first_id(smtp.dialogue).startswith("wording.postfix.")


def test_every_extension_of_postfix_is_known(servers: Servers) -> None:
    for service in ("smtp", "submission", "submissions"):
        with servers.smtp(service) as smtp:
            smtp.ehlo("poste.minfo.sn")
            assert len(smtp.extensions) > 8
            for name in smtp.extensions:
                assert knowledge.find("smtp.extension", name), name
            for mechanism in smtp.extensions.get("AUTH", "").split():
                assert knowledge.find("sasl.mechanism", mechanism), mechanism


def test_lmtp_answers_once_for_each_recipient(servers: Servers, box: str) -> None:
    with servers.lmtp() as lmtp:
        assert lmtp.lhlo("tests.minfo.sn").ok
        for name in lmtp.extensions:
            assert knowledge.find("smtp.extension", name), name
        lmtp.mail("user@minfo.sn")
        assert lmtp.rcpt(f"{box}@minfo.sn").ok
        assert lmtp.rcpt("nobody@minfo.sn").code == 550
        assert first_id(lmtp.dialogue) == "wording.dovecot.lmtp-user-unknown"
        assert lmtp.rcpt("cheikh@minfo.sn").ok
        step = lmtp.data(MESSAGE)
        assert [reply.code for reply in step.replies] == [354, 250, 250]
        assert f"<{box}@minfo.sn>" in step.replies[1].text
        assert "<cheikh@minfo.sn>" in step.replies[2].text
        rows = explain(lmtp.dialogue)[-1].rows
        assert [row.ids[0] for row in rows[-2:]] == ["wording.dovecot.lmtp-saved"] * 2
        assert lmtp.quit().code == 221
        assert first_id(lmtp.dialogue) == "wording.dovecot.lmtp-bye"
    assert servers.arrived(box)[0].endswith(b"\r\n\r\n.un point\r\n..deux\r\n.\r\nfin\r\n")


def test_lmtp_in_chunks_and_over_tls(servers: Servers, box: str) -> None:
    with servers.lmtp() as lmtp:
        lmtp.lhlo("tests.minfo.sn")
        assert lmtp.starttls().code == 220
        lmtp.lhlo("tests.minfo.sn")
        lmtp.mail("")
        lmtp.rcpt(f"{box}@minfo.sn")
        lmtp.rcpt("autre_user@minfo.sn")
        assert lmtp.bdat("Subject: x\r\n\r\n").ok
        step = lmtp.bdat(".\r\n", last=True)
        assert [reply.code for reply in step.replies] == [250, 250]
        assert lmtp.noop().ok
    assert servers.arrived(box)[0].endswith(b"\r\n\r\n.\r\n")
