"""Runs a program over a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mailsim.protocol.sieve.complaint import Complaint, Severity, Wrong
from mailsim.protocol.sieve.environment import Envelope, Environment
from mailsim.protocol.sieve.message import Message
from mailsim.protocol.sieve.program import Call, Template, Unit, Value
from mailsim.protocol.sieve.result import INBOX, Action, Keep, Mark, Redirect, Result, mailbox_of
from mailsim.protocol.sieve.settings import Settings
from mailsim.protocol.sieve.trace import Step

# What Pigeonhole finds where actions meet: it knows their places.
_LOCATED: Final = frozenset((
    "sieve.reject-conflict", "sieve.reject-twice", "sieve.reject-vacation", "sieve.vacation-twice",
    "sieve.vacation-reject", "sieve.too-many-actions", "sieve.too-many-redirects",
))  # fmt: skip


class Stop(Exception):
    """stop: nothing behind it is done."""


class Return(Exception):
    """return: the included script ends."""


class Failed(Exception):
    """An error while the script runs: it ends, and the message is kept (RFC 5228 §2.10.6)."""


@dataclass(slots=True)
class Frame:
    """The variables of one script while it runs."""

    unit: Unit
    variables: dict[str, bytes] = field(default_factory=dict)
    matched: tuple[bytes, ...] = ()


class Run:
    """One run: the state that commands and tests read and change."""

    def __init__(
        self,
        unit: Unit,
        message: Message,
        envelope: Envelope,
        environment: Environment,
        settings: Settings,
        *,
        trace: bool,
    ) -> None:
        self.message = message
        self.envelope = envelope
        self.environment = environment
        self.settings = settings
        self.limits = settings.limits
        self.tracing = trace
        self.frame = Frame(unit)
        self.globals: dict[str, bytes] = {}
        self.included: set[int] = {unit.number}
        self.within: list[int] = [unit.number]
        """The scripts that are running, the main one first."""
        self.flags: list[str] = []
        self.actions: list[Action] = []
        self.marks: list[Mark] = []
        self.errors: list[Complaint] = []
        self.trace: list[Step] = []
        self.keeping = True
        """Whether the implicit keep is still in effect."""
        self.taken = False
        """Whether a block of the chain of if, elsif and else was done."""
        self.steps = 0
        self.depth = 0
        self._work = 0
        self._redirects = 0

    # --- values

    def text(self, value: Value) -> bytes:
        """A string with its variables put in."""
        if isinstance(value, bytes):
            return value
        return self._expand(value)

    def texts(self, values: Iterable[Value]) -> list[bytes]:
        """A string list with its variables put in."""
        return [one if isinstance(one, bytes) else self._expand(one) for one in values]

    def _expand(self, template: Template) -> bytes:
        parts = [one if isinstance(one, bytes) else self.variable(*one) for one in template.parts]
        made = b"".join(parts)
        self.charge(len(made))
        return made

    def variable(self, namespace: str, name: str, number: int = -1) -> bytes:
        """A variable's value; what was never set is empty (RFC 5229 §3)."""
        frame = self.frame
        if number >= 0:
            return frame.matched[number] if number < len(frame.matched) else b""
        if namespace == "global" or name in frame.unit.shared:
            return self.globals.get(name, b"")
        return frame.variables.get(name, b"")

    def assign(self, namespace: str, name: str, value: bytes) -> None:
        """Set a variable; what is too long is cut, at a character's edge."""
        if len(value) > self.limits.value:
            value = value[: self.limits.value].decode("utf-8", "ignore").encode()
        frame = self.frame
        shared = namespace == "global" or name in frame.unit.shared
        (self.globals if shared else frame.variables)[name] = value

    @property
    def content(self) -> bytes:
        """The message as it is now; each edited copy of it counts as work."""
        made = self.message.content
        if made is not self.message.original:
            self.charge(len(made))
        return made

    # --- bounds

    def charge(self, octets: int) -> None:
        """Count work; raises Failed beyond the limit."""
        self._work += octets
        if self._work > self.limits.work:
            self.fail(Wrong("sieve.too-much-work"))

    def step(self) -> None:
        """Count a command, test or comparison; raises Failed beyond the limit."""
        self.steps += 1
        if self.steps > self.limits.steps:
            self.fail(Wrong("sieve.too-much-work"))

    # --- telling

    def note(
        self, call: Call, message_id: str, params: dict[str, Any], *, result: bool | None = None
    ) -> None:
        """Add a step to the trace, if one is kept."""
        if self.tracing and len(self.trace) < self.limits.trace:
            line, column = call.place
            self.trace.append(
                Step(
                    call.unit.name, line, column, self.depth, call.name, message_id, params, result
                )
            )

    def complain(self, wrong: Wrong, severity: Severity = Severity.ERROR) -> None:
        """Note what went wrong; the script goes on."""
        if len(self.errors) < self.limits.errors:
            name = self.frame.unit.name
            located = wrong.message_id in _LOCATED
            made = Complaint(wrong.message_id, wrong.params, wrong.place, name, severity, located)
            self.errors.append(made)

    def fail(self, wrong: Wrong) -> None:
        """Note an error and end the run."""
        self.complain(wrong)
        raise Failed

    # --- doing

    def test(self, call: Call) -> bool:
        """What a test gives."""
        self.step()
        self.depth += 1
        if self.depth > self.limits.depth:
            self.fail(Wrong("sieve.too-deep", call.place, most=self.limits.depth))
        found: bool = call.spec.run(self, call)
        self.depth -= 1
        if self.tracing:
            self.note(call, "sieve.trace-test", {"test": call.name}, result=found)
        return found

    def block(self, calls: Sequence[Call]) -> None:
        """Do commands in their order."""
        for call in calls:
            self.step()
            call.spec.run(self, call)

    def act(self, call: Call, action: Action, *, cancels: bool) -> None:
        """Add an action; `cancels` the implicit keep."""
        if isinstance(action, Redirect):
            self._redirects += 1
            if self._redirects > self.limits.redirects:
                self.fail(
                    Wrong(
                        "sieve.too-many-redirects", call.place,
                        found=self._redirects, most=self.limits.redirects,
                    )
                )  # fmt: skip
        if len(self.actions) >= self.limits.actions:
            found = len(self.actions) + 1
            self.fail(
                Wrong("sieve.too-many-actions", call.place, found=found, most=self.limits.actions)
            )
        self.actions.append(action)
        if cancels:
            self.keeping = False

    def result(self) -> Result:
        """What came of it."""
        actions = list(self.actions)
        # What the INBOX has already is not kept there a second time (RFC 5228 §2.10.3).
        if self.keeping and not any(mailbox_of(one) == INBOX for one in actions):
            actions.append(Keep(tuple(self.flags), self.message.content, implicit=True))
        return Result(
            tuple(actions), self.message.content, tuple(self.errors), tuple(self.marks),
            tuple(self.trace), self.steps,
        )  # fmt: skip

    def failure(self) -> Result:
        """What is left of a run that failed: the message is kept as it came, nothing else is done."""
        keep = Keep((), self.message.original, implicit=True)
        return Result(
            (keep,),
            self.message.original,
            tuple(self.errors),
            (),
            tuple(self.trace),
            self.steps,
            failed=True,
        )
