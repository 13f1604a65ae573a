"""Real Dovecots with the lab's settings: one for each way in which the dialogues set it."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mailsim.model.network import Network
from mailsim.model.stage import Release
from mailsim.servers.config import Config, config
from tests.oracles.conftest import _PATH
from tests.servers.played import Played
from tests.servers.played_dovecot import MAIL, settings, user

_SERVICES: Final = ("pop3", "pop3s", "managesieve")
_PATIENCE: Final = 10.0
_CLIENT: Final = "127.0.0.2"
"""Another address than the server's: who comes from the same is taken for secured."""
_CONF: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = pop3 sieve
listen = {address}
ssl = {ssl}
ssl_cert = <{certificates}/chain.pem
ssl_key = <{certificates}/key.pem
disable_plaintext_auth = {disable_plaintext_auth}
auth_mechanisms = {mechanisms}
auth_username_format = %Ln
# The tests' wrong passwords need not wait.
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_uid = nobody
mail_gid = nogroup
first_valid_gid = 1
mail_max_userip_connections = {mail_max_userip_connections}
mailbox_list_index = no
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
}}
protocol pop3 {{
  pop3_lock_session = {pop3_lock_session}
}}
service anvil {{
  # No penalty for an address from which wrong passwords come.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {managesieve}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_extensions = {sieve_extensions}
  sieve_max_script_size = {sieve_max_script_size}
  sieve_quota_max_scripts = {sieve_quota_max_scripts}
  sieve_quota_max_storage = {sieve_quota_max_storage}
}}
"""


def made(network: Network, played: Played) -> Config:
    """The settings that a dialogue asks for."""
    found = config(network, played.setting.stage, Release.BOOKWORM, played.setting.faults)
    return replace(found, **settings(played))


class LogPipe:
    """Dovecot's log, read as it is written; it must be read, or Dovecot would wait."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        posix: Any = os  # Windows has neither
        posix.mkfifo(path)
        # For writing too: a pipe without a writer is at its end.
        self._pipe = os.open(path, os.O_RDWR | posix.O_NONBLOCK)
        stack.callback(os.close, self._pipe)
        self._held = b""

    def lines(self, count: int) -> list[str]:
        """What was written since the last time, `count` lines at least; without stamp and level."""
        while True:
            whole, last = self._held[: self._held.rfind(b"\n") + 1], self._held
            found = [
                line.partition(" Info: ")[0][16:] + " " + line.partition(" Info: ")[2]
                for line in whole.decode().splitlines()
                if " Info: " in line and " starting up for " not in line
            ]
            ready = select.select([self._pipe], [], [], 0 if len(found) >= count else _PATIENCE)[0]
            if not ready:
                self._held = last[len(whole) :]
                return found
            self._held += os.read(self._pipe, 65_536)


@dataclass
class RealDovecot:
    """Dovecots of one address, started when they are first asked for; `stack` ends them."""

    network: Network
    folder: Path
    """Where the certificate is, and where each gets a folder of its own."""
    address: str
    passwords: dict[str, str]
    stack: ExitStack
    log: LogPipe = field(init=False)
    """What the one writes that was connected to last."""
    _started: dict[str, dict[str, int]] = field(default_factory=dict)
    _port: int = 0
    _logs: dict[str, LogPipe] = field(default_factory=dict)

    def connect(self, played: Played) -> socket.socket:
        """A connection for this dialogue: mailbox and scripts are as it wants them."""
        values = self._values(made(self.network, played))
        key = "".join(sorted(f"{name}={value};" for name, value in values.items()))
        if key not in self._started:
            folder = self.folder / str(len(self._started))
            folder.mkdir()
            self._logs[key] = LogPipe(folder / "dovecot.log", self.stack)
            self._started[key] = self._start(values, folder)
        folder = self.folder / str(list(self._started).index(key))
        self._furnish(folder / "homes" / user(played), played)
        self.log = self._logs[key]
        self.log.lines(0)
        self._port = self._started[key][played.setting.service]
        return self.again()

    def again(self) -> socket.socket:
        """Another connection to the one that was connected to last; mailbox and scripts are as
        they are."""
        return socket.create_connection((self.address, self._port), source_address=(_CLIENT, 0))

    @staticmethod
    def _values(config: Config) -> dict[str, object]:
        return {
            "ssl": config.ssl,
            "disable_plaintext_auth": _yes(config.disable_plaintext_auth),
            "mechanisms": " ".join(config.auth_mechanisms).lower(),
            "mail_max_userip_connections": config.mail_max_userip_connections,
            "pop3_lock_session": _yes(config.pop3_lock_session),
            "sieve_extensions": " ".join(f"+{name}" for name in config.sieve_extensions),
            "sieve_max_script_size": config.sieve_max_script_size,
            "sieve_quota_max_scripts": config.sieve_quota_max_scripts,
            "sieve_quota_max_storage": config.sieve_quota_max_storage,
        }

    def _start(self, values: dict[str, object], folder: Path) -> dict[str, int]:
        for name in ("run", "state", "homes"):
            (folder / name).mkdir()
        users = (f"{name}:{{PLAIN}}{one}\n" for name, one in self.passwords.items())
        (folder / "users").write_text("".join(users))
        with ExitStack() as held:
            sockets = [
                held.enter_context(socket.create_server((self.address, 0))) for _ in _SERVICES
            ]
            ports = {
                name: one.getsockname()[1] for name, one in zip(_SERVICES, sockets, strict=True)
            }
        whole = {**values, **ports, "folder": folder, "address": self.address}
        conf = folder / "dovecot.conf"
        conf.write_text(_CONF.format(certificates=self.folder, **whole))
        _run("dovecot", "-c", str(conf))
        self.stack.callback(_run, "doveadm", "-c", str(conf), "stop")
        return ports

    @staticmethod
    def _furnish(home: Path, played: Played) -> None:
        shutil.rmtree(home, ignore_errors=True)
        for name in ("Maildir/new", "Maildir/cur", "Maildir/tmp", "sieve"):
            (home / name).mkdir(parents=True)
        for number, name in enumerate(played.all("mail"), 1):
            (home / "Maildir" / "new" / f"{number}.{number}.tests").write_bytes(MAIL[name])
        for one in played.all("script"):
            name, _, text = one.partition(" ")
            (home / "sieve" / f"{name}.sieve").write_text(text)
        for path in (home, *home.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")


def _yes(value: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return "yes" if value else "no"


def _run(*command: str) -> None:
    """Run a command; not by pipes, which the server that it starts would keep open."""
    environment = {**os.environ, "PATH": _PATH, "TZ": "UTC"}
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(command, env=environment, stdout=said, stderr=said, check=False)
        said.seek(0)
        assert done.returncode == 0, (command, said.read())
