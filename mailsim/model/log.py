"""One line that a mail server wrote in its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LogLine:
    """A syslog line, with what it says taken apart.

    `stamp` is the time as it stands there; `program` who wrote it ("postfix/smtpd",
    "postfix-ugb/lmtp", "dovecot", "amavis") and `service` which part of it ("smtpd",
    "imap-login", "amavis"); `queue_id` the message's id in Postfix's queue ("" if none);
    `text` what follows the program's name.  `fields` holds what the text names: Postfix's
    `to`, `relay`, `dsn`, `status`, `reply` …, Dovecot's `user`, `msgid`, `mailbox` ….
    A line that is no syslog line has its `text` alone.
    """

    text: str
    stamp: str = ""
    host: str = ""
    program: str = ""
    service: str = ""
    pid: int = 0
    queue_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The line as it stands in the log."""
        if not self.program:
            return self.text
        pid = f"[{self.pid}]" if self.pid else ""
        return f"{self.stamp} {self.host} {self.program}{pid}: {self.text}"

    @property
    def instance(self) -> str:
        """Which program on which host: a queue id means something there alone."""
        return f"{self.host} {self.program.partition('/')[0]}"
