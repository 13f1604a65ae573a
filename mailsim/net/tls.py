"""TLS over memory BIOs: verified, but between MTAs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from mailsim.errors import TlsError, UsageError

# By OpenSSL's X509_V_ERR_…: CERT_NOT_YET_VALID, CERT_HAS_EXPIRED; HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH.
_VERIFIED: dict[int, str] = {
    **dict.fromkeys((9, 10), "net.tls-out-of-time"),
    **dict.fromkeys((62, 64), "net.tls-wrong-name"),
}


def client_context(ca: str | Path | None = None) -> ssl.SSLContext:
    """A context that verifies chain and name, TLS 1.2 at least.

    `ca`: a file of certificates to trust in place of the system's (the lab's CA,
    or the server's own self-signed certificate).  Raises UsageError for a file
    that is not there or holds none.
    """
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except OSError as error:  # ssl.SSLError is one
        raise UsageError("net.bad-ca", file=str(ca), reason=error.strerror or str(error)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def opportunistic_context() -> ssl.SSLContext:
    """A context that takes whoever is there, for mail from one MTA to another alone
    (smtp_tls_security_level = may): no client of the lab has it.

    The certificate is not verified, for without TLS the mail would go in the clear all the
    same: this keeps out who only listens (RFC 7435 §4), and whether to go on is the client's
    own decision (RFC 3207 §4.1).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """What the handshake agreed on, and whom the certificate names."""

    version: str
    cipher: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_after: str
    bits: int = 0
    """Of the cipher's key."""


class TlsLayer:
    """One TLS connection over bytes that somebody else moves.

    `received` takes what came from the network; `to_send` gives what must go out.
    `name`: the server's, which its certificate must carry; on the server's side the
    client's, for errors alone.
    """

    def __init__(self, context: ssl.SSLContext, name: str, *, server_side: bool = False) -> None:
        self.client = not server_side
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._name = name
        self._tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_side,
            server_hostname=None if server_side else name or None,
        )

    def received(self, data: bytes) -> None:
        """Bytes from the network; b"" is its end."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def to_send(self) -> bytes:
        """Bytes for the network."""
        return self._outgoing.read()

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done.  Raises TlsError."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLCertVerificationError as error:
            sentence = _VERIFIED.get(error.verify_code, "net.tls-unverified")
            reason = error.verify_message.rstrip(".")
            raise TlsError(sentence, server=self._name, reason=reason) from None
        except (ssl.SSLError, OSError) as error:
            raise self._failed(error) from None
        return True

    def read(self, size: int) -> bytes | None:
        """Decrypted bytes, b"" at the end, None until more has come."""
        try:
            return self._tls.read(size)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> TlsError:
        side = "net.tls-failed" if self.client else "net.tls-refused"
        return TlsError(side, server=self._name, reason=_reason(error))

    def write(self, data: bytes) -> None:
        """Encrypt `data`."""
        sent = 0
        while sent < len(data):
            sent += self._tls.write(memoryview(data)[sent:])

    def close(self) -> None:
        """Say close_notify; the answer is not waited for."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return  # SSLWantReadError: the peer's own close_notify has not come

    def info(self) -> TlsInfo:
        """What was agreed on."""
        certificate = self._tls.getpeercert() or {}
        cipher = self._tls.cipher()
        names = certificate.get("subjectAltName", ())
        return TlsInfo(
            version=self._tls.version() or "",
            cipher=cipher[0] if cipher else "",
            subject=_name(certificate.get("subject", ())),
            issuer=_name(certificate.get("issuer", ())),
            names=tuple(str(name[1]) for name in names),
            not_after=str(certificate.get("notAfter", "")),
            bits=cipher[2] if cipher else 0,
        )

    def server_certificate(self) -> bytes:
        """The server's certificate in DER form."""
        return self._tls.getpeercert(binary_form=True) or b""


def _name(parts: object) -> str:
    rows = parts if isinstance(parts, tuple) else ()
    return ", ".join(f"{key}={value}" for row in rows for key, value in row)


def _reason(error: OSError) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error.strerror or error).replace("_", " ").lower()
