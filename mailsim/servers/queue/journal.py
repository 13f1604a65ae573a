"""What Postfix's daemons, and Dovecot's LMTP, write in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.queue.refused import Refused

if TYPE_CHECKING:
    from mailsim.servers.world import World


class Journal:
    """The log's lines about queued mail.  Each program has one process in a world, as if master
    used it again and again, so that logs repeat."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pids: dict[str, int] = {}

    def pid(self, program: str) -> int:
        """The program's process id."""
        if program not in self._pids:
            self._pids[program] = self._world.ids.pid()
        return self._pids[program]

    def write(self, program: str, text: str) -> None:
        """A line of `postfix/qmgr` and its kin, written once the present step is kept."""
        pid = self.pid(program)
        self._world.store.after(lambda: self._world.log.write(program, pid, text))

    def refused(self, refused: Refused) -> None:
        """cleanup's warning, where it has one."""
        if refused.warning:
            self.write("postfix/cleanup", f"warning: {refused.warning}")

    def active(self, mail: Mail) -> None:
        """qmgr takes a message into its active queue."""
        row = mail.row
        count = len(row.recipients)
        self.write(
            "postfix/qmgr",
            f"{row.queue_id}: from=<{row.sender}>, size={row.size}, nrcpt={count} (queue active)",
        )

    def removed(self, queue_id: str, program: str = "postfix/qmgr") -> None:
        """The message is gone from the queue."""
        self.write(program, f"{queue_id}: removed")

    def delivery(self, mail: Mail, outcome: Outcome) -> None:
        """One recipient's delivery, as log_adhoc() writes it."""
        one = outcome.recipient
        # Postfix shows what the recipient was before aliases and maps, where it differs.
        before = one.original if one.original.lower() != outcome.address.lower() else ""
        orig = f", orig_to=<{before}>" if before else ""
        now = self._world.clock.now()
        made = outcome.connected or outcome.begun or now
        parts = (
            (outcome.begun or now) - mail.row.arrival,
            0.0,
            made - (outcome.begun or now),
            now - made,
        )
        delays = "/".join(map(_pretty, parts))
        self.write(
            outcome.program,
            f"{mail.row.queue_id}: to=<{outcome.address}>{orig}, relay={outcome.relay}, "
            f"delay={_pretty(now - mail.row.arrival)}, delays={delays}, dsn={outcome.dsn}, "
            f"status={outcome.status} ({outcome.reason})",
        )
        if outcome.program == "postfix/lmtp":  # it logs before it says QUIT
            self.dovecot("lmtp", "Disconnect from local: Logged out (state=READY)")

    def dovecot(self, service: str, text: str) -> None:
        """A line of one of Dovecot's servers: `lmtp(1004): Connect from local`."""
        line = f"{service}({self.pid(f'dovecot/{service}')}): {text}"
        self._world.store.after(lambda: self._world.log.write("dovecot", 0, line))

    def lmtp(self, user: str, session: str, text: str) -> None:
        """A line of Dovecot's LMTP server."""
        pid = self.pid("dovecot/lmtp")
        line = f"lmtp({user})<{pid}><{session}>: {text}"
        self._world.store.after(lambda: self._world.log.write("dovecot", 0, line))


def _pretty(seconds: float) -> str:
    """Two significant digits, no finer than 0.01, no zeros behind (format_tv, as log_adhoc calls it)."""
    if seconds < 0.005:  # half of the finest
        return "0"
    digits = 2 if seconds < 1 else 1 if seconds < 10 else 0
    text = f"{seconds:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
