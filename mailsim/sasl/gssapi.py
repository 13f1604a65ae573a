"""GSSAPI's first token, named for `decode` alone: Kerberos, or a negotiation of it."""

from __future__ import annotations

from mailsim.sasl.mechanism import malformed
from mailsim.sasl.message import Kind, Message, part

# The mechanisms' object identifiers in DER, with what they are.
_IDENTIFIERS = {
    bytes.fromhex("06092a864886f712010202"): "Kerberos 5 (1.2.840.113554.1.2.2)",
    bytes.fromhex("06062b0601050502"): "SPNEGO (1.3.6.1.5.5.2)",
}


def message(data: bytes) -> Message:
    """An initial context token (RFC 2743 §3.1), in short:

        token = %x60 length identifier innerToken     ; DER

    Raises RemoteProtocolError for an identifier that is neither Kerberos' nor SPNEGO's.
    """
    if data[:1] == b"\x60":
        body = data[2 + _longer(data) :]
        for identifier, name in _IDENTIFIERS.items():
            if body.startswith(identifier):
                inner = body[len(identifier) :]
                parts = (part("gss-mechanism", name), part("gss-token", inner, Kind.BYTES))
                return Message(data, parts, "sasl.message.gssapi", "sasl.leak.kerberos")
    raise malformed("GSSAPI", "%x60 length identifier innerToken")


def _longer(data: bytes) -> int:
    """How many more octets the DER length takes: none in the short form (below 128)."""
    return data[1] & 0x7F if len(data) > 1 and data[1] & 0x80 else 0
