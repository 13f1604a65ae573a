"""Just enough DER to read a certificate whose form is known to be good."""

from __future__ import annotations

from datetime import UTC, datetime

_UTC_TIME = 0x17
_VERSION = 0xA0


def content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends; DER: tag, length, content."""
    length = der[at + 1]
    start = at + 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[start : start + octets], "big")
        start += octets
    return start, start + length


def validity(certificate: bytes) -> tuple[datetime, datetime]:
    """From when until when the certificate is valid.

    TBSCertificate ::= SEQUENCE { version [0] OPTIONAL, serialNumber, signature, issuer,
                                  validity SEQUENCE { notBefore Time, notAfter Time }, … }
    """
    at, _ = content(certificate, 0)
    at, _ = content(certificate, at)
    before = 4 if certificate[at] == _VERSION else 3
    for _ in range(before):
        _, at = content(certificate, at)
    at, _ = content(certificate, at)
    _, second = content(certificate, at)
    return _time(certificate, at), _time(certificate, second)


def _time(der: bytes, at: int) -> datetime:
    """Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }, both in seconds and Z."""
    start, end = content(der, at)
    text = der[start:end].decode("ascii")
    if der[at] == _UTC_TIME:  # two digits for the year, up to 2049 (RFC 5280 §4.1.2.5.1)
        text = ("20" if text < "5" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
