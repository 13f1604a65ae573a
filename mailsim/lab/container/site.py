"""A container lab as its operations see it: image, container, network, ports, what was seen."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Coroutine, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailsim.errors import LabError
from mailsim.lab.container import ready
from mailsim.lab.container.buildlog import BuildLog, Report
from mailsim.lab.container.engine import PATIENCE, Engine
from mailsim.lab.container.images import image, play, play_variables
from mailsim.lab.container.lan import Lan
from mailsim.lab.container.log import MailLog
from mailsim.lab.container.operations import perform
from mailsim.lab.container.provision import authority
from mailsim.lab.container.server import Server
from mailsim.lab.container.state import State
from mailsim.lab.evidence import EvidenceFile
from mailsim.lab.faults import by_number
from mailsim.lab.network import network
from mailsim.language import word
from mailsim.model.endpoint import PortState
from mailsim.model.service import SERVICES
from mailsim.net.forwarding import LOOPBACK, Forward, Namespace
from mailsim.servers.accounts import LabAccounts

if TYPE_CHECKING:
    from pathlib import Path

    from mailsim.lab.backend import Document
    from mailsim.lab.rundir import RunDir
    from mailsim.model.stage import Release, Stage

T = TypeVar("T")
_PLAY: Final = 600.0  # seconds that the roles may take
_PASSWORDS: Final = 'while IFS=" " read -r user salt password; do usermod -p "$(printf %s "$password" | openssl passwd -6 -salt "$salt" -stdin)" "$user"; done'


class Site:
    """One lab.  `begin` and what asks it run on worker threads, connections on `loop`."""

    def __init__(
        self,
        engine: Engine,
        rundir: RunDir,
        loop: asyncio.AbstractEventLoop,
        *,
        name: str,
        release: Release,
        stage: Stage,
        seed: str,
    ) -> None:
        self.rundir = rundir
        self.release = release
        self.stage = stage
        self.seed = seed
        self.generation = 0
        self.control: tuple[int, str] = (0, "")
        """Port and token."""
        self.states: dict[str, PortState] = {}
        self.server = Server(engine, name)
        self.log = MailLog(self.server, rundir.log)
        self.state = State(self.server)
        self.evidence = EvidenceFile(rundir.evidence)
        self.accounts = LabAccounts(network(), seed)
        self._faults: frozenset[str] = frozenset()
        self._loop = loop
        self._lan = Lan(name)
        self._outside: Namespace | None = None
        self._forwards: dict[str, Forward] = {}
        self._script = files("mailsim").joinpath("lab", "container", "inside.py").read_bytes()

    # --- its life

    def begin(self, report: Report) -> None:
        """Build what is missing, start, and wait until all answers.  Raises LabError."""
        self._lan.end()  # what a lab that was killed has left
        built = self._built(self.stage, report)
        self._lan.begin()
        self._outside = Namespace(self._lan.path)
        self._start(built, report)

    def end(self) -> None:
        """Nothing is left of it."""
        self.log.end()
        self.evidence.close()
        for one in self._forwards.values():
            self.on_loop(one.close())
        self.server.end()
        if self._outside is not None:
            self._outside.close()
        self._lan.end()

    def reset(self, stage: Stage | None) -> None:
        """Pristine again, at that stage; connections are cut.

        The data alone is put back where all else is as it was; else the stage's image is started
        anew.
        """
        wanted = stage or self.stage
        built = self._built(wanted, _silent)
        for one in self._forwards.values():
            self._loop.call_soon_threadsafe(one.drop)
        self.log.end()
        self.evidence.clear()
        self.generation += 1
        self.stage = wanted
        if not self._faults and self.state.restore(built):
            self.log.begin()
            return
        self._faults = frozenset()
        self.accounts.weak = False
        self._start(built, _silent)

    def fault(self, name: str, *, on: bool) -> None:
        """Run the roles inside with the fault, or without it.  Raises LabError: role and task."""
        now = self._faults | {name} if on else self._faults - {name}
        if now == self._faults:
            return
        told = play_variables(self.release, self.stage)
        variables = json.dumps(
            {**told, "mailsim_faults": by_number(now), "mailsim_seed": self.seed}
        )
        log = BuildLog(self.build_log, _silent)
        try:
            log.step("container.step-fault", fault=name)
            words = self.server.command(*play(variables))
            if self.server.engine.stream(words, log.line):
                raise log.failure(
                    "container.build-failed",
                    image=self.server.name,
                    reason=log.said,
                    log=log.path,
                )
        finally:
            log.close()
        self._faults = now
        self.accounts.weak = "F22" in now
        self.look()

    def _built(self, stage: Stage, report: Report) -> str:
        log = BuildLog(self.build_log, report)
        try:
            return image(self.server.engine, self.release, stage, log, self.server.image)
        finally:
            log.close()

    def _start(self, built: str, report: Report) -> None:
        report(word("container.step-start"))
        self.server.begin(built)
        self._lan.plug(self.server.pid)
        self._wait(report)
        self._set_passwords()
        self.look()
        self.state.keep(built)
        # What was tried until here is no news.
        self.log.begin()

    def _wait(self, report: Report) -> None:
        inside = Namespace(_network_of(self.server.pid))
        wanted = ready.wanted(self.stage, self.release)
        try:
            left = self.on_loop(ready.wait(self.server, self.outside, inside, wanted, report))
        finally:
            inside.close()
        if left is not None:
            raise ready.silent(self.server, left, self.stage, self.build_log)

    def _set_passwords(self) -> None:
        """The seed's: images are of no seed.  Salted as the roles do, so that a reset repeats it."""
        rows = []
        for one in self.accounts.listed():
            if one.domain == network().domain:
                salt = hashlib.sha256(f"{self.seed}/salt/{one.user}".encode()).hexdigest()[:16]
                rows.append(f"{one.user} {salt} {one.password}\n")
        self.server.run("sh", "-c", _PASSWORDS, given="".join(rows).encode())

    # --- what is asked

    async def perform(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """For the control port: on a thread of its own, for all of it waits for programs."""
        return await asyncio.to_thread(perform, self, name, parameters)

    def ask(self, operation: str, /, **parameters: Any) -> Any:
        """Backend's."""
        return perform(self, operation, parameters)

    def inside(self, what: str) -> Any:
        """What the script in the container finds."""
        done = self.server.run("python3", "-", what, given=self._script, timeout=PATIENCE)
        return json.loads(done.stdout)

    def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop; its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def outside(self) -> Namespace:
        """The student's workstation."""
        if self._outside is None:
            raise LabError("lab.stopped")
        return self._outside

    @property
    def build_log(self) -> Path:
        """The last build's whole output."""
        return self.rundir.build_log

    def faults(self) -> list[str]:
        """The faults that are on."""
        return by_number(self._faults)

    def look(self) -> None:
        """Try each service's port, and open a way to those that answer."""
        ports = {name: one.port for name, one in SERVICES.items()}
        self.states = self.on_loop(ready.states(self.outside, ports))
        for name, met in self.states.items():
            if met is PortState.OPEN and name not in self._forwards:
                made = Forward(self.outside, (network().server.address, SERVICES[name].port))
                self.on_loop(made.open(datagrams=name == "dns"))
                self._forwards[name] = made

    def publish(self) -> None:
        """Write lab.json."""
        port, token = self.control
        who = {"name": self.rundir.name, "backend": "container", "pid": os.getpid()}
        self.rundir.write({**who, "control": port, "token": token, "patience": _PLAY})

    def describe(self) -> Document:
        """What the lab is."""
        return {
            "name": self.rundir.name,
            "backend": "container",
            "pid": os.getpid(),
            "release": self.release.value,
            "stage": self.stage.value,
            "seed": self.seed,
            "fixed": False,
            "clock": time.time(),
            "folder": "",
            "faults": self.faults(),
            "ca": str(authority().certificate),
            "endpoints": self._endpoints(),
            "accounts": [
                {"user": one.user, "domain": one.domain, "password": one.password}
                for one in self.accounts.listed()
            ],
            "container": self.server.name,
            "shell": [self.server.engine.name, *self.server.command("bash", terminal=True)],
        }

    def _endpoints(self) -> Document:
        found: Document = {}
        for name in SERVICES:
            met = self.states.get(name, PortState.CLOSED)
            is_open = met is PortState.OPEN
            host, port = (LOOPBACK, self._forwards[name].port) if is_open else ("", 0)
            found[name] = {"host": host, "port": port, "state": met.value}
        return found


def _network_of(pid: int) -> Path:
    from pathlib import Path  # noqa: PLC0415 - here alone

    return Path(f"/proc/{pid}/ns/net")


def _silent(_: str) -> None:
    """Nobody waits for the steps."""
