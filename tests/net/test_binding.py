from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from mailsim.net.binding import server_end_point

WHEN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.minfo.sn")])
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
KEYS: dict[str, Key] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
}
HASHES: dict[str, hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def builder(key: Key) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        NAME, NAME, key.public_key(), 1, WHEN, WHEN + dt.timedelta(days=1)
    )


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("name", HASHES)
def test_the_signature_s_hash(kind: str, name: str) -> None:
    key = KEYS[kind]
    certificate = der(builder(key).sign(key, HASHES[name]))
    binding = server_end_point(certificate)
    assert binding is not None
    assert binding.kind == "tls-server-end-point"
    assert binding.data == hashlib.new(name, certificate).digest()


@pytest.mark.parametrize("last", [b"\x04", b"\x05"])
def test_sha_256_in_place_of_md5_and_sha_1(last: bytes) -> None:
    key = KEYS["rsa"]
    rsa_signature = bytes.fromhex("06092a864886f70d0101")
    certificate = der(builder(key).sign(key, hashes.SHA512()))
    old = certificate.replace(rsa_signature + b"\x0d", rsa_signature + last)
    assert old != certificate
    binding = server_end_point(old)
    assert binding is not None
    assert binding.data == hashlib.sha256(old).digest()


def test_signatures_that_name_no_hash_bind_nothing() -> None:
    ed = ed25519.Ed25519PrivateKey.generate()
    assert server_end_point(der(builder(ed).sign(ed, None))) is None
    key = KEYS["rsa"]
    assert isinstance(key, rsa.RSAPrivateKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    signed = builder(key).sign(key, hashes.SHA256(), rsa_padding=pss)
    assert server_end_point(der(signed)) is None
