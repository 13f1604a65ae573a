"""A lab that runs in this process: its folder, its servers, its control port."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from pathlib import Path
from typing import Final
from weakref import WeakSet

from mailsim.errors import LabError
from mailsim.lab.control import serve_control
from mailsim.lab.embedded import Site
from mailsim.lab.heap import map_big_blocks
from mailsim.lab.network import network
from mailsim.lab.rundir import RunDir, home
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.servers.embedded import Embedded
from mailsim.servers.world import World

DEFAULT_STAGE: Final = Stage.SIEVE
DEFAULT_RELEASE: Final = Release.NOBLE

_here: dict[str, Running] = {}
"""The labs of this process, by name."""


class Running:
    """Starts when made, and holds its name until `stop`.

    `seed`: None takes MAILSIM_SEED, else a random one; a given one fixes the clock too.
    `folder`: where queue and mailboxes are kept; None forgets them at the end.
    Raises LabError where a lab of that name runs already.
    """

    def __init__(
        self,
        name: str,
        *,
        stage: Stage = DEFAULT_STAGE,
        release: Release = DEFAULT_RELEASE,
        seed: str | None = None,
        folder: Path | None = None,
    ) -> None:
        map_big_blocks()
        self.ended = threading.Event()
        self.users: WeakSet[object] | None = None
        """The Labs that look at it, where it ends with the last of them; None: it ends when told."""
        self._stopping = threading.Lock()
        self._rundir = RunDir(name)
        if not self._rundir.take():
            raise LabError("lab.runs-already", name=name)
        try:
            self._embedded = _embedded(stage, release, seed, folder)
            self.site = Site(self._embedded, self._rundir)
            self._listen()
        except BaseException:
            self._rundir.give_back()
            raise
        _here[name] = self
        atexit.register(self.stop)

    def _listen(self) -> None:
        self._embedded.start()
        try:
            self._token = secrets.token_urlsafe(32)
            self._embedded.call(self._open)
            self.site.publish()
        except BaseException:
            self._embedded.stop()
            raise

    async def _open(self, _: World) -> None:
        self._control = await serve_control(self.site, self._token, self._asked_to_stop)
        self.site.control = (self._control.port, self._token)

    async def _close(self, _: World) -> None:
        await self._control.close()

    def stop(self) -> None:
        """End it; nothing is left of it.  A second time it does nothing."""
        with self._stopping:
            if self.ended.is_set():
                return
            atexit.unregister(self.stop)
            _here.pop(self._rundir.name, None)
            try:
                self._embedded.call(self._close)
                self._embedded.stop()
            finally:
                self.site.close_files()
                self._rundir.give_back()
                self.ended.set()

    def leave(self, user: object) -> None:
        """A Lab that looked at it was closed."""
        if self.users is not None:
            self.users.discard(user)
            if not self.users:
                self.stop()

    def _asked_to_stop(self) -> None:
        # The loop cannot wait for its own end.
        threading.Thread(target=self.stop, name="mailsim-stop").start()


def _embedded(stage: Stage, release: Release, seed: str | None, folder: Path | None) -> Embedded:
    given = seed if seed is not None else os.environ.get("MAILSIM_SEED") or None
    return Embedded(
        network(),
        stage=stage,
        release=release,
        seed=given or secrets.token_hex(8),
        fixed=given is not None,
        ca=LabCa.load(home() / "ca", network()),
        folder=folder,
    )


def running_here(name: str) -> Running | None:
    """The lab of that name, if it runs in this process."""
    return _here.get(name)
