"""ManageSieve, a command at a time."""

from __future__ import annotations

from typing import Any, ClassVar

from mailsim.model import Protocol
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.managesieve import Answer, Authenticate, ManageSieveClient
from mailsim.secret import Secret
from mailsim.tracers.base import Tracer
from mailsim.tracers.login import mechanism as make_mechanism
from mailsim.tracers.step import Step
from mailsim.wire import managesieve as wire
from mailsim.wire.content import crlf
from mailsim.wire.managesieve import Command, Response, Script, Status
from mailsim.wire.quirk import Quirk


class ManageSieveStep(Step[Answer]):
    """A step of ManageSieve: the last response's code, text and data at hand."""

    __slots__ = ()

    @property
    def responses(self) -> tuple[Answer, ...]:
        """Every response and challenge, in order."""
        return self.values

    @property
    def response(self) -> Response | None:
        """The last response; None after a challenge."""
        return self.value if isinstance(self.value, Response) else None

    @property
    def code(self) -> str:
        """The last response's code, such as "QUOTA/MAXSIZE"; "" for none (RFC 5804 §1.3)."""
        return self.response.code if self.response else ""

    @property
    def text(self) -> str:
        """The last response's text."""
        return self.response.text if self.response else ""

    @property
    def capabilities(self) -> dict[str, str | None]:
        """What the greeting or CAPABILITY tells: each name with its value."""
        return wire.capabilities(self._last())

    @property
    def scripts(self) -> tuple[Script, ...]:
        """LISTSCRIPTS's answer."""
        return wire.scripts(self._last())

    @property
    def script(self) -> bytes:
        """GETSCRIPT's answer: the script's octets."""
        return wire.script(self._last())

    def _last(self) -> Response:
        return self.response or Response(Status.NO)


class ManageSieveTracer(Tracer[ManageSieveClient, ManageSieveStep]):
    """A ManageSieve client that is stepped by hand.

        with ManageSieveTracer("127.0.0.1:4190", ca="ca.pem") as sieve:
            sieve.starttls()
            sieve.login("user", "minfo")
            sieve.putscript("vacances", 'require ["vacation"];\\nvacation "Absent.";\\n')
            sieve.setactive("vacances")
            sieve.logout()

    Every method returns its ManageSieveStep.  A refusal is a result; a command that
    the state does not allow raises LocalProtocolError, and `send_raw()` sends it.
    """

    protocol: ClassVar[Protocol] = Protocol.MANAGESIEVE

    def _new_core(self, limits: Limits, quirks: frozenset[Quirk]) -> ManageSieveClient:
        return ManageSieveClient(limits=limits, quirks=quirks)

    def _step(self, received: list[Received[Any]]) -> ManageSieveStep:
        return ManageSieveStep(self._recorder.close(), received, self._so_far)

    @property
    def capabilities(self) -> dict[str, str | None]:
        """What the server told last: each capability with its value (RFC 5804 §1.7)."""
        return dict(self._core.capabilities)

    def legal(self) -> tuple[str, ...]:
        """The commands that the state allows now."""
        return self._core.legal()

    # the session

    def capability(self) -> ManageSieveStep:
        """CAPABILITY: what the server offers now (RFC 5804 §2.4)."""
        return self._say(wire.Capability())

    def starttls(self) -> ManageSieveStep:
        """STARTTLS and, if it is accepted, the handshake and the capabilities told again.

        RFC 5804 §2.2.
        """
        return self._say(wire.StartTls())

    def authenticate(
        self,
        mechanism: str | None = None,
        user: str = "",
        password: str | Secret = "",
        *,
        authzid: str = "",
        token: str | Secret = "",
        initial: bool = True,
    ) -> ManageSieveStep:
        """AUTHENTICATE by `mechanism`, to its end; None takes the strongest that is offered.

        `initial` False waits for the server's first challenge.  RFC 5804 §2.1.
        """
        stepper = make_mechanism(
            mechanism,
            (self._core.capabilities.get("SASL") or "").split(),
            self.endpoint,
            binding=self._channel_binding(),
            user=user,
            password=password,
            authzid=authzid,
            token=token,
            tls="starttls()" if "STARTTLS" in self._core.capabilities else "",
        )
        return self._say(Authenticate.by(stepper, initial=initial))

    def login(self, user: str, password: str | Secret) -> ManageSieveStep:
        """AUTHENTICATE by the strongest mechanism that is offered."""
        return self.authenticate(None, user, password)

    def unauthenticate(self) -> ManageSieveStep:
        """UNAUTHENTICATE: back to where nobody is logged in (RFC 5804 §2.14.1)."""
        return self._say(wire.Unauthenticate())

    def noop(self, tag: str | None = None) -> ManageSieveStep:
        """NOOP; the answer repeats the tag (RFC 5804 §2.13)."""
        return self._say(wire.Noop(tag))

    def logout(self) -> ManageSieveStep:
        """LOGOUT; the connection is closed when the server has answered (RFC 5804 §2.3)."""
        step = self._say(wire.Logout())
        self.close()
        return step

    # the scripts

    def havespace(self, name: str, size: int) -> ManageSieveStep:
        """HAVESPACE: would a script of `size` octets fit? (RFC 5804 §2.5)"""
        return self._say(wire.HaveSpace(name, size))

    def putscript(self, name: str, script: str | bytes) -> ManageSieveStep:
        """PUTSCRIPT: store a script, bytes as they are, text with CRLF line ends (RFC 5804 §2.6)."""
        return self._say(wire.PutScript(name, _octets(script)))

    def checkscript(self, script: str | bytes) -> ManageSieveStep:
        """CHECKSCRIPT: check a script without storing it (RFC 5804 §2.12)."""
        return self._say(wire.CheckScript(_octets(script)))

    def listscripts(self) -> ManageSieveStep:
        """LISTSCRIPTS: the names, and which one is active (RFC 5804 §2.7)."""
        return self._say(wire.ListScripts())

    def setactive(self, name: str) -> ManageSieveStep:
        """SETACTIVE: make a script the active one, "" none (RFC 5804 §2.8)."""
        return self._say(wire.SetActive(name))

    def getscript(self, name: str) -> ManageSieveStep:
        """GETSCRIPT: a script's content (RFC 5804 §2.9)."""
        return self._say(wire.GetScript(name))

    def deletescript(self, name: str) -> ManageSieveStep:
        """DELETESCRIPT; the active script cannot be deleted (RFC 5804 §2.10)."""
        return self._say(wire.DeleteScript(name))

    def renamescript(self, old: str, new: str) -> ManageSieveStep:
        """RENAMESCRIPT (RFC 5804 §2.11)."""
        return self._say(wire.RenameScript(old, new))

    def pipeline(self, *commands: Command) -> ManageSieveStep:
        """Several commands in one go, their responses afterwards.

        Commands are values of `mailsim.wire.managesieve`: `GetScript("vacances")`.
        """
        return self._say(*commands)


def _octets(script: str | bytes) -> bytes:
    return crlf(script) if isinstance(script, str) else script


__all__ = ["ManageSieveStep", "ManageSieveTracer"]
