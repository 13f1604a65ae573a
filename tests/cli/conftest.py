from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from mailsim.cli.main import main


@dataclass(frozen=True)
class Result:
    """What a command left."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process, with `stdin` as a pipe."""
    monkeypatch.setenv("MAILSIM_LANG", "en")

    def go(*arguments: str, stdin: str = "") -> Result:
        pipe = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", pipe)
        code = main(arguments)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return go


class _Controller(Controller):
    """aiosmtpd's, on the port that the system chose."""

    server: Any

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture
def smtp_server() -> Iterator[str]:
    """A real SMTP server that is not ours; its "host:port"."""
    controller = _Controller(Sink(), hostname="127.0.0.1", port=0)
    controller.start()
    yield f"127.0.0.1:{controller.port}"
    controller.stop()
