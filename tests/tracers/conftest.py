from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from mailsim.errors import RemoteProtocolError

Talk = Callable[[socket.socket], None]
Serve = Callable[..., AbstractContextManager[str]]


@contextmanager
def _serve(talk: Talk, host: str = "127.0.0.1") -> Iterator[str]:
    """A server that takes one connection and talks on it; its "host:port"."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    talk(connection)
                except (OSError, RemoteProtocolError):
                    return  # the client has hung up, or speaks TLS

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def serve() -> Serve:
    """`with serve(talk) as where`: one connection on a port that the system chose."""
    return _serve


@dataclass(frozen=True)
class Certificates:
    """A CA file, and server contexts: a good one, one for another name, one that has expired."""

    ca: Path
    good: ssl.SSLContext
    good_der: bytes
    other_name: ssl.SSLContext
    expired: ssl.SSLContext
    other_ca: Path


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("ca")
    ours, theirs = trustme.CA(), trustme.CA()
    for authority, name in ((ours, "ca.pem"), (theirs, "other.pem")):
        authority.cert_pem.write_to_path(str(folder / name))
    long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
    names = ("127.0.0.1", "::1", "mail.minfo.sn")
    good = ours.issue_cert(*names)
    return Certificates(
        folder / "ca.pem",
        _context(good),
        ssl.PEM_cert_to_DER_cert(good.cert_chain_pems[0].bytes().decode()),
        _context(ours.issue_cert("mx.ugb.sn")),
        _context(ours.issue_cert(*names, not_after=long_ago)),
        folder / "other.pem",
    )
