"""What smtpd writes in the log of one connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mailsim.servers.log import Log, printable
from mailsim.servers.smtp.parsing import quoted
from mailsim.servers.smtp.state import (
    BDAT_CONTENT,
    DATA_CONTENT,
    END_OF_MESSAGE,
    UNKNOWN,
    State,
    Transaction,
)
from mailsim.wire.smtp import Reply

LOST, TIMEOUT, TOO_MANY = "lost connection", "timeout", "too many errors"


class Journal:
    """Writes as `program`[`pid`]; `done` and `asked` count the commands."""

    def __init__(self, log: Log, program: str, pid: int) -> None:
        self.program = program
        self.pid = pid
        self.done: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self._log = log

    def write(self, text: str) -> None:
        """One line."""
        self._log.write(self.program, self.pid, text)

    def warn(self, text: str) -> None:
        """A warning."""
        self.write(f"warning: {text}")

    def opened(self, state: State, mail: Transaction) -> None:
        """`4F2A31C0D5: client=…, sasl_method=…`: the queue file is there."""
        given = (
            ("sasl_method", state.sasl_method),
            ("sasl_username", state.sasl_username),
            ("sasl_sender", mail.sasl_sender),
        )
        text = "".join(f", {name}={value}" for name, value in given if value)
        self.write(f"{mail.queue_id}: client={state.client}{text}")

    def reject(self, state: State, reply: Reply, *, sender: str | None, recipient: str) -> None:
        """`NOQUEUE: reject: RCPT from …: 554 5.7.1 …; from=<…> to=<…> proto=ESMTP helo=<…>`"""
        # As it travels: info_log_address_format says so.
        shown = [] if sender is None else [f"from=<{quoted(sender)}>"]
        if recipient:
            shown.append(f"to=<{quoted(recipient)}>")
        shown.append(f"proto={state.protocol}")
        if state.helo is not None:
            shown.append(f"helo=<{state.helo}>")
        text = f"reject: {state.where} from {state.client}: {reply}; {' '.join(shown)}"
        self.write(f"{state.queue_id}: {text}")

    def bad_address(self, state: State, text: str) -> None:
        """`Illegal address syntax from … in MAIL command: <…>`"""
        shown = f"Illegal address syntax from {state.client} in {state.where} command"
        self.warn(f"{shown}: {printable(text)}")

    def broken_off(self, reason: str, state: State, octets: int) -> None:
        """`lost connection after RCPT from …`; nothing is said of a client that goes after its
        message."""
        where = state.where
        if where in (DATA_CONTENT, BDAT_CONTENT):
            where = f"{where.partition(' ')[0]} ({octets} bytes)"
        elif where == END_OF_MESSAGE and reason == LOST:
            return
        self.write(f"{reason} after {where} from {state.client}")

    def goodbye(self, state: State, verbs: Iterable[str]) -> None:
        """`disconnect from … ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4`, in the order of `verbs`."""
        shown = [
            f"{verb.lower()}={_counted(self.done[verb], self.asked[verb])}"
            for verb in (*verbs, UNKNOWN)
            if self.asked[verb]
        ]
        done, asked = self.done.total(), self.asked.total()
        total = _counted(done, asked) if asked else "0/0"
        self.write(" ".join([f"disconnect from {state.client}", *shown, f"commands={total}"]))


def _counted(done: int, asked: int) -> str:
    return str(done) if done == asked else f"{done}/{asked}"
