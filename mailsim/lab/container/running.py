"""A container lab that this process holds: its folder, its loop, its control port."""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import os
import secrets
import threading
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from mailsim.errors import LabError, UsageError
from mailsim.lab.container.engine import Engine, engine_there, is_root, lab_engine
from mailsim.lab.container.lan import Lan
from mailsim.lab.container.rootfs import IMAGES
from mailsim.lab.container.server import Server
from mailsim.lab.container.site import Site
from mailsim.lab.control import serve_control
from mailsim.lab.rundir import RunDir, run_home
from mailsim.model.stage import Release, Stage

if TYPE_CHECKING:
    from mailsim.lab.container.buildlog import Report
    from mailsim.net.serving import Listener

DEFAULT_STAGE: Final = Stage.SIEVE
DEFAULT_RELEASE: Final = Release.NOBLE

_here: dict[str, Running] = {}
"""The container labs of this process, by name."""


class Running:
    """Starts when made, which may take minutes, and holds its name until `stop`.

    `report` hears what is done now.  Raises LabError: what failed, and where the log is.
    """

    def __init__(
        self,
        name: str,
        *,
        stage: Stage = DEFAULT_STAGE,
        release: Release = DEFAULT_RELEASE,
        seed: str | None = None,
        report: Report = lambda _: None,
    ) -> None:
        self.ended = threading.Event()
        self.users: WeakSet[object] | None = None
        """The Labs that look at it, where it ends with the last of them; None: it ends when told."""
        self._stopping = threading.Lock()
        engine = _checked(release)
        self._rundir = RunDir(name)
        if not self._rundir.take():
            raise LabError("lab.runs-already", name=name)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailsim-container")
        self._thread.start()
        self._control: Listener | None = None
        given = seed if seed is not None else os.environ.get("MAILSIM_SEED") or None
        self.site = Site(
            engine,
            self._rundir,
            self._loop,
            name=own_name(name),
            release=release,
            stage=stage,
            seed=given or secrets.token_hex(8),
        )
        try:
            self._begin(report)
        except BaseException:
            self._end()
            raise
        _here[name] = self
        atexit.register(self.stop)

    def _begin(self, report: Report) -> None:
        self.site.begin(report)
        token = secrets.token_urlsafe(32)
        self._control = self.site.on_loop(serve_control(self.site, token, self._asked_to_stop))
        self.site.control = (self._control.port, token)
        self.site.publish()

    def stop(self) -> None:
        """End it; nothing is left of it.  A second time it does nothing."""
        with self._stopping:
            if self.ended.is_set():
                return
            atexit.unregister(self.stop)
            _here.pop(self._rundir.name, None)
            self._rundir.build_log.unlink(missing_ok=True)
            self._end()
            self.ended.set()

    def _end(self) -> None:
        try:
            if self._control is not None:
                self.site.on_loop(self._control.close())
            self.site.end()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._rundir.give_back()

    def leave(self, user: object) -> None:
        """A Lab that looked at it was closed."""
        if self.users is not None:
            self.users.discard(user)
            if not self.users:
                self.stop()

    def _asked_to_stop(self) -> None:
        # The loop cannot wait for its own end.
        threading.Thread(target=self.stop, name="mailsim-stop").start()


def _checked(release: Release) -> Engine:
    """The engine, once all that the lab needs is there.  Raises LabError, UsageError."""
    if release not in IMAGES:
        known = ", ".join(one.value for one in IMAGES)
        raise UsageError("container.full", known=known)
    return lab_engine()


def own_name(name: str) -> str:
    """What the lab's container and namespace are called: of this user's labs and no other's."""
    where = hashlib.sha256(str(run_home().absolute()).encode()).hexdigest()[:6]
    return f"mailsim-{name}-{where}"


def remove_leftovers(name: str) -> bool:
    """Take away what a killed lab of that name has left; whether there was anything."""
    lan = Lan(own_name(name))
    if not is_root() or not lan.path.exists():
        return False
    if (engine := engine_there()) is not None:
        Server(engine, own_name(name)).end()
    lan.end()
    return True


def running_here(name: str) -> Running | None:
    """The lab of that name, if it runs in this process."""
    return _here.get(name)
