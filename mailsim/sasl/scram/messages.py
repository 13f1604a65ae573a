"""SCRAM's four messages: bytes to values and back (RFC 5802 §7)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from mailsim.errors import RemoteProtocolError
from mailsim.sasl import gs2
from mailsim.sasl.gs2 import Gs2Header, saslname
from mailsim.sasl.mechanism import encoded, malformed, utf8
from mailsim.sasl.message import Kind, Message, part

_NAME = "SCRAM"
_ATTRIBUTE = re.compile(r"([A-Za-z])=([^\0,]+)")
_PRINTABLE = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
# Ten digits hold every count that a limit could let pass; more is only work for int().
_POSITIVE = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """gs2-header, user name (not quoted) and the client's nonce.

    `bare` is client-first-message-bare as it was sent: the proofs are computed over it.
    """

    header: Gs2Header
    user: str
    nonce: str
    bare: str

    @classmethod
    def make(cls, header: Gs2Header, user: str, nonce: str) -> ClientFirst:
        """The message of these values."""
        return cls(header, user, nonce, f"n={saslname(user)},r={nonce}")

    @classmethod
    def parse(cls, data: bytes) -> ClientFirst:
        """Read the client's first message.  RFC 5802 §7:

            client-first-message      = gs2-header client-first-message-bare
            client-first-message-bare = [reserved-mext ","] username "," nonce
                                        ["," extensions]
            username                  = "n=" saslname
            nonce                     = "r=" c-nonce [s-nonce]

        Raises RemoteProtocolError; for reserved-mext (m=) too, as RFC 5802 §5.1 says.
        """
        header, bare = gs2.split(utf8(data, _NAME), _NAME)
        user, nonce = _attributes(bare, "nr", "n=user,r=nonce")
        return cls(header, gs2.unquoted(user, _NAME), _nonce(nonce), bare)

    @property
    def data(self) -> bytes:
        return encoded(self.header.text + self.bare)


@dataclass(frozen=True, slots=True)
class ServerFirst:
    """The client's nonce with the server's behind it, the salt, the iteration count."""

    nonce: str
    salt: bytes
    iterations: int
    text: str

    @classmethod
    def make(cls, nonce: str, salt: bytes, iterations: int) -> ServerFirst:
        """The message of these values."""
        return cls(nonce, salt, iterations, f"r={nonce},s={_base64(salt)},i={iterations}")

    @classmethod
    def parse(cls, data: bytes) -> ServerFirst:
        """Read the server's first message.  RFC 5802 §7:

            server-first-message = [reserved-mext ","] nonce "," salt ","
                                   iteration-count ["," extensions]
            salt                 = "s=" base64
            iteration-count      = "i=" posit-number

        Raises RemoteProtocolError.
        """
        text = utf8(data, _NAME)
        nonce, salt, count = _attributes(text, "rsi", "r=nonce,s=salt,i=count")
        if not _POSITIVE.fullmatch(count):
            raise malformed(_NAME, "i=posit-number")
        return cls(_nonce(nonce), _unbase64(salt), int(count), text)

    @property
    def data(self) -> bytes:
        return self.text.encode()


@dataclass(frozen=True, slots=True)
class ClientFinal:
    """The gs2-header again with the channel binding's data, the nonce, the proof."""

    binding: bytes
    nonce: str
    proof: bytes
    without_proof: str

    @classmethod
    def make(cls, binding: bytes, nonce: str, proof: bytes = b"") -> ClientFinal:
        """The message of these values; without the proof first, for it covers the rest."""
        return cls(binding, nonce, proof, f"c={_base64(binding)},r={nonce}")

    @classmethod
    def parse(cls, data: bytes) -> ClientFinal:
        """Read the client's last message.  RFC 5802 §7:

            client-final-message-without-proof = channel-binding "," nonce
                                                 ["," extensions]
            client-final-message = client-final-message-without-proof "," proof
            channel-binding      = "c=" base64
            proof                = "p=" base64

        Raises RemoteProtocolError.
        """
        without_proof, _, last = utf8(data, _NAME).rpartition(",")
        wanted = "c=binding,r=nonce,p=proof"
        binding, nonce = _attributes(without_proof, "cr", wanted)
        (proof,) = _attributes(last, "p", wanted)
        return cls(_unbase64(binding), _nonce(nonce), _unbase64(proof), without_proof)

    @property
    def data(self) -> bytes:
        return f"{self.without_proof},p={_base64(self.proof)}".encode()


@dataclass(frozen=True, slots=True)
class ServerFinal:
    """The server's signature, or the error for which it refuses."""

    signature: bytes = b""
    error: str = ""

    @classmethod
    def parse(cls, data: bytes) -> ServerFinal:
        """Read the server's last message.  RFC 5802 §7:

            server-final-message = (server-error / verifier) ["," extensions]
            server-error         = "e=" server-error-value
            verifier             = "v=" base64

        Raises RemoteProtocolError.
        """
        text = utf8(data, _NAME)
        if text.startswith("e="):
            return cls(error=_attributes(text, "e", "e=error")[0])
        (signature,) = _attributes(text, "v", "v=verifier / e=error")
        return cls(signature=_unbase64(signature))

    @property
    def data(self) -> bytes:
        return f"v={_base64(self.signature)}".encode()


def client_first(data: bytes) -> Message:
    """The client's first message taken apart.  Raises RemoteProtocolError."""
    first = ClientFirst.parse(data)
    parts = (
        *first.header.parts,
        part("username", first.user),
        part("client-nonce", first.nonce, Kind.NONCE),
    )
    return Message(data, parts, "sasl.message.scram-client-first", "sasl.leak.user")


def server_first(data: bytes) -> Message:
    """The server's first message taken apart.  Raises RemoteProtocolError."""
    first = ServerFirst.parse(data)
    parts = (
        part("nonce", first.nonce, Kind.NONCE),
        part("salt", first.salt, Kind.BYTES),
        part("iterations", str(first.iterations), Kind.NUMBER),
    )
    return Message(data, parts, "sasl.message.scram-server-first", "sasl.leak.salt")


def client_final(data: bytes) -> Message:
    """The client's last message taken apart.  Raises RemoteProtocolError."""
    final = ClientFinal.parse(data)
    parts = (
        part("channel-binding", final.binding, Kind.BYTES),
        part("nonce", final.nonce, Kind.NONCE),
        part("ClientProof", final.proof, Kind.HASH),
    )
    return Message(data, parts, "sasl.message.scram-client-final", "sasl.leak.scram")


def server_final(data: bytes) -> Message:
    """The server's last message taken apart.  Raises RemoteProtocolError."""
    final = ServerFinal.parse(data)
    if final.error:
        return Message(data, (part("server-error", final.error),), "sasl.message.scram-error")
    parts = (part("ServerSignature", final.signature, Kind.HASH),)
    return Message(data, parts, "sasl.message.scram-server-final", "sasl.leak.scram-verifier")


def _attributes(text: str, letters: str, wanted: str) -> list[str]:
    """The values of the attributes `letters`, in that order at the head of `text`.

    attr-val   = ALPHA "=" value
    extensions = attr-val *("," attr-val)     ; unknown ones are ignored
    """
    found = [_ATTRIBUTE.fullmatch(field) for field in text.split(",")]
    pairs = [(one[1], one[2]) for one in found if one]
    # RFC 5802 §5.1, m: "its presence in a client or a server message MUST cause" failure.
    if any(letter == "m" for letter, _ in pairs):
        raise RemoteProtocolError("sasl.scram-extension", grammar="no m=")
    if not all(found) or "".join(letter for letter, _ in pairs[: len(letters)]) != letters:
        raise malformed(_NAME, wanted)
    return [value for _, value in pairs[: len(letters)]]


def _nonce(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise malformed(_NAME, "nonce = printable ASCII without comma")
    return text


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _unbase64(text: str) -> bytes:
    """RFC 5802 §2.1: base64 "is restricted to the canonical form with no whitespace"."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or _base64(raw) != text:
        raise malformed(_NAME, "canonical base64")
    return raw
