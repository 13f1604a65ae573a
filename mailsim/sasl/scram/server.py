"""SCRAM's server."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Generator
from dataclasses import replace

from mailsim.errors import UsageError
from mailsim.sasl.gs2 import Gs2Header
from mailsim.sasl.mechanism import Outcome, ServerMechanism, malformed
from mailsim.sasl.message import Challenge, Failure, Success
from mailsim.sasl.saslprep import saslprep
from mailsim.sasl.scram import messages
from mailsim.sasl.scram.keys import Keys, Signatures, auth_message, hash_of, prepared, shown, xor
from mailsim.sasl.scram.messages import ClientFinal, ClientFirst, ServerFinal, ServerFirst
from mailsim.secret import Secret


class ScramServer(ServerMechanism):
    """Verifies the client's proof and then proves itself.

    An unknown user is led through the same exchange, to the same failure as a
    wrong password; `Failure.reason` alone tells them apart.
    """

    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        first = ClientFirst.parse(response or b"")
        user = self._prepared(first.user)
        if refusal := self._refuses(first.header):
            yield Failure(refusal, user)
            return
        salting = self.credentials.salting(user, self.name.removesuffix("-PLUS"))
        nonce = first.nonce + self._given.nonce
        server = ServerFirst.make(nonce, salting.salt, salting.iterations)
        final = ClientFinal.parse((yield Challenge.of(messages.server_first(server.data))))
        yield from self._judge(user, first, server, final)

    def _prepared(self, user: str) -> str:
        # RFC 5802 §5.1, n: prepared as a query string; hashed as received.
        try:
            prepared_name = saslprep(user, stored=False)
        except UsageError:
            prepared_name = ""
        if not prepared_name:
            raise malformed(self.name, "n=, a user name that SASLprep accepts")
        return prepared_name

    def _refuses(self, header: Gs2Header) -> str:
        """Why the channel binding flag ends it here (RFC 5802 §6); "" if it does not."""
        plus = self.name.endswith("-PLUS")
        if header.flag == "y" and self._given.channel_bindings:
            return "sasl.failure.downgrade"
        if plus != (header.flag == "p"):
            return "sasl.failure.binding-flag"
        if plus and self._binding_data(header) is None:
            return "sasl.failure.binding-type"
        return ""

    def _binding_data(self, header: Gs2Header) -> bytes | None:
        known = {one.kind: one.data for one in self._given.channel_bindings}
        return known.get(header.binding)

    def _judge(
        self, user: str, first: ClientFirst, server: ServerFirst, final: ClientFinal
    ) -> Generator[Outcome, bytes, None]:
        keys = self._keys(user, server)
        signed = keys.sign(auth_message(first.bare, server.text, final.without_proof))
        values = shown(keys, signed)
        reason = self._misfit(first, server, final) or self._unproved(user, keys, signed, final)
        outcome = (
            Failure(reason, user) if reason else self._admit(user, first.header.authzid, values)
        )
        if isinstance(outcome, Success):
            last = messages.server_final(ServerFinal(signed.server).data)
            if (yield replace(Challenge.of(last, *values), final=True)):
                raise malformed(self.name, "an empty response after v=")
        yield outcome

    def _keys(self, user: str, server: ServerFirst) -> Keys:
        """The stored keys; an unknown user's cost the same to compute."""
        password = self._password(user) or Secret("")
        return Keys.derive(hash_of(self.name), _stored(password), server.salt, server.iterations)

    def _misfit(self, first: ClientFirst, server: ServerFirst, final: ClientFinal) -> str:
        # RFC 5802 §5.1, r: the server "MUST verify that the nonce sent by the client" is its own.
        if final.nonce != server.nonce:
            return "sasl.failure.nonce"
        # RFC 5802 §6: "The server MUST always validate the client's "c=" field".
        expected = first.header.text.encode() + (self._binding_data(first.header) or b"")
        return "" if final.binding == expected else "sasl.failure.binding"

    def _unproved(self, user: str, keys: Keys, signed: Signatures, final: ClientFinal) -> str:
        proved = _proves(keys, signed, final.proof)
        if self._password(user) is None:
            return "sasl.failure.user"
        return "" if proved else "sasl.failure.password"


def _stored(password: Secret) -> bytes:
    """The stored password prepared, or as it is where SASLprep refuses it: no proof fits then."""
    try:
        return prepared(password)
    except UsageError:
        return password.reveal()


def _proves(keys: Keys, signed: Signatures, proof: bytes) -> bool:
    """RFC 5802 §3: recover ClientKey from the proof, hash it, compare with StoredKey."""
    signature = signed.client.reveal()
    if len(proof) != len(signature):
        return False
    recovered = hashlib.new(keys.hash_name, xor(proof, signature)).digest()
    return hmac.compare_digest(recovered, keys.stored.reveal())
