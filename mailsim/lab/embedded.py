"""The embedded backend: the simulator in this process, and what the lab keeps about it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from mailsim.lab.evidence import EvidenceFile
from mailsim.lab.faults import by_number
from mailsim.lab.operations import perform
from mailsim.lab.rundir import RunDir
from mailsim.model.service import SERVICES
from mailsim.servers.embedded import SERVED, Embedded
from mailsim.servers.firewall import state

if TYPE_CHECKING:
    from mailsim.lab.backend import Document
    from mailsim.model.stage import Stage
    from mailsim.servers.log import Log
    from mailsim.servers.world import World


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


_LATEST = 0.05  # seconds until a line is in the log's file


class Site:
    """An embedded lab as its operations see it; a Backend for this process.

    `generation` counts the resets: each begins another world and another log.
    """

    def __init__(self, embedded: Embedded, rundir: RunDir) -> None:
        self.embedded = embedded
        self.rundir = rundir
        self.generation = 0
        self._noted: set[str] = set()
        self.evidence = EvidenceFile(rundir.evidence, partial(self._lost, "evidence.jsonl"))
        self.control: tuple[int, str] = (0, "")
        """Port and token."""
        self._log = open(  # noqa: SIM115 - until the lab ends
            rundir.log, "w", encoding="utf-8", newline="\n", opener=_private
        )
        self._unwritten = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._heard: Log | None = None
        self._attach()

    @property
    def world(self) -> World:
        """The world as it is now; a reset makes another."""
        return self.embedded.world

    # from any thread but the loop's

    def ask(self, operation: str, /, **parameters: Any) -> Any:
        """Backend's: run the operation on the loop."""
        return self.embedded.call(lambda _: perform(self, operation, parameters))

    async def perform(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """For the control port, on the loop."""
        return await perform(self, name, parameters)

    def close_files(self) -> None:
        """Nothing more is kept."""
        self.evidence.close()
        with suppress(OSError):  # what is still to be written, on a full disk
            self._log.close()

    def publish(self) -> None:
        """Write lab.json: who the lab is, and how it is asked for all that may change."""
        port, token = self.control
        who = {"name": self.rundir.name, "backend": "embedded", "pid": os.getpid()}
        self.rundir.write({**who, "control": port, "token": token})

    # on the loop

    def describe(self) -> Document:
        """What the lab is."""
        embedded, config = self.embedded, self.world.config
        return {
            "name": self.rundir.name,
            "backend": "embedded",
            "pid": os.getpid(),
            "release": config.release.value,
            "stage": config.stage.value,
            "seed": embedded.seed,
            "fixed": embedded.fixed,
            "clock": self.world.clock.now(),
            "folder": str(embedded.folder or ""),
            "faults": self.faults(),
            "ca": str(embedded.ca.certificate),
            "endpoints": self._endpoints(),
            "accounts": [
                {"user": one.user, "domain": one.domain, "password": one.password}
                for one in self.world.accounts.listed()
            ],
        }

    def _endpoints(self) -> Document:
        """Every service that there is a server for; address and port "" and 0 where it is closed."""
        config, reached = self.world.config, self.embedded.endpoints
        found: Document = {}
        for name in SERVED:
            host, number = reached.get(name, ("", 0))
            met = state(config, SERVICES[name].port)
            found[name] = {"host": host, "port": number, "state": met.value}
        return found

    def faults(self) -> list[str]:
        """The faults that are on."""
        return by_number(self.world.config.faults)

    async def reset(self, stage: Stage | None) -> None:
        """Another world, and nothing kept of the last one.  Raises LabError: all is as before."""
        await self.embedded.reset(stage)
        # Nothing is awaited from here on: nobody sees the new world with the old one's files.
        self.generation += 1
        self._noted.clear()
        self._begin_files()
        self._attach()
        self._wake()

    # the log

    def _begin_files(self) -> None:
        for name, emptied in (("evidence.jsonl", self.evidence.clear), ("mail.log", self._empty)):
            try:
                emptied()
            except OSError as error:
                self._lost(name, error)

    def _empty(self) -> None:
        self._log.seek(0)
        self._log.truncate()

    def _attach(self) -> None:
        """Keep what this world's log says, and no longer what the last one's does."""
        if self._heard:
            self._heard.on_line = None
        self._heard = self.world.log
        for line in self._heard.lines():
            self._keep(line)
        self.write_log()
        self._heard.on_line = self._line

    def _keep(self, line: str) -> None:
        """Into the file, if it can be: what a server does never depends on it."""
        try:
            self._log.write(line + "\n")
        except OSError as error:
            self._lost("mail.log", error)

    def _lost(self, file: str, error: OSError) -> None:
        """Say once in the log, which memory keeps, that the file lacks something."""
        if file not in self._noted:
            self._noted.add(file)
            reason = error.strerror or str(error)
            self.world.log.write("mailsim", 0, f"{file} lacks lines: {reason}")

    def _line(self, line: str) -> None:
        self._keep(line)
        if self._waiting:
            self._wake()
        # Lines are written many at a time: a call of the system for each costs more than the line.
        if not self._unwritten:
            self._unwritten = True
            asyncio.get_running_loop().call_later(_LATEST, self.write_log)

    def write_log(self) -> None:
        """All lines that there are, into the file."""
        self._unwritten = False
        if self._log.closed:
            return
        try:
            self._log.flush()
        except OSError as error:
            self._lost("mail.log", error)

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def news(self, seconds: float) -> None:
        """Until the log has another line, or `seconds` have passed."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            return
        finally:
            self._waiting.discard(waiting)

    async def named_in_log(self, text: str) -> None:
        """Until the log has a line, yet to come, that holds `text`."""
        seen, generation = self.world.log.written, self.generation
        while generation == self.generation:
            lines = self.world.log.lines(seen)
            if any(text in line for line in lines):
                return
            seen += len(lines)
            await self.news(3600)
