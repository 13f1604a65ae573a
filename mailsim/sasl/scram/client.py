"""SCRAM's client."""

from __future__ import annotations

import hmac
from collections.abc import Generator

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.sasl.gs2 import Gs2Header
from mailsim.sasl.mechanism import Mechanism, Quirk, needed, own
from mailsim.sasl.message import Part, Response, computed
from mailsim.sasl.saslprep import saslprep
from mailsim.sasl.scram import messages
from mailsim.sasl.scram.keys import Keys, auth_message, hash_of, prepared, shown
from mailsim.sasl.scram.messages import ClientFinal, ClientFirst, ServerFinal, ServerFirst

# RFC 7677 §4: "the hash iteration-count SHOULD be at least 4096".
MIN_ITERATIONS = 4096
# A server that asks for more only burns the client's CPU (some seconds for this many).
MAX_ITERATIONS = 10_000_000


class ScramClient(Mechanism):
    """Proves the password, and has the server prove that it knows it too.

    `done` is set when ServerSignature is verified, not before.
    """

    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:
        first = self._first_message()
        challenge = yield Response.of(own(messages.client_first, first.data, self.name))
        server_first = self._checked(ServerFirst.parse(challenge), first)
        final, expected, parts = self._prove(first, server_first)
        challenge = yield Response.of(messages.client_final(final.data), *parts)
        yield self._verify(ServerFinal.parse(challenge), expected, challenge)

    def _first_message(self) -> ClientFirst:
        given = self._given
        needed(given.user, "user", self.name)
        needed(given.nonce, "nonce", self.name)
        # RFC 5802 §5.1: prepared as a query string; abort when it fails or nothing is left.
        user = saslprep(given.user, stored=False)
        needed(user, "user", self.name)
        prepared(given.password)
        return ClientFirst.make(self._header(), user, given.nonce)

    def _header(self) -> Gs2Header:
        binding = self._given.channel_binding
        if self.name.endswith("-PLUS"):
            if binding is None:
                raise UsageError("sasl.needed", field="channel_binding", mechanism=self.name)
            return Gs2Header("p", binding.kind, self._given.authzid)
        # RFC 5802 §6: one that could bind "MUST NOT use an "n"" flag when -PLUS was not offered.
        return Gs2Header("y" if binding else "n", "", self._given.authzid)

    def _checked(self, server: ServerFirst, first: ClientFirst) -> ServerFirst:
        # RFC 5802 §5.1, r: "The client MUST verify that the initial part of the nonce" is its own.
        if not server.nonce.startswith(first.nonce):
            raise RemoteProtocolError("sasl.scram-nonce", mechanism=self.name)
        low = server.iterations < MIN_ITERATIONS and Quirk.LOW_ITERATIONS not in self._given.quirks
        if low or server.iterations > MAX_ITERATIONS:
            raise RemoteProtocolError(
                "sasl.scram-iterations",
                asked=server.iterations,
                least=MIN_ITERATIONS,
                most=MAX_ITERATIONS,
            )
        return server

    def _prove(
        self, first: ClientFirst, server: ServerFirst
    ) -> tuple[ClientFinal, bytes, tuple[Part, ...]]:
        """The final message, the ServerSignature to expect, and every value on the way."""
        password = prepared(self._given.password)
        keys = Keys.derive(hash_of(self.name), password, server.salt, server.iterations)
        bare = ClientFinal.make(self._binding(first.header), server.nonce)
        signed = keys.sign(auth_message(first.bare, server.text, bare.without_proof))
        final = ClientFinal.make(bare.binding, bare.nonce, signed.proof)
        return final, signed.server, shown(keys, signed)

    def _binding(self, header: Gs2Header) -> bytes:
        """RFC 5802 §7: cbind-input = gs2-header [ cbind-data ]; data for flag "p" alone."""
        binding = self._given.channel_binding
        data = binding.data if binding and header.flag == "p" else b""
        return header.text.encode() + data

    def _verify(self, final: ServerFinal, expected: bytes, data: bytes) -> Response:
        message = messages.server_final(data)
        if final.error:
            self.failed = True
            return Response(b"", message.parts)
        # RFC 5802 §5: "If the two are different, the client MUST consider the
        # authentication exchange to be unsuccessful".
        if not hmac.compare_digest(final.signature, expected):
            raise RemoteProtocolError("sasl.scram-signature")
        self.done = True
        return Response(b"", (computed("ServerSignature", expected),))
