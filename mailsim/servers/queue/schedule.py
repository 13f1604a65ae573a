"""When deferred mail is tried again: qmgr's backoff, on the lab's clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsim.servers.clock import Clock
    from mailsim.servers.config import Config
    from mailsim.servers.store import QueueRow


def next_attempt(config: Config, row: QueueRow, now: float) -> float:
    """As long again as it has waited, within bounds (qmgr_active_done_3_generic)."""
    age = now - row.arrival
    return now + max(config.minimal_backoff_time, min(age, config.maximal_backoff_time))


def expired(config: Config, row: QueueRow, now: float) -> bool:
    """Whether the message has waited long enough (RFC 5321 §4.5.4.1)."""
    lifetime = config.maximal_queue_lifetime if row.sender else config.bounce_queue_lifetime
    return now >= row.arrival + lifetime


class Schedule:
    """Calls `run` when mail is due.

    On a fixed clock time passes by `advance` alone, and each is a queue run.  Else a timer on
    the loop scans the queue every queue_run_delay seconds as long as mail waits.
    """

    def __init__(self, clock: Clock, delay: Callable[[], float], run: Callable[[], None]) -> None:
        self._clock = clock
        self._delay = delay
        self._run = run
        self._timer: asyncio.TimerHandle | None = None
        self._earliest = 0.0
        self._origin = clock.now()
        self._on = False
        clock.on_advance(self._advanced)

    def start(self) -> None:
        """Time counts from here on."""
        self._on = True

    def stop(self) -> None:
        """No more runs."""
        self._on = False
        self._cancel()

    def set(self, times: Iterable[float]) -> None:
        """These are the next attempts of all the mail that waits."""
        self._cancel()
        earliest = min(times, default=0.0)
        if earliest:
            self.add(earliest)

    def add(self, attempt: float) -> None:
        """Mail waits for this time, too."""
        if not self._on or self._clock.fixed or (self._timer and self._earliest <= attempt):
            return
        self._cancel()
        self._earliest = attempt
        scan = self._delay()
        at = self._origin + math.ceil((attempt - self._origin) / scan) * scan
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, at - self._clock.now()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._run()

    def _advanced(self) -> None:
        if self._on:
            self._run()

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
