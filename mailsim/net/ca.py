"""The lab's certificate authority, made once and kept, and the server's certificates."""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailsim.errors import LabError, UsageError
from mailsim.model.network import Network
from mailsim.net.der import validity

KINDS = ("lab", "self-signed", "expired", "wrong-name")
# The server's certificates: one for mail that is handed in, one for mail that is read (TLS3).
UNITS = {"SMTP Server": "", "IMAP Server": "imap-"}

_FOLDER = "authority"
_CERTIFICATE = "ca.pem"
_KEY = "ca.key"
_RENEWED = timedelta(days=30)  # before a server's certificate ends


class LabCa:
    """The authority kept in a folder, for the names of a network.  Whoever trusts `certificate` accepts the server's "lab"
    certificate, and none of the others.
    """

    def __init__(self, folder: Path, network: Network) -> None:
        self._folder = folder
        self._network = network
        self.certificate = folder / _CERTIFICATE
        """The authority's own certificate (PEM), for clients to import."""
        self._contexts: dict[str, ssl.SSLContext] = {}

    @classmethod
    def load(cls, folder: Path, network: Network) -> LabCa:
        """The authority in `folder`, made there when it has none.  Raises LabError.

        Several processes may do so at once: all get the same.
        """
        kept = folder / _FOLDER
        try:
            if not kept.is_dir():
                _make(folder, kept, network)
        except OSError as error:
            raise _unwritable(folder, error) from None
        authority = cls(kept, network)
        authority._check()  # its own class
        return authority

    def server_context(self, kind: str, unit: str = "SMTP Server") -> ssl.SSLContext:
        """What a server needs to show its unit's certificate of this kind, TLS 1.2 at least.

        "lab" is good; "self-signed" is the thesis's; "expired" and "wrong-name" say what they
        are.  Each is made when first asked for, and anew before it ends.
        """
        if kind not in KINDS:
            raise UsageError("net.ca-kind", kind=kind, kinds=", ".join(KINDS))
        name = f"{UNITS[unit]}{kind}"
        if name not in self._contexts:
            file = self._folder / f"{name}.pem"
            context = _context(file) if _good(file, kind) else None
            self._contexts[name] = context or self._renewed(kind, unit, file)
        return self._contexts[name]

    def _renewed(self, kind: str, unit: str, file: Path) -> ssl.SSLContext:
        from mailsim.net.certificates import make_server  # noqa: PLC0415 # slow to import

        try:
            authority, key = self.certificate.read_bytes(), (self._folder / _KEY).read_bytes()
            made = make_server(kind, unit, _now(), self._network, authority, key)
            _replace(file, made)
        except OSError as error:
            raise _unwritable(self._folder, error) from None
        context = _context(file)
        if context is None:
            raise _unusable(self._folder, kind)
        return context

    def _check(self) -> None:
        """Raises LabError unless certificate and key are there, belong together and are valid."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self._folder / _KEY)
            begin, end = validity(_der(self.certificate))
        except (OSError, ValueError, IndexError) as error:
            reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
            raise _unusable(self._folder, str(reason).replace("_", " ").lower()) from None
        if not begin <= _now() < end:
            raise LabError("net.ca-date", folder=self._folder, begin=f"{begin:%F}", end=f"{end:%F}")


def _now() -> datetime:
    return datetime.now(UTC)


def _make(folder: Path, kept: Path, network: Network) -> None:
    """Make the authority beside its place and rename it: it is there whole, or not at all."""
    from mailsim.net.certificates import make_authority  # noqa: PLC0415 # slow to import

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{_FOLDER}-", dir=folder))  # mode 700
    try:
        certificate, key = make_authority(_now(), network)
        _write(made / _CERTIFICATE, certificate, 0o644)
        _write(made / _KEY, key, 0o600)
        made.rename(kept)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        if not kept.is_dir():  # else another process was faster, and its authority is the one
            raise


def _write(file: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(
        file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode
    )
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())


def _replace(file: Path, data: bytes) -> None:
    """Put `data` in the place of `file` at once; it holds a key."""
    # Two labs of one process may do so at once, each in its own thread.
    new = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}")
    new.unlink(missing_ok=True)
    _write(new, data, 0o600)
    try:
        new.replace(file)
    except PermissionError:
        # Windows replaces no file that another process reads: that process has just made it.
        new.unlink()
        if not file.exists():
            raise


def _der(file: Path) -> bytes:
    """The one certificate in a PEM file, which may hold a key before it."""
    text = file.read_text(encoding="ascii")
    return ssl.PEM_cert_to_DER_cert(text[max(0, text.find(ssl.PEM_HEADER)) :])


def _good(file: Path, kind: str) -> bool:
    """Whether the kept certificate still is what its kind says, for a while."""
    try:
        begin, end = validity(_der(file))
    except (OSError, ValueError, IndexError):
        return False
    return kind == "expired" or begin <= _now() < end - _RENEWED


def _context(file: Path) -> ssl.SSLContext | None:
    """A server's context from key and certificate in `file`; None if they are not good."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(file)
    except (OSError, ValueError):
        return None
    return context


def _unwritable(folder: Path, error: OSError) -> LabError:
    return LabError("net.ca-folder", folder=folder, reason=error.strerror or str(error))


def _unusable(folder: Path, reason: str) -> LabError:
    return LabError("net.ca-broken", folder=folder, reason=reason)
