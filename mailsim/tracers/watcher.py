"""Who looks on while a tracer works."""

from __future__ import annotations

from typing import Protocol

from mailsim.dialogue import Dialogue


class Watcher(Protocol):
    """Is told what was said: after each step, and once more at the end."""

    def step(self, dialogue: Dialogue) -> None: ...

    def end(self, dialogue: Dialogue) -> None: ...
