"""The container that is mail.minfo.sn: started, asked, ended."""

from __future__ import annotations

import subprocess
from typing import Final

from mailsim.errors import LabError
from mailsim.lab.container.engine import PATIENCE, Engine, run
from mailsim.lab.container.images import limits
from mailsim.lab.network import network

# systemd needs none of them; the firewall does, and who looks at traffic.
_CAPABILITIES: Final = ("NET_ADMIN", "NET_RAW", "SYS_PTRACE")
# podman prepares for systemd itself; docker is told what it needs.
_SYSTEMD: Final = {
    "podman": ("--systemd=always",),
    "docker": (
        "--tmpfs=/run",
        "--tmpfs=/run/lock",
        "--cgroupns=host",
        "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    ),
}
# Nothing of this machine's environment is the server's.
_CLEAN: Final = (
    "env",
    "-i",
    "HOME=/root",
    "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)
_LAST: Final = 5  # lines of a log that are shown
_WIDTH: Final = 160


class Server:
    """The container of that name; nothing runs until `begin`."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.pid = 0
        """Its first process, as this machine counts; 0 while it does not run."""
        self.image = ""
        """What it was started from."""

    def begin(self, image: str) -> None:
        """Start it anew from the image, without a network.  Raises LabError."""
        self.end()
        short = network().server.name.split(".")[0]
        words = ["run", "--detach", "--name", self.name, "--hostname", short, "--network", "none"]
        for one in _CAPABILITIES:
            words += ["--cap-add", one]
        self.engine.run(*words, *_SYSTEMD[self.engine.name], *limits(), image)
        self.pid = self._pid()
        if not self.pid:
            raise self.died()
        self.image = image

    def _pid(self) -> int:
        found = self.engine.run("inspect", "--format", "{{.State.Pid}}", self.name, check=False)
        return int(found.stdout.strip() or 0) if found.returncode == 0 else 0

    def died(self) -> LabError:
        """What to say of a container that ended as it started."""
        said = self.engine.run("logs", "--tail", str(_LAST), self.name, check=False)
        lines = shortened((said.stdout + said.stderr).decode("utf-8", "replace"))
        return LabError("container.died", lines=lines, engine=self.engine.name)

    def run(
        self, *command: str, given: bytes = b"", timeout: float = PATIENCE, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program in it.  Raises LabError where that fails, or the container has ended."""
        done = run(self.entered(*command), given=given, timeout=timeout, check=False)
        if check and done.returncode:
            if not self._pid():
                raise LabError("container.gone")
            reason = shortened((done.stderr or done.stdout).decode("utf-8", "replace"), 1)
            raise LabError("container.failed", command=" ".join(command[:2]), reason=reason)
        return done

    def entered(self, *command: str) -> list[str]:
        """The words that run a program in it.  Raises LabError where it does not run."""
        if not self.pid:
            raise LabError("container.gone")
        # Its namespaces are entered from here: the engine's own way takes ten times as long.
        enter = ["nsenter", "--target", str(self.pid), "--all", "--wdns=/", "--"]
        return [*enter, *_CLEAN, *command]

    def command(self, *command: str, terminal: bool = False) -> list[str]:
        """The engine's words that run a program in it."""
        flags = ["--interactive", *(["--tty"] if terminal else [])]
        return ["exec", *flags, self.name, *command]

    def end(self) -> None:
        """Take it away with all that is in it; nothing happens where it is not there."""
        self.pid, self.image = 0, ""
        # Its own way of ending would take longer, and nothing in it is kept.
        at_once = ["--time", "0"] if self.engine.name == "podman" else []
        self.engine.run("rm", "--force", "--volumes", *at_once, self.name, check=False)


def shortened(text: str, most: int = _LAST) -> str:
    """The last lines that say something, in one."""
    lines = [one.strip()[:_WIDTH] for one in text.splitlines() if one.strip()]
    return " | ".join(lines[-most:]) or "-"
