"""What ties a login to its TLS connection: the channel binding "tls-server-end-point" (RFC 5929 §4.1)."""

from __future__ import annotations

import hashlib
from typing import Final

from mailsim.net.der import content
from mailsim.sasl import ChannelBinding

_RSA: Final = bytes.fromhex("2a864886f70d0101")  # 1.2.840.113549.1.1
_ECDSA: Final = bytes.fromhex("2a8648ce3d04")  # 1.2.840.10045.4

# The signature's own hash, but SHA-256 in place of MD5 and SHA-1 (RFC 5929 §4.1).  What names no
# hash (Ed25519) or names it in its parameters (RSASSA-PSS) is left out: it binds nothing.
_HASHES: Final = {
    _RSA + b"\x04": "sha256",  # md5WithRSAEncryption
    _RSA + b"\x05": "sha256",  # sha1WithRSAEncryption
    _RSA + b"\x0b": "sha256",
    _RSA + b"\x0c": "sha384",
    _RSA + b"\x0d": "sha512",
    _RSA + b"\x0e": "sha224",
    _ECDSA + b"\x01": "sha256",  # ecdsa-with-SHA1
    _ECDSA + b"\x03\x01": "sha224",
    _ECDSA + b"\x03\x02": "sha256",
    _ECDSA + b"\x03\x03": "sha384",
    _ECDSA + b"\x03\x04": "sha512",
}


def server_end_point(certificate: bytes) -> ChannelBinding | None:
    """The hash of the server's certificate (DER); None where its signature names none."""
    name = _HASHES.get(_signature_algorithm(certificate))
    if name is None:
        return None
    return ChannelBinding("tls-server-end-point", hashlib.new(name, certificate).digest())


def _signature_algorithm(certificate: bytes) -> bytes:
    """The object identifier's octets.

    Certificate         ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
    AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }

    TLS has verified the certificate, so its form is known to be good.
    """
    start, _ = content(certificate, 0)
    _, end = content(certificate, start)  # tbsCertificate, passed over
    start, _ = content(certificate, end)
    start, end = content(certificate, start)
    return certificate[start:end]
