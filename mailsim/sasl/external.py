"""EXTERNAL: who the client is was proved below, by its TLS certificate (RFC 4422)."""

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
from mailsim.sasl.message import Failure, Message, Response, part


def message(data: bytes) -> Message:
    """The authorization identity, empty when the server is to derive it.

        response = [authzid]     ; UTF-8 without NUL

    Raises RemoteProtocolError.
    """
    authzid = utf8(data, "EXTERNAL")
    if "\0" in authzid:
        raise malformed("EXTERNAL", "[authzid]")
    return Message(data, (part("authzid", data),), "sasl.message.external", "sasl.leak.identity")


class ExternalClient(Mechanism):
    """Sends the name it wants to act as, or nothing."""

    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:  # noqa: ARG002 - always empty here
        response = Response.of(own(message, encoded(self._given.authzid), self.name))
        self.done = True
        yield response


class ExternalServer(ServerMechanism):
    """Takes the name that TLS proved (`external`)."""

    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        asked = message(response or b"")
        if not self._given.external:
            yield Failure("sasl.failure.external")
        else:
            yield self._admit(self._given.external, asked.data.decode())
