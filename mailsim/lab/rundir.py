"""Where running labs are found: a folder for each, which its process holds while it lives.

HOME/ca/                 the labs' certification authority, made once, kept
RUN/NAME/lock            held by the process whose lab it is, until it ends in whatever way
RUN/NAME/lab.json        pid, control port and its token (0600)
RUN/NAME/evidence.jsonl  what the tracers saw, secrets masked
RUN/NAME/mail.log        the servers' log
RUN/NAME/build.log       the last build of a container's image; that of one that failed stays
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from mailsim.errors import LabError, UsageError

DEFAULT: Final = "default"
VERSION: Final = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Windows takes these for devices, whatever follows their first dot.
_DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")


def home() -> Path:
    """The folder for what is kept from lab to lab: MAILSIM_HOME, else the system's own place."""
    if chosen := os.environ.get("MAILSIM_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        place = Path.home() / "Library" / "Application Support"
    else:
        place = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return place / "mailsim"


def run_home() -> Path:
    """The folder for what ends with its lab: XDG_RUNTIME_DIR where there is one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and not os.environ.get("MAILSIM_HOME") and Path(runtime).is_dir():
        return Path(runtime) / "mailsim"
    return home() / "run"


class RunDir:
    """One lab's folder.  `name` is letters, digits and . _ - ; raises UsageError for others."""

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name) or _DEVICE.fullmatch(name):
            raise UsageError("lab.bad-name", name=name)
        self.name = name
        self.folder = run_home() / name
        self._file = self.folder / "lab.json"
        self._lock: IO[bytes] | None = None

    @property
    def evidence(self) -> Path:
        """The file of dialogues."""
        return self.folder / "evidence.jsonl"

    @property
    def log(self) -> Path:
        """The servers' log."""
        return self.folder / "mail.log"

    @property
    def build_log(self) -> Path:
        """What the building of a container's image said."""
        return self.folder / "build.log"

    def read(self) -> dict[str, Any] | None:
        """What lab.json says, None where none is whole.  Raises LabError for another version's."""
        self._check()
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(found, dict):
            return None
        if found.get("mailsim-lab") != VERSION:
            raise LabError("lab.other-version", name=self.name)
        return found

    def take(self) -> bool:
        """Make the lab's folder ours and empty it of what a dead lab left; False if a lab lives.

        Raises LabError where the folder cannot be written.
        """
        while True:
            held = self._opened()
            if not _try_lock(held):
                held.close()
                return False
            if _is_there(held):
                break
            held.close()  # its last holder has removed it meanwhile
        self._lock = held
        try:
            self._empty()
            self.build_log.unlink(missing_ok=True)
        except OSError as error:
            self.give_back()
            raise self._unwritable(error) from None
        return True

    def _opened(self) -> IO[bytes]:
        self._check()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check()
            self.folder.chmod(0o700)
            return open(self.folder / "lock", "ab", opener=_no_link)
        except OSError as error:
            raise self._unwritable(error) from None

    def _check(self) -> None:
        """Raises LabError for what is there and is no folder of ours: we touch nothing of it."""
        try:
            found = self.folder.lstat()
        except OSError:
            return
        if stat.S_ISLNK(found.st_mode):  # what it leads to is somebody's, not a lab's
            raise LabError("lab.not-a-folder", folder=self.folder)
        if sys.platform != "win32" and found.st_uid != os.getuid():
            raise LabError("lab.not-ours", folder=self.folder)

    def write(self, document: dict[str, Any]) -> None:
        """Put lab.json there as a whole, for the owner alone."""
        new = self._file.with_suffix(".new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump({"mailsim-lab": VERSION, **document}, file)
            new.replace(self._file)
        except OSError as error:
            raise self._unwritable(error) from None

    def give_back(self) -> None:
        """Nothing is left of it."""
        if self._lock is None:
            return
        held, self._lock = self._lock, None
        with suppress(OSError):
            self._empty()
        if sys.platform == "win32":  # an open file cannot be removed there
            held.close()
            self._remove()
        else:
            # Removed while it is held: whoever waits for it finds another file, or none.
            self._remove()
            held.close()

    def _remove(self) -> None:
        """The lock and the folder; a file that is none of a lab's keeps the folder there."""
        with suppress(OSError):
            (self.folder / "lock").unlink(missing_ok=True)
            self.folder.rmdir()

    def clean(self) -> bool:
        """Remove what a dead lab left; nothing, and False, while a lab lives."""
        if not self.folder.is_dir() or self.folder.is_symlink():
            return True
        taken = self.take()
        self.give_back()
        return taken

    @property
    def written(self) -> bool:
        """Whether there is a lab.json, whole or not."""
        return self._file.exists()

    def _empty(self) -> None:
        new = self._file.with_suffix(".new")
        for path in (self._file, new, self.evidence, self.log):
            path.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> LabError:
        reason = error.strerror or str(error)
        return LabError("lab.not-written", folder=self.folder, reason=reason)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        """Hold the file until it is closed, by its process's end at the latest; False if another does."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _is_there(file: IO[bytes]) -> bool:
    """Whether it still is the file of its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), Path(file.name).stat())
    except OSError:
        return False
