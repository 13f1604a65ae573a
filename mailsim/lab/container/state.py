"""What state the server is in, and the quick way back: the data alone, where the rest is pristine."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from mailsim.errors import LabError
from mailsim.lab.container.engine import PATIENCE

if TYPE_CHECKING:
    from mailsim.lab.backend import Document
    from mailsim.lab.container.server import Server

_SCRIPT: Final = "pristine.py"


class State:
    """The container's state, read and put back by a program that runs in it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._script = files("mailsim").joinpath("lab", "container", _SCRIPT).read_bytes()
        self._pristine: dict[str, Document] = {}
        self._image = ""
        self.reason = ""
        """Why the last `restore` could not do."""

    def fingerprint(self) -> Document:
        """A hash for each part, and `total` for them all."""
        return _with_total(self._asked("fingerprint"))

    def reached(self) -> Document:
        """The fingerprint that the last `keep` or `restore` has found."""
        return _with_total(self._pristine[self._image])

    def keep(self, image: str) -> None:
        """Of a container that has just come up.  Raises LabError where it is not as the first was.

        The first of an image says what pristine is; each later one must be the same.
        """
        self._image = ""
        parts = self._asked("keep")
        pristine = self._pristine.setdefault(image, parts)
        if parts != pristine:
            raise _not_pristine(parts, pristine)
        self._image = image

    def restore(self, image: str) -> bool:
        """Put mail, queues and databases back.  False where that is not enough: nothing was done
        then, or not all."""
        if image != self._image:
            self.reason = f"another image: {image}"
            return False
        pristine = self._pristine[image]
        try:
            answer = self._asked("restore", json.dumps(pristine))
        except LabError as error:  # a program fails or hangs in there: a new container has none
            self.reason = str(error)
            return False
        self.reason = " ".join(answer["changed"] or _others(answer["parts"], pristine))
        return not self.reason

    def _asked(self, *words: str) -> Document:
        done = self._server.run("python3", "-", *words, given=self._script, timeout=PATIENCE)
        found: Document = json.loads(done.stdout)
        return found


def _with_total(parts: Document) -> Document:
    text = json.dumps(parts, sort_keys=True)
    return {**parts, "total": hashlib.sha256(text.encode()).hexdigest()[:16]}


def _not_pristine(parts: dict[str, Any], pristine: dict[str, Any]) -> LabError:
    return LabError("container.not-pristine", parts=", ".join(_others(parts, pristine)))


def _others(parts: dict[str, Any], pristine: dict[str, Any]) -> list[str]:
    return sorted(name for name in pristine if parts.get(name) != pristine[name])
