"""The log that all of the lab's servers write to, in syslog's form."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

from mailsim.servers.clock import Clock

# 200,000 lines of about 150 octets: bounded, and more than a class writes in a day.
KEPT = 200_000
LONGEST = 8_192
"""How much of a text is written: what senders choose must not fill the log (rsyslog's limit)."""


def printable(text: str) -> str:
    """`?` in place of what does not print, as in Postfix's log."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


class Log:
    """Lines `Jun 21 08:00:01 mail postfix/smtpd[1001]: connect from …`, the newest KEPT of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._stamp = ("", -1)
        self.written = 0
        """How many lines were ever written."""
        self.on_line: Callable[[str], None] | None = None
        """Called with each line, for a file to keep it in."""

    def write(self, program: str, pid: int, text: str, *, host: str = "mail") -> None:
        """One line (`pid` 0: none is shown, as Dovecot has it); what does not print is shown as `?`."""
        text = printable(text[:LONGEST])
        process = f"[{pid}]" if pid else ""
        line = f"{self._time()} {host} {program}{process}: {text}"
        self._lines.append(line)
        self.written += 1
        if self.on_line:
            self.on_line(line)

    def lines(self, since: int = 0) -> tuple[str, ...]:
        """The lines kept, from the `since`-th ever written on."""
        count = min(len(self._lines), max(0, self.written - since))
        newest = list(islice(reversed(self._lines), count))
        return tuple(reversed(newest))

    def _time(self) -> str:
        second = int(self._clock.now())
        if second != self._stamp[1]:
            self._stamp = (self._clock.syslog(), second)
        return self._stamp[0]
