"""SMTP and LMTP, a command at a time."""

from __future__ import annotations

from email.message import Message
from typing import Any, ClassVar

from mailsim.model import Protocol
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.smtp import Authenticate, SmtpClient, State
from mailsim.secret import Secret
from mailsim.tracers.base import Tracer
from mailsim.tracers.login import mechanism as make_mechanism
from mailsim.tracers.step import Step
from mailsim.wire.content import crlf
from mailsim.wire.quirk import Quirk
from mailsim.wire.smtp import (
    Bdat,
    Command,
    Content,
    Data,
    Ehlo,
    EnhancedCode,
    Etrn,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Path,
    Quit,
    Rcpt,
    Reply,
    Rset,
    StartTls,
    Vrfy,
    Xclient,
    Xforward,
)
from mailsim.wire.smtp.params import parameters


class SmtpStep(Step[Reply]):
    """A step of SMTP: the last reply's code, enhanced code and text at hand."""

    __slots__ = ()

    @property
    def replies(self) -> tuple[Reply, ...]:
        """Every reply, in order."""
        return self.values

    @property
    def reply(self) -> Reply | None:
        """The last reply."""
        return self.value

    @property
    def code(self) -> int | None:
        """The last reply's code, such as 250."""
        return self.value.code if self.value else None

    @property
    def enhanced(self) -> EnhancedCode | None:
        """The last reply's enhanced code, such as 2.1.5."""
        return self.value.enhanced if self.value else None

    @property
    def text(self) -> str:
        """The last reply's text, without the codes."""
        return self.value.text if self.value else ""


class SmtpTracer(Tracer[SmtpClient, SmtpStep]):
    """An SMTP client that is stepped by hand.

        with SmtpTracer("127.0.0.1:2525") as smtp:
            smtp.ehlo("poste.minfo.sn")
            smtp.mail("user@minfo.sn", size=200)
            smtp.rcpt("secretaire@ugb.sn")
            smtp.data("Subject: bonjour\\n\\nCeci est un test.\\n")
            smtp.quit()

    Every method returns its SmtpStep.  A refusal is a result; a command that the
    state does not allow raises LocalProtocolError, and `send_raw()` sends it.
    """

    protocol: ClassVar[Protocol] = Protocol.SMTP

    def _new_core(self, limits: Limits, quirks: frozenset[Quirk]) -> SmtpClient:
        lmtp = self.protocol is Protocol.LMTP
        return SmtpClient(lmtp=lmtp, limits=limits, quirks=quirks)

    def _step(self, received: list[Received[Any]]) -> SmtpStep:
        return SmtpStep(self._recorder.close(), received, self._so_far)

    @property
    def extensions(self) -> dict[str, str]:
        """What the last EHLO answer offered: keyword to parameters."""
        return dict(self._core.extensions)

    def legal(self) -> tuple[str, ...]:
        """The commands that the state allows now."""
        return self._core.legal()

    # the session

    def ehlo(self, domain: str = "") -> SmtpStep:
        """EHLO; without a domain, the address literal of this end (RFC 5321 §4.1.4)."""
        return self._say(Ehlo(domain or self._literal()))

    def helo(self, domain: str = "") -> SmtpStep:
        """HELO, the greeting without extensions (RFC 5321 §4.1.1.1)."""
        return self._say(Helo(domain or self._literal()))

    def starttls(self) -> SmtpStep:
        """STARTTLS and, if it is accepted, the handshake (RFC 3207 §4)."""
        return self._say(StartTls())

    def auth(
        self,
        mechanism: str | None = None,
        user: str = "",
        password: str | Secret = "",
        *,
        authzid: str = "",
        token: str | Secret = "",
    ) -> SmtpStep:
        """AUTH by `mechanism`, to its end; None takes the strongest that is offered (RFC 4954)."""
        offered = self._core.extensions.get("AUTH", "").split()
        stepper = make_mechanism(
            mechanism,
            offered,
            self.endpoint,
            binding=self._channel_binding(),
            user=user,
            password=password,
            authzid=authzid,
            token=token,
            tls="starttls(), ehlo()" if "STARTTLS" in self._core.extensions else "",
        )
        return self._say(Authenticate.by(stepper))

    def xclient(self, **attributes: str) -> SmtpStep:
        """XCLIENT: be another client, where the server trusts us, `addr="192.168.66.66"`."""
        return self._say(Xclient(_upper(attributes)))

    def xforward(self, **attributes: str) -> SmtpStep:
        """XFORWARD: say for the log who the client was."""
        return self._say(Xforward(_upper(attributes)))

    def quit(self) -> SmtpStep:
        """QUIT; the connection is closed when the server has answered (RFC 5321 §4.1.1.10)."""
        step = self._say(Quit())
        self.close()
        return step

    # the transaction

    def mail(self, sender: str | Path, **options: str | int | bool) -> SmtpStep:
        """MAIL FROM; options are parameters: `size=100`, `body="8BITMIME"`, `smtputf8=True`.

        "" is the null reverse-path of bounces (RFC 5321 §4.5.5).
        """
        return self._say(Mail(Path.of(sender), parameters(options)))

    def rcpt(self, recipient: str | Path, **options: str | int | bool) -> SmtpStep:
        """RCPT TO; options are parameters: `notify="SUCCESS,FAILURE"` (RFC 3461 §4)."""
        return self._say(Rcpt(Path.of(recipient), parameters(options)))

    def data(self, message: str | bytes | Message | None = None) -> SmtpStep:
        """DATA and, if it is accepted and a message is given, the message and its end.

        Line ends become CRLF and leading dots are doubled (RFC 5321 §4.5.2);
        without a message, `content()` gives it in a step of its own.
        """
        if message is None:
            return self._say(Data())
        content = Content(crlf(message))
        return self._say_in_turn(Data(), lambda: self._core.state is State.DATA, content)

    def content(self, message: str | bytes | Message) -> SmtpStep:
        """The message after a 354, and the lone dot that ends it."""
        return self._say(Content(crlf(message)))

    def bdat(self, chunk: str | bytes, *, last: bool = False) -> SmtpStep:
        """BDAT: a chunk of octets as they are, no dot-stuffing (RFC 3030 §2)."""
        raw = chunk.encode() if isinstance(chunk, str) else chunk
        return self._say(Bdat(raw, last))

    def rset(self) -> SmtpStep:
        """RSET: forget the transaction (RFC 5321 §4.1.1.5)."""
        return self._say(Rset())

    def pipeline(self, *commands: Command) -> SmtpStep:
        """Several commands in one go, their replies afterwards (RFC 2920 §3.1).

        Commands are values of `mailsim.wire.smtp`: `Mail(Path("a@b.sn"))`.
        """
        return self._say(*commands)

    # the rest

    def noop(self, text: str = "") -> SmtpStep:
        """NOOP (RFC 5321 §4.1.1.9)."""
        return self._say(Noop(text))

    def help(self, topic: str = "") -> SmtpStep:
        """HELP (RFC 5321 §4.1.1.8)."""
        return self._say(Help(topic))

    def vrfy(self, who: str) -> SmtpStep:
        """VRFY: is there such a mailbox? (RFC 5321 §4.1.1.6)"""
        return self._say(Vrfy(who))

    def expn(self, mailing_list: str) -> SmtpStep:
        """EXPN: who is on this list? (RFC 5321 §4.1.1.7)"""
        return self._say(Expn(mailing_list))

    def etrn(self, node: str) -> SmtpStep:
        """ETRN: start the queue for `node` (RFC 1985 §5.1)."""
        return self._say(Etrn(node))

    def _literal(self) -> str:
        self._usable()
        address = self._stream.local
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


class LmtpTracer(SmtpTracer):
    """An LMTP client: LHLO for EHLO, one reply a recipient at the message's end (RFC 2033)."""

    protocol: ClassVar[Protocol] = Protocol.LMTP

    def lhlo(self, domain: str = "") -> SmtpStep:
        """LHLO (RFC 2033 §4.1)."""
        return self._say(Lhlo(domain or self._literal()))


def _upper(attributes: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.upper(), value) for name, value in attributes.items())


__all__ = ["LmtpTracer", "SmtpStep", "SmtpTracer"]
