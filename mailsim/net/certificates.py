"""Making keys and certificates.  Slow to import: only what makes one does."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailsim.model.network import Network

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_HERE = "localhost"
_ADDRESSES = ("127.0.0.1", "::1")

_AUTHORITY_DAYS = 3652
# Apple's clients and others refuse a server's certificate of more than 398 days.
_SERVER_DAYS = 397
_THESIS_DAYS = 730  # TLS2
_CLOCKS_DIFFER = timedelta(hours=1)

# Netscape's, as in the thesis's request file: nsCertType = server, and nsComment, the unit.
_NS_CERT_TYPE = ("2.16.840.1.113730.1.1", b"\x03\x02\x06\x40")
_NS_COMMENT = "2.16.840.1.113730.1.13"
_THESIS_DN = (  # TLS1
    (NameOID.COUNTRY_NAME, "SN"),
    (NameOID.STATE_OR_PROVINCE_NAME, "Senegal"),
    (NameOID.ORGANIZATION_NAME, "MINFO"),
)


def make_authority(now: datetime, network: Network) -> tuple[bytes, bytes]:
    """A new authority, certificate and key in PEM form.

    Its name constraints leave it the network's names alone, and its key
    usages servers alone: whoever imports it gives nothing else away.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Two authorities never have one name: a browser's list would mix them up.
    name = _name(
        (NameOID.ORGANIZATION_NAME, "mailsim"),
        (NameOID.COMMON_NAME, f"mailsim lab authority {identifier.digest.hex()[:8]}"),
    )
    begin = now - _CLOCKS_DIFFER
    builder = (
        _builder(key, name, name, begin, begin + timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints(_permitted(network), None), critical=True)
    )
    return _signed(builder, key), _pem(key)


def make_server(
    kind: str, unit: str, now: datetime, network: Network, authority: bytes, key: bytes
) -> bytes:
    """Key and certificate of the server in one PEM text: "lab", "expired", "wrong-name", or
    the thesis's "self-signed".  `unit`: "SMTP Server", "IMAP Server" (TLS3).
    """
    if kind == "self-signed":
        return _thesis(unit, now, network)
    host, domain = network.server.name, network.domain
    good = (host, domain, f"www.{domain}", _HERE, *_ADDRESSES)
    names = (f"mail2.{domain}",) if kind == "wrong-name" else good
    days = timedelta(days=_SERVER_DAYS)
    begin = now - (days + timedelta(days=1) if kind == "expired" else _CLOCKS_DIFFER)
    issuer = x509.load_pem_x509_certificate(authority)
    end = min(begin + days, issuer.not_valid_after_utc)
    subject = _server_name(unit, names[0])
    return _issued(subject, names, begin, end, issuer, key)


def _server_name(unit: str, host: str, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    own = ((NameOID.ORGANIZATIONAL_UNIT_NAME, unit), (NameOID.COMMON_NAME, host))
    return _name(*_THESIS_DN, *own, *more)


def _issued(
    subject: x509.Name,
    names: tuple[str, ...],
    begin: datetime,
    end: datetime,
    issuer: x509.Certificate,
    key: bytes,
) -> bytes:
    authority = load_pem_private_key(key, None)
    assert isinstance(authority, ec.EllipticCurvePrivateKey)  # noqa: S101 # we made it
    own = ec.generate_private_key(ec.SECP256R1())
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(own, subject, issuer.subject, begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general(one) for one in names]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
    )
    return _pem(own) + _signed(builder, authority)


def _thesis(unit: str, now: datetime, network: Network) -> bytes:
    """The thesis's certificate, which signs itself and has no subjectAltName (TLS1, TLS2)."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    host, root = network.server.name, f"root@{network.domain}"
    name = _server_name(unit, host, (NameOID.EMAIL_ADDRESS, root))
    begin = now - _CLOCKS_DIFFER
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(key, name, name, begin, begin + timedelta(days=_THESIS_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(enciphers_keys=True), critical=False)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
    )
    # An IA5String, as nsComment in the thesis's request file.
    comment = bytes((0x16, len(unit))) + unit.encode()
    for number, value in (_NS_CERT_TYPE, (_NS_COMMENT, comment)):
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(number), value)
        builder = builder.add_extension(extension, critical=False)
    return _pem(key) + _signed(builder, key)


def _builder(
    key: Key, subject: x509.Name, issuer: x509.Name, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin.astimezone(UTC))
        .not_valid_after(end.astimezone(UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: Key) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(number, value) for number, value in parts])


def _permitted(network: Network) -> list[x509.GeneralName]:
    """The domains of all hosts, and the machine on which the lab runs."""
    domains = dict.fromkeys(host.name.partition(".")[2] for host in network.hosts)
    addresses = [x509.IPAddress(ipaddress.ip_network(one)) for one in _ADDRESSES]
    return [*(x509.DNSName(domain) for domain in (*domains, _HERE)), *addresses]


def _general(name: str) -> x509.GeneralName:
    if name in _ADDRESSES:
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _usage(*, signs_certificates: bool = False, enciphers_keys: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=enciphers_keys,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
