"""What stands between a Lab and where it runs: one question, one JSON value for an answer."""

from __future__ import annotations

from typing import Any, Protocol

Document = dict[str, Any]


class Backend(Protocol):
    """Where a lab runs: in this process, or behind a control port.

    `ask` names an operation (`mailsim.lab.operations`) and gives its parameters; both they
    and the answer are values that JSON knows.  Raises LabError, UsageError.
    """

    def ask(self, operation: str, /, **parameters: Any) -> Any: ...
