"""POP3, a command at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from mailsim.errors import LocalProtocolError
from mailsim.model import Protocol
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.pop3 import Authenticate, Pop3Client, State
from mailsim.secret import Secret
from mailsim.tracers.base import Tracer
from mailsim.tracers.login import mechanism as make_mechanism
from mailsim.tracers.step import Step
from mailsim.wire import pop3
from mailsim.wire.pop3 import Command, Reply
from mailsim.wire.quirk import Quirk


class Pop3Step(Step[Reply]):
    """A step of POP3: the last reply's code, text, entries and message at hand."""

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
    def code(self) -> str:
        """The last reply's response code, such as "IN-USE"; "" for none (RFC 2449 §8)."""
        return self.value.code if self.value else ""

    @property
    def text(self) -> str:
        """The last reply's text, without the code."""
        return self.value.text if self.value else ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The entries of a listing; none for another reply."""
        return (self.value.lines if self.value else None) or ()

    @property
    def message(self) -> bytes | None:
        """The message of RETR or TOP, unstuffed, with CRLF line ends; None for another reply."""
        return self.value.content if self.value else None

    @property
    def drop_listing(self) -> pop3.DropListing:
        """STAT's answer: how many messages, how many octets."""
        return pop3.drop_listing(self._last())

    @property
    def scan_listings(self) -> tuple[pop3.ScanListing, ...]:
        """LIST's answer: each message's number and octets."""
        return pop3.scan_listings(self._last())

    @property
    def unique_ids(self) -> tuple[pop3.UniqueId, ...]:
        """UIDL's answer: each message's number and unique-id."""
        return pop3.unique_ids(self._last())

    @property
    def languages(self) -> tuple[pop3.Language, ...]:
        """LANG's answer: each language's tag and name."""
        return pop3.languages(self._last())

    def _last(self) -> Reply:
        return self.value or Reply(pop3.Status.ERR)


class Pop3Tracer(Tracer[Pop3Client, Pop3Step]):
    """A POP3 client that is stepped by hand.

        with Pop3Tracer("127.0.0.1:1100") as box:
            box.user("user")
            box.pass_("minfo")
            box.stat().drop_listing.count
            box.retr(1).message
            box.quit()

    Every method returns its Pop3Step.  A refusal is a result; a command that the
    state does not allow raises LocalProtocolError, and `send_raw()` sends it.
    """

    protocol: ClassVar[Protocol] = Protocol.POP3

    def _new_core(self, limits: Limits, quirks: frozenset[Quirk]) -> Pop3Client:
        return Pop3Client(limits=limits, quirks=quirks)

    def _step(self, received: Sequence[Received[Any]]) -> Pop3Step:
        return Pop3Step(self._recorder.close(), received, self._so_far)

    @property
    def capabilities(self) -> dict[str, tuple[str, ...]]:
        """What the last CAPA listed: tag to arguments; {} before it and after STLS."""
        return dict(self._core.capabilities or {})

    def legal(self) -> tuple[str, ...]:
        """The commands that the state allows now."""
        return self._core.legal()

    # authorization

    def user(self, name: str) -> Pop3Step:
        """USER: who logs in (RFC 1939 §7)."""
        return self._say(pop3.User(name))

    def pass_(self, password: str | Secret) -> Pop3Step:
        """PASS: the password, in the clear unless TLS covers it (RFC 1939 §7)."""
        return self._say(pop3.Pass(Secret.of(password)))

    def login(self, user: str, password: str | Secret) -> Pop3Step:
        """USER and, if it is accepted, PASS, in one step."""
        last = pop3.Pass(Secret.of(password))
        return self._say_in_turn(pop3.User(user), lambda: self._core.state is State.PASSWORD, last)

    def apop(self, user: str, password: str | Secret) -> Pop3Step:
        """APOP: the digest of the greeting's timestamp and the password (RFC 1939 §7)."""
        timestamp = self._core.timestamp
        if timestamp is None:
            raise LocalProtocolError("pop3.no-timestamp")
        return self._say(pop3.Apop.of(user, Secret.of(password), timestamp))

    def auth(
        self,
        mechanism: str | None = None,
        user: str = "",
        password: str | Secret = "",
        *,
        authzid: str = "",
        token: str | Secret = "",
        initial: bool = True,
    ) -> Pop3Step:
        """AUTH by `mechanism`, to its end; None takes the strongest that CAPA listed (RFC 5034).

        `initial` False waits for the server's first challenge.
        """
        stepper = make_mechanism(
            mechanism,
            self.capabilities.get("SASL", ()),
            self.endpoint,
            binding=self._channel_binding(),
            user=user,
            password=password,
            authzid=authzid,
            token=token,
            tls="stls()" if "STLS" in self.capabilities else "",
        )
        return self._say(Authenticate.by(stepper, initial=initial))

    def stls(self) -> Pop3Step:
        """STLS and, if it is accepted, the handshake (RFC 2595 §4)."""
        return self._say(pop3.Stls())

    # the maildrop

    def stat(self) -> Pop3Step:
        """STAT: how many messages, how many octets (RFC 1939 §5)."""
        return self._say(pop3.Stat())

    def list(self, message: int | None = None) -> Pop3Step:
        """LIST: the octets of one message or of each (RFC 1939 §5)."""
        return self._say(pop3.List(message))

    def uidl(self, message: int | None = None) -> Pop3Step:
        """UIDL: the unique-id of one message or of each (RFC 1939 §7)."""
        return self._say(pop3.Uidl(message))

    def retr(self, message: int) -> Pop3Step:
        """RETR: a whole message (RFC 1939 §5)."""
        return self._say(pop3.Retr(message))

    def top(self, message: int, lines: int = 0) -> Pop3Step:
        """TOP: a message's header and so many lines of its body (RFC 1939 §7)."""
        return self._say(pop3.Top(message, lines))

    def dele(self, message: int) -> Pop3Step:
        """DELE: mark a message as deleted (RFC 1939 §5)."""
        return self._say(pop3.Dele(message))

    def rset(self) -> Pop3Step:
        """RSET: take all marks back (RFC 1939 §5)."""
        return self._say(pop3.Rset())

    def noop(self) -> Pop3Step:
        """NOOP (RFC 1939 §5)."""
        return self._say(pop3.Noop())

    # the rest

    def capa(self) -> Pop3Step:
        """CAPA: what the server offers in this state (RFC 2449 §5)."""
        return self._say(pop3.Capa())

    def utf8(self) -> Pop3Step:
        """UTF8: switch to UTF-8 mode (RFC 6856 §2.1)."""
        return self._say(pop3.Utf8())

    def lang(self, tag: str | None = None) -> Pop3Step:
        """LANG: choose the language of texts, "*" the server's; none lists them (RFC 6856 §3.2)."""
        return self._say(pop3.Lang(tag))

    def pipeline(self, *commands: Command) -> Pop3Step:
        """Several commands in one go, their replies afterwards (RFC 2449 §6.6).

        Commands are values of `mailsim.wire.pop3`: `Retr(1)`.
        """
        return self._say(*commands)

    def quit(self) -> Pop3Step:
        """QUIT; the connection is closed when the server has answered (RFC 1939 §6)."""
        step = self._say(pop3.Quit())
        self.close()
        return step


__all__ = ["Pop3Step", "Pop3Tracer"]
