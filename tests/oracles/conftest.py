"""A real Postfix and a real Dovecot on loopback, started for these tests and ended after them.

Each worker has its own pair, in a folder and on a loopback address of its own: there a port
that was free a moment ago is still free when the server binds it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from mailsim.dialogue import Dialogue
from mailsim.dialogue.explain import explain
from mailsim.tracers.imap import ImapTracer
from mailsim.tracers.managesieve import ManageSieveTracer
from mailsim.tracers.pop3 import Pop3Tracer
from mailsim.tracers.smtp import LmtpTracer, SmtpTracer

NAME = "mail.minfo.sn"
PASSWORD = "minfo"
BOXES = tuple(f"boite{number:02d}" for number in range(600))
CAREFUL = "127.0.0.2"
"""A client's address, from which Dovecot takes no password in the clear."""
ACCOUNTS = ("user", "autre_user", "cheikh", *BOXES)

_PORTS = ("smtp", "submission", "submissions", "imap", "imaps", "pop3", "sieve", "lmtp")
_PROGRAMS = ("postfix", "postconf", "dovecot", "doveadm")
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

_MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/postfix.log
myhostname = mail.minfo.sn
mydomain = minfo.sn
myorigin = minfo.sn
mydestination = minfo.sn
# What the lab calls its LAN; the tests' own address is none of it.
mynetworks = 192.168.10.0/24
# Each service's own address stands in master.cf.
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
# Not one question to a name server, not one connection to anywhere but the Dovecot beside.
smtpd_peername_lookup = no
disable_dns_lookups = yes
default_transport = discard
relay_transport = discard
local_transport = lmtp:inet:{address}:{lmtp}
local_recipient_maps = texthash:{folder}/recipients
alias_maps =
alias_database =
message_size_limit = 100000
# What ETRN may ask for.
fast_flush_domains = minfo.sn
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/key.pem, {folder}/chain.pem
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = reject_non_fqdn_recipient
smtpd_sender_restrictions = reject_non_fqdn_sender
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100
smtpd_hard_error_limit = 100
smtpd_client_connection_count_limit = 0
"""

_MASTER_CF = """\
{address}:{smtp} inet n - n - - smtpd
{address}:{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_tls_auth_only=yes
{address}:{submissions} inet n - n - - smtpd
  -o syslog_name=postfix/submissions
  -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

_DOVECOT_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap pop3 lmtp sieve
listen = {address}
ssl = yes
ssl_cert = <{folder}/chain.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
# user@minfo.sn is user.
auth_username_format = %Ln
# The tests' wrong passwords need not wait.
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_uid = nobody
mail_gid = nogroup
first_valid_gid = 1
mail_max_userip_connections = 100
postmaster_address = postmaster@minfo.sn
hostname = mail.minfo.sn
mailbox_list_index = no
# Who comes from there must not say a password in the clear: the lab's stage tls.
remote {careful} {{
  disable_plaintext_auth = yes
  ssl = required
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/homes/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Trash {{
    auto = subscribe
    special_use = \\Trash
  }}
  mailbox Junk {{
    auto = subscribe
    special_use = \\Junk
  }}
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}
service anvil {{
  # No penalty for an address from which wrong passwords come.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {folder}/queue/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
service imap-login {{
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  service_count = 0
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service managesieve-login {{
  service_count = 0
  inet_listener sieve {{
    port = {sieve}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
}}
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers answer, and tracers for them."""

    folder: Path
    address: str
    ports: dict[str, int]

    @property
    def ca(self) -> Path:
        """The certificate to trust."""
        return self.folder / "ca.pem"

    def at(self, service: str) -> str:
        """The "host:port" of a service."""
        return f"{self.address}:{self.ports[service]}"

    def smtp(self, service: str = "smtp") -> SmtpTracer:
        return SmtpTracer(
            self.at(service), ca=self.ca, server_name=NAME, tls=service == "submissions"
        )

    def lmtp(self) -> LmtpTracer:
        return LmtpTracer(self.at("lmtp"), ca=self.ca, server_name=NAME)

    def pop3(self) -> Pop3Tracer:
        return Pop3Tracer(self.at("pop3"), ca=self.ca, server_name=NAME)

    def imap(self, service: str = "imap") -> ImapTracer:
        return ImapTracer(self.at(service), ca=self.ca, server_name=NAME, tls=service == "imaps")

    def sieve(self) -> ManageSieveTracer:
        return ManageSieveTracer(self.at("sieve"), ca=self.ca, server_name=NAME)

    def deliver(self, box: str, *messages: bytes) -> None:
        """Put messages into a box, by LMTP: they are there when this returns."""
        with self.lmtp() as lmtp:
            lmtp.lhlo("tests.minfo.sn")
            for message in messages:
                lmtp.mail("")
                assert lmtp.rcpt(f"{box}@minfo.sn").ok
                assert lmtp.data(message).ok

    def arrived(self, box: str, count: int = 1) -> list[bytes]:
        """The messages of a box, once there are `count`; until then IDLE tells of each."""
        with self.imap() as imap:
            imap.login(box, PASSWORD)
            imap.select()
            imap.idle()
            while imap.selected is None or (imap.selected.exists or 0) < count:
                assert imap.poll(30).received, (self.folder / "postfix.log").read_text()
            imap.done()
            whole = [one.get("BODY[]") for one in imap.fetch("1:*", "BODY.PEEK[]").fetched]
        return [one for one in whole if isinstance(one, bytes)]


def unexplained(dialogue: Dialogue) -> list[bytes]:
    """The rows of which nothing is known, or a reply's class at most."""
    return [
        row.raw
        for exchange in explain(dialogue)
        for row in exchange.rows
        if not row.ids or row.ids[0].startswith("smtp.class")
    ]


def first_id(dialogue: Dialogue) -> str:
    """What the last row is first of all."""
    return explain(dialogue)[-1].rows[-1].ids[0]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Both servers, for all of a worker's tests."""
    if lacking := _lacking():
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"MAILSIM_REQUIRE_ORACLES=1, but {lacking}")
        pytest.skip(lacking)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mailsim-", dir="/tmp"))
        )
        found = Servers(folder, _address(), {})
        found.ports.update(_free_ports(found.address))
        _lay_down(found)
        # Postfix makes the folder in which Dovecot's socket for AUTH will stand.
        _start_postfix(found, stack.callback)
        _start_dovecot(found, stack.callback)
        yield found


@pytest.fixture(scope="session")
def _boxes() -> Iterator[str]:
    return iter(BOXES)


@pytest.fixture
def box(_boxes: Iterator[str]) -> str:
    """An account with an empty mailbox that no other test knows."""
    return next(_boxes)


def _lacking() -> str:
    """What is missing for the servers, or ""."""
    user = getattr(os, "geteuid", lambda: -1)()  # Windows has none
    if user != 0:
        return "a Postfix and a Dovecot are started by root alone"
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
    if missing:
        return f"these programs are not installed: {', '.join(missing)}"
    version = _output("dovecot", "--version")
    return (
        "" if version.startswith("2.3.") else f"the configuration is Dovecot 2.3's, not {version}"
    )


def _address() -> str:
    """A loopback address of this process's own."""
    number = os.getpid() % (250 * 250)
    return f"127.77.{number // 250 + 1}.{number % 250 + 1}"


def _free_ports(address: str) -> dict[str, int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((address, 0))) for _ in _PORTS]
        return {name: one.getsockname()[1] for name, one in zip(_PORTS, sockets, strict=True)}


def _lay_down(servers: Servers) -> None:
    folder = servers.folder
    folder.chmod(0o755)
    for name in ("postfix", "queue", "data", "run", "state", "homes"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "homes", "nobody")
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(folder / "chain.pem", append=True)
    values = {"folder": folder, "address": servers.address, "careful": CAREFUL, **servers.ports}
    (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}\n" for user in ACCOUNTS))
    (folder / "recipients").write_text("".join(f"{user} -\n" for user in ACCOUNTS))
    (folder / "postfix" / "main.cf").write_text(_MAIN_CF.format(**values))
    (folder / "postfix" / "master.cf").write_text(_MASTER_CF.format(**values))
    (folder / "dovecot.conf").write_text(_DOVECOT_CONF.format(**values))


def _start_dovecot(servers: Servers, at_end: Callable[..., object]) -> None:
    config = str(servers.folder / "dovecot.conf")
    _run(servers, "dovecot", "-c", config)
    at_end(_run, servers, "doveadm", "-c", config, "stop")


def _start_postfix(servers: Servers, at_end: Callable[..., object]) -> None:
    config = str(servers.folder / "postfix")
    _run(servers, "postfix", "-c", config, "start")
    at_end(_run, servers, "postfix", "-c", config, "stop")


def _run(servers: Servers, *command: str) -> None:
    """Run a server's own command; what it and the logs say is the failure's text."""
    with (servers.folder / "commands.log").open("ab") as said:
        done = subprocess.run(command, stdout=said, stderr=said, env=_environment(), check=False)
    if done.returncode:
        logs = "\n".join(path.read_text(errors="replace") for path in servers.folder.glob("*.log"))
        pytest.fail(f"{' '.join(command)}: exit {done.returncode}\n{logs}")


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
    return done.stdout.strip()


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _PATH, "TZ": "UTC"}
