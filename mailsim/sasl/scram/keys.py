"""The values that SCRAM computes (RFC 5802 §3), each under the RFC's name."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from mailsim.errors import UsageError
from mailsim.sasl.message import Kind, Part, computed
from mailsim.sasl.saslprep import saslprep
from mailsim.secret import Secret

# RFC 5802 §4, RFC 7677 §3: the hash that each mechanism's name stands for.
HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


def hash_of(mechanism: str) -> str:
    """hashlib's name of the hash of a SCRAM mechanism, with or without -PLUS."""
    return HASHES[mechanism.removesuffix("-PLUS")]


def prepared(password: Secret) -> bytes:
    """Normalize(password): SASLprep as a "stored string" (RFC 5802 §2.2).

    Raises UsageError when the profile refuses it.
    """
    try:
        text = password.reveal().decode()
    except UnicodeDecodeError:
        raise UsageError("sasl.not-text") from None
    return saslprep(text, stored=True).encode()


@dataclass(frozen=True, slots=True)
class Keys:
    """What derives from a password, a salt and a count: all secret.

    The client computes them all; a server's database needs `stored` and `server` alone.
    """

    hash_name: str
    salted_password: Secret
    client: Secret
    stored: Secret
    server: Secret

    @classmethod
    def derive(cls, hash_name: str, password: bytes, salt: bytes, iterations: int) -> Keys:
        """The keys of a prepared password (RFC 5802 §3); costs `iterations` HMACs."""
        # RFC 5802 §2.2: "Hi() is, essentially, PBKDF2".
        salted = hashlib.pbkdf2_hmac(hash_name, password, salt, iterations)
        client = hmac.digest(salted, b"Client Key", hash_name)
        stored = hashlib.new(hash_name, client).digest()
        server = hmac.digest(salted, b"Server Key", hash_name)
        return cls(hash_name, Secret(salted), Secret(client), Secret(stored), Secret(server))

    def sign(self, auth_message: str) -> Signatures:
        """What is computed over one exchange's AuthMessage (RFC 5802 §3)."""
        message = auth_message.encode()
        client = hmac.digest(self.stored.reveal(), message, self.hash_name)
        return Signatures(
            message,
            Secret(client),
            xor(self.client.reveal(), client),
            hmac.digest(self.server.reveal(), message, self.hash_name),
        )


@dataclass(frozen=True, slots=True)
class Signatures:
    """`client` is secret: with the proof, which travels, it gives ClientKey."""

    auth_message: bytes
    client: Secret
    proof: bytes
    server: bytes


def auth_message(client_first_bare: str, server_first: str, client_final_bare: str) -> str:
    """AuthMessage: the exchange so far, comma-joined (RFC 5802 §3)."""
    return f"{client_first_bare},{server_first},{client_final_bare}"


def xor(left: bytes, right: bytes) -> bytes:
    """Octet by octet; both are of one length."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def shown(keys: Keys, signatures: Signatures) -> tuple[Part, ...]:
    """Every computed value, in the order of RFC 5802 §3."""
    return (
        computed("SaltedPassword", keys.salted_password.reveal(), secret=True),
        computed("ClientKey", keys.client.reveal(), secret=True),
        computed("StoredKey", keys.stored.reveal(), secret=True),
        computed("AuthMessage", signatures.auth_message, kind=Kind.TEXT),
        computed("ClientSignature", signatures.client.reveal(), secret=True),
        computed("ClientProof", signatures.proof),
        computed("ServerKey", keys.server.reveal(), secret=True),
        computed("ServerSignature", signatures.server),
    )
