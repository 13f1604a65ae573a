"""ANONYMOUS: nobody in particular, with a word for the log (RFC 4505)."""

from __future__ import annotations

from collections.abc import Generator

from mailsim.sasl.mechanism import (
    Mechanism,
    Outcome,
    ServerMechanism,
    encoded,
    malformed,
    own,
    utf8,
)
from mailsim.sasl.message import Message, Response, Success, part
from mailsim.sasl.saslprep import fits_trace

ANONYMOUS_USER = "anonymous"
_LONGEST = 255
_GRAMMAR = "[ email / token ], token = 1*255TCHAR"


def message(data: bytes) -> Message:
    """The trace information.  RFC 4505 §2:

        message = [ email / token ]     ; prepared by the "trace" profile, RFC 4505 §3
        token   = 1*255TCHAR            ; any Unicode character except "@"

    Raises RemoteProtocolError.
    """
    trace = utf8(data, "ANONYMOUS")
    if not _allowed(trace):
        raise malformed("ANONYMOUS", _GRAMMAR)
    return Message(data, (part("trace", data),), "sasl.message.anonymous", "sasl.leak.trace")


def _allowed(trace: str) -> bool:
    return fits_trace(trace) and ("@" in trace or len(trace) <= _LONGEST)


class AnonymousClient(Mechanism):
    """Sends `user` as trace information; nobody checks it."""

    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:  # noqa: ARG002 - always empty here
        response = Response.of(own(message, encoded(self._given.user), self.name))
        self.done = True
        yield response


class AnonymousServer(ServerMechanism):
    """Lets anybody in: to build it is to allow anonymous access (RFC 4505 §5)."""

    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        yield Success(ANONYMOUS_USER, ANONYMOUS_USER, message(response or b"").parts)
