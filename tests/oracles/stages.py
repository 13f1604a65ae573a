"""A real Postfix with the lab's settings, in a network of its own that has the lab's addresses.

It runs in a private network namespace, where 192.168.10.1 and the workstation's address are on
loopback and nothing leads anywhere else, with a name server that answers from the lab's zones.
Each setting (stage, faults, service) is an smtpd of its own, on a port of its own; its
parameters are those of `mailsim.servers.config`, whose names are Postfix's.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, TypeVar

from mailsim.model.network import Network
from mailsim.model.stage import Release
from mailsim.servers.config import Config, config
from tests.servers.played import DISTRIBUTIONS, Setting

T = TypeVar("T")

_CLONE_NEWNET: Final = 0x40000000
_FIRST_PORT: Final = 2500
_HOLDER: Final = """\
ip link set lo up
for address in {addresses}; do ip address add $address/32 dev lo; done
mount --bind {folder}/resolv.conf /etc/resolv.conf
mount --bind {folder}/hosts /etc/hosts
echo ready
read -r end
"""
_MAIN_CF: Final = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/postfix.log
mydomain = {domain}
myorigin = {domain}
mydestination = {mydestination}
inet_interfaces = 127.0.0.1, {server}
inet_protocols = ipv4
append_dot_mydomain = no
# What is accepted goes no further: the dialogues are over by then.
default_transport = discard
relay_transport = discard
local_transport = discard
alias_maps = texthash:{folder}/aliases
alias_database =
local_recipient_maps = texthash:{folder}/recipients $alias_maps
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_security_options = noanonymous
smtpd_tls_received_header = yes
smtpd_peername_lookup = yes
"""
_SERVICES: Final = """\
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
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_DOVECOT_CONF: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Ln
# The tests' wrong passwords need not wait.
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
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
"""

# Those of Config's fields that smtpd reads as they are.
_OF_SMTPD: Final = frozenset(
    {"myhostname", "mynetworks", "recipient_delimiter", "message_size_limit"}
    | {"strict_rfc821_envelopes", "disable_vrfy_command"}
)
# These mean something else in Config, or are Dovecot's, or would only make the tests wait.
_NOT_OF_SMTPD: Final = frozenset(
    {"smtpd_sasl_mechanisms", "smtpd_sasl_failure_delay", "smtpd_sender_login_maps"}
    | {"smtpd_error_sleep_time", "smtpd_tls_security_level"}
)


def parameters(made: Config, folder: Path) -> dict[str, str]:
    """What smtpd is told of a Config, by the parameters' names."""
    found = {
        one.name: _value(getattr(made, one.name))
        for one in fields(made)
        if one.name in _OF_SMTPD
        or (one.name.startswith("smtpd_") and one.name not in _NOT_OF_SMTPD)
    }
    logins = f"texthash:{folder}/logins" if made.smtpd_sender_login_maps else ""
    pem = f"{folder}/key.pem, {folder}/chain.pem" if made.certificate else ""
    return found | {
        "smtpd_banner": f"$myhostname ESMTP $mail_name ({DISTRIBUTIONS[made.release]})",
        "smtpd_sender_login_maps": logins,
        "smtpd_error_sleep_time": "0",
        "smtpd_tls_security_level": made.smtpd_tls_security_level or "none",
        "smtpd_tls_chain_files": pem,
    }


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{int(value)}s"
    return str(value)


@dataclass
class RealLab:
    """Postfix, Dovecot's authentication and the name server; `start` them, then `connect`."""

    network: Network
    folder: Path
    answer: Callable[[bytes], bytes]
    """What the name server says to a question."""
    passwords: dict[str, str]
    _ports: dict[tuple[Setting, Release], int] = field(default_factory=dict)
    _holder: int = 0

    def start(self, wanted: Iterable[tuple[Setting, Release]], stack: ExitStack) -> None:
        """Start all; `stack` ends it."""
        self._ports = {one: _FIRST_PORT + number for number, one in enumerate(wanted)}
        self._lay_down()
        self._open_namespace(stack)
        self._serve_names(stack)
        self._run("postfix", "-c", str(self.folder / "postfix"), "start")
        stack.callback(self._run, "postfix", "-c", str(self.folder / "postfix"), "stop")
        self._run("dovecot", "-c", str(self.folder / "dovecot.conf"))
        stack.callback(self._run, "doveadm", "-c", str(self.folder / "dovecot.conf"), "stop")

    def connect(self, setting: Setting, release: Release) -> socket.socket:
        """A connection from the workstation's address."""
        target = (self.network.server.address, self._ports[setting, release])
        source = (self.network.client.address, 0)
        return self.inside(lambda: socket.create_connection(target, source_address=source))

    def inside(self, work: Callable[[], T]) -> T:
        """What `work` gives in the private network; a socket that it makes stays of there."""
        results: list[T] = []

        def enter() -> None:
            libc = ctypes.CDLL(None, use_errno=True)
            with Path(f"/proc/{self._holder}/ns/net").open() as namespace:
                if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            results.append(work())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return results[0]

    def parameters(self) -> set[str]:
        """The names of all parameters that this Postfix has."""
        command = ["postconf", "-c", str(self.folder / "postfix"), "-d"]
        said = subprocess.run(
            command, capture_output=True, text=True, env=environment(), check=True
        )
        return {row.partition(" =")[0] for row in said.stdout.splitlines()}

    # --- what they read

    def _lay_down(self) -> None:
        for name in ("postfix", "queue", "data", "run", "state"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        files = {
            "resolv.conf": f"nameserver {self.network.server.address}\n",
            "hosts": "127.0.0.1 localhost\n",
            "users": "".join(f"{u}:{{PLAIN}}{p}\n" for u, p in self.passwords.items()),
            "recipients": "".join(f"{user} -\n" for user in self.network.users()),
            "aliases": "".join(f"{one} {to}\n" for one, to in self.network.aliases.items()),
            "logins": "".join(f"{u}@{self.network.domain} {u}\n" for u in self.network.users()),
            "postfix/main.cf": self._filled(_MAIN_CF),
            "postfix/master.cf": self._master(),
            "dovecot.conf": self._filled(_DOVECOT_CONF),
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def _filled(self, text: str) -> str:
        any_setting, release = next(iter(self._ports))
        made = config(self.network, any_setting.stage, release)
        return text.format(
            folder=self.folder,
            domain=made.mydomain,
            mydestination=_value(made.mydestination),
            server=self.network.server.address,
        )

    def _master(self) -> str:
        rows = []
        for (setting, release), port in self._ports.items():
            rows.append(f"{self.network.server.address}:{port} inet n - n - - smtpd")
            whole = config(self.network, setting.stage, release, setting.faults)
            values = parameters(setting.apply(whole.service(setting.service)), self.folder)
            rows += [f"  -o {{ {name} = {value} }}" for name, value in values.items()]
        return "\n".join([*rows, _SERVICES])

    # --- where they live

    def _open_namespace(self, stack: ExitStack) -> None:
        addresses = " ".join(host.address for host in self.network.hosts)
        script = _HOLDER.format(addresses=addresses, folder=self.folder)
        holder = stack.enter_context(
            subprocess.Popen(
                ["unshare", "--net", "--mount", "sh", "-ec", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        self._holder = holder.pid

    def _serve_names(self, stack: ExitStack) -> None:
        def bound() -> socket.socket:
            found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            found.bind((self.network.server.address, 53))
            return found

        names = stack.enter_context(self.inside(bound))

        def serve() -> None:
            while True:
                question, sender = names.recvfrom(4096)
                if sender == names.getsockname() and question == b"end":
                    return
                names.sendto(self.answer(question), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        stack.callback(thread.join)
        stack.callback(names.sendto, b"end", names.getsockname())

    def _run(self, *command: str) -> None:
        inside = ("nsenter", f"--target={self._holder}", "--net", "--mount")
        with (self.folder / "commands.log").open("ab") as said:
            done = subprocess.run(
                [*inside, *command], stdout=said, stderr=said, env=environment(), check=False
            )
        if done.returncode:
            logs = [path.read_text(errors="replace") for path in self.folder.glob("*.log")]
            raise RuntimeError("\n".join([f"{command}: exit {done.returncode}", *logs]))


def environment() -> dict[str, str]:
    """The environment with the folders of daemons in its path."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    return {**os.environ, "PATH": path, "TZ": "UTC"}
