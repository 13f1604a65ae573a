"""The simulator's POP3 and ManageSieve dialogues, said to a real Dovecot that has the lab's
settings.

Where a dialogue and this Dovecot differ, the dialogue is wrong.  It is a 2.3.19, bookworm's.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import trustme

from mailsim.dialogue.text import read_text
from mailsim.lab.network import network
from mailsim.model.stage import Release
from mailsim.net.ca import LabCa
from tests.oracles.conftest import ACCOUNTS, PASSWORD, _address, _lacking
from tests.oracles.dovecot import RealDovecot
from tests.servers.dovecot_site import Site, furnished
from tests.servers.played import Played
from tests.servers.played_dovecot import FILES, Target, read

pytestmark = pytest.mark.oracle

NETWORK = network()
NAMES = [
    name
    for name in FILES
    if not read(name).all("oracle") and Release.BOOKWORM in read(name).releases
]


NOT_OURS = '"NOTIFY" "mailto"'
LOGGED_OTHERWISE = {
    "pop3/stls_injection.txt": "the error that OpenSSL remembers is another each time",
    "managesieve/starttls_injection.txt": "the same",
    "managesieve/capability_after_login.txt": "the octets of Sieve's extensions",
    "managesieve/literal_too_long.txt": "it hangs up before it has read the line's end",
    "managesieve/putscript_names.txt": "syslog shows a tab otherwise than a file does",
}


def same(found: str, wanted: str) -> bool:
    """Whether a row is the simulator's: of Sieve's extensions it has some."""
    if wanted.startswith('"SIEVE" "'):
        return set(wanted[9:-1].split()) <= set(found[9:-1].split())
    return found == wanted


@pytest.fixture(scope="session")
def dovecot() -> Iterator[RealDovecot]:
    if missing := _lacking():
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"MAILSIM_REQUIRE_ORACLES=1, but {missing}")
        pytest.skip(missing)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mailsim-", dir="/tmp"))
        )
        folder.chmod(0o755)
        authority = trustme.CA()
        certificate = authority.issue_cert(NETWORK.server.name)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(folder / "chain.pem", append=True)
        passwords = dict.fromkeys(ACCOUNTS, PASSWORD)
        yield RealDovecot(NETWORK, folder, _address(), passwords, stack)


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Target]]:
    ca = LabCa.load(tmp_path_factory.mktemp("ca"), NETWORK)
    site = Site(Release.BOOKWORM, ca)
    site.start()
    context = ssl.create_default_context(cafile=ca.certificate)
    connect = partial(furnished, site)
    yield site, Target(Release.BOOKWORM, NETWORK.server.name, connect, context, site.password)
    site.stop()


def real(dovecot: RealDovecot) -> Target:
    context = ssl.create_default_context(cafile=dovecot.folder / "ca.pem")
    return Target(
        Release.BOOKWORM,
        NETWORK.server.name,
        dovecot.connect,
        context,
        dovecot.passwords.__getitem__,
        same,
        not_ours=NOT_OURS,
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_real_dovecot_says_and_logs_what_the_simulator_does(
    dovecot: RealDovecot, simulator: tuple[Site, Target], name: str
) -> None:
    real(dovecot).play(read(name))
    if name in LOGGED_OTHERWISE:
        return
    site, target = simulator
    target.play(read(name))
    wanted = [without_numbers(line) for line in logged(site)]
    found = [without_numbers(line) for line in dovecot.log.lines(len(wanted))]
    assert sorted(found) == sorted(wanted)


def logged(site: Site) -> list[str]:
    """What the simulator's Dovecot has written for the dialogue."""
    lines = site.lab.call(lambda world: world.log.lines())
    return [line.partition(" dovecot: ")[2] for line in lines if " dovecot: " in line]


def without_numbers(line: str) -> str:
    """The line without what differs from run to run: pids, sessions, addresses, seconds."""
    line = re.sub(r"<\d+><[^>]+>", "<pid><session>", line)
    line = re.sub(r"(session=<)[^>]+|(mpid=)\d+|([rl]ip=)[^,]+", r"\1\2\3", line)
    return re.sub(r"\d+ secs", "secs", line)


# --- one connection because of another ------------------------------

TOO_MANY = b"Maximum number of connections from user+IP exceeded (mail_max_userip_connections=1)"
LOGIN = {
    "pop3": b"AUTH PLAIN AHVzZXIAbWluZm8=\r\n",
    "managesieve": b'AUTHENTICATE "PLAIN" "AHVzZXIAbWluZm8="\r\n',
}


def setting(protocol: str, *settings: str) -> Played:
    """A dialogue that is nothing but its settings."""
    stage = "mail" if protocol == "pop3" else "sieve"
    head = [f"# endpoint: {protocol}", f"# protocol: {protocol}", "# server: mail.minfo.sn:110"]
    rows = [*head, f"# stage: {stage}", *(f"# setting: {one}" for one in settings)]
    return Played(f"{protocol}/none", read_text("\n".join([*rows, "", "C: NOOP", ""])))


def logged_in(wire: socket.socket, protocol: str) -> bytes:
    """The last line of what is answered to the login."""
    wire.settimeout(30)
    heard = wire.makefile("rb")
    while not heard.readline().startswith((b"+OK", b"OK")):
        """The capabilities."""
    wire.sendall(LOGIN[protocol])
    return heard.readline()


@pytest.mark.parametrize(
    ("protocol", "said"),
    [("pop3", b"-ERR [IN-USE] " + TOO_MANY), ("managesieve", b'NO "' + TOO_MANY + b'"')],
)
def test_too_many_connections(dovecot: RealDovecot, protocol: str, said: bytes) -> None:
    played = setting(
        protocol, "mail_max_userip_connections 1", "ssl yes", "disable_plaintext_auth 0",
        "pop3_lock_session 0",
    )  # fmt: skip
    with dovecot.connect(played) as first:
        assert logged_in(first, protocol).startswith((b"+OK", b"OK"))
        heard = b""
        # Another process counts the connections: it may not know of the first at once.
        for _ in range(20):
            with dovecot.again() as second:
                heard = logged_in(second, protocol)
            if heard == said + b"\r\n":
                break
        assert heard == said + b"\r\n"


def test_a_mailbox_that_is_locked(dovecot: RealDovecot) -> None:
    played = setting("pop3")
    with dovecot.connect(played) as first:
        assert logged_in(first, "pop3") == b"+OK Logged in.\r\n"
        with dovecot.again() as second:  # for ten seconds it waits
            locked = b"-ERR [IN-USE] Mailbox is locked by another POP3 session.\r\n"
            assert logged_in(second, "pop3") == locked
