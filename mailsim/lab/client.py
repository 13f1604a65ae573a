"""A lab that runs in another process, asked through its control port."""

from __future__ import annotations

import json
from typing import Any, Final

from mailsim.errors import ConnectionTimeout, LabError, NetworkError
from mailsim.lab.errors import check_size, error_of
from mailsim.lab.rundir import RunDir
from mailsim.net.local import LineConnection

# What is said is laid down in `mailsim.lab.control`, the other end.
VERSION: Final = 1
KEY: Final = "mailsim-control"
# A message of message_size_limit in base64; every mailbox in one answer.
LONGEST_REQUEST: Final = 16 * 1024 * 1024
LONGEST_ANSWER: Final = 128 * 1024 * 1024
LOOPBACK: Final = "127.0.0.1"
_LAST_PORT: Final = 65_535
PATIENCE: Final = 30.0  # seconds that an operation may take that waits for nothing


class Attached:
    """The lab whose lab.json this is.  A connection a question: nothing stays open."""

    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self._name = name
        self._port: int = document["control"]
        self._token: str = document["token"]
        # A container takes longer than the simulator, and says so.
        self._patience = max(PATIENCE, _seconds_of(document.get("patience")))

    def ask(self, operation: str, /, **parameters: Any) -> Any:
        """Backend's.  LabError where the lab has ended, or says nothing."""
        return self._asked(operation, parameters, to_the_end=False)

    def stop(self) -> None:
        """End the lab; it is silent when this returns."""
        self._asked("stop", {}, to_the_end=True)

    def _asked(self, operation: str, parameters: dict[str, Any], *, to_the_end: bool) -> Any:
        patience = self._patience + float(parameters.get("timeout", 0))
        request = json.dumps({"ask": operation, "with": parameters}).encode()
        check_size(operation, request, LONGEST_REQUEST)
        try:
            connection = LineConnection(
                LOOPBACK, self._port, timeout=patience, limit=LONGEST_ANSWER
            )
            try:
                connection.send(
                    json.dumps({KEY: VERSION, "token": self._token}).encode(),
                    request,
                )
                answer = _answer(connection.line())
                if to_the_end:
                    connection.wait_for_end()
            finally:
                connection.close()
        except ConnectionTimeout as error:
            raise LabError("lab.silent", name=self._name, **_seconds(error)) from None
        except NetworkError:
            raise LabError("lab.stopped") from None
        if "error" in answer:
            raise error_of(answer["error"])
        return answer["answer"]


def _answer(line: bytes) -> dict[str, Any]:
    """The server's line.  Raises LabError for what another program would say."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not value.keys() & {"answer", "error"}:
        raise LabError("lab.stopped")
    return value


def _seconds_of(value: object) -> float:
    """Anybody may have written there."""
    return float(value) if isinstance(value, (int, float)) else 0.0


def _seconds(error: ConnectionTimeout) -> dict[str, object]:
    return {"seconds": error.params.get("seconds", PATIENCE)}


def find(name: str) -> Attached | None:
    """The running lab of that name, None if there is none; what a dead one left is removed.

    Raises LabError where one lives whose lab.json is broken.
    """
    rundir = RunDir(name)
    document = rundir.read()
    whole = document is not None and _can_be_asked(document)
    if document is not None and whole:
        attached = Attached(name, document)
        try:
            attached.ask("describe")
        except LabError as error:
            if error.message_id != "lab.stopped":
                raise
        else:
            return attached
    if not rundir.clean() and not whole and rundir.written:
        raise LabError("lab.broken-folder", folder=rundir.folder)
    return None


def _can_be_asked(document: dict[str, Any]) -> bool:
    """Whether port and token are what they must be: anybody may have written there."""
    port, token = document.get("control"), document.get("token")
    return type(port) is int and 0 < port <= _LAST_PORT and isinstance(token, str)
