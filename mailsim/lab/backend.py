"""What stands between a Lab and where it runs: one question, one JSON value for an answer."""

from __future__ import annotations

import threading
from typing import Any, Protocol
from weakref import WeakSet

Document = dict[str, Any]


class Backend(Protocol):
    """Where a lab runs: in this process, or behind a control port.

    `ask` names an operation (`mailsim.lab.operations`) and gives its parameters; both they
    and the answer are values that JSON knows.  Raises LabError, UsageError.
    """

    def ask(self, operation: str, /, **parameters: Any) -> Any: ...


class Hosted(Protocol):
    """A lab that this process holds, whatever its backend."""

    ended: threading.Event
    users: WeakSet[object] | None

    @property
    def site(self) -> Backend:
        """Whom to ask."""
        ...

    def stop(self) -> None:
        """End it; nothing is left of it."""

    def leave(self, user: object) -> None:
        """A Lab that looked at it was closed."""
