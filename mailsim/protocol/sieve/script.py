"""compile_script() makes a Script of octets; run() applies it to a message."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from mailsim.protocol.sieve.checker import Checker, Shared
from mailsim.protocol.sieve.commands import COMMANDS
from mailsim.protocol.sieve.complaint import Complaint, Severity, Wrong, shown
from mailsim.protocol.sieve.environment import Envelope, Environment
from mailsim.protocol.sieve.message import Message
from mailsim.protocol.sieve.parser import Parser
from mailsim.protocol.sieve.program import Unit
from mailsim.protocol.sieve.result import Result
from mailsim.protocol.sieve.running import Failed, Return, Run, Stop
from mailsim.protocol.sieve.settings import SITE, Settings
from mailsim.protocol.sieve.syntax import Node, Place

Includes = Callable[[str, bool], bytes | None]
"""A script by name, personal or global (True); None if there is none."""


def no_includes(_name: str, _shared: bool) -> bytes | None:  # noqa: FBT001 - Includes' form
    """No scripts to include."""
    return None


@dataclass(frozen=True, slots=True)
class Script:
    """A script that may run, any number of times."""

    unit: Unit = field(repr=False)
    settings: Settings = field(repr=False)
    warnings: tuple[Complaint, ...] = ()

    @property
    def name(self) -> str:
        """The main script's name."""
        return self.unit.name


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a script may not run: errors, and warnings among them, in the order of the script."""

    complaints: tuple[Complaint, ...]

    @property
    def errors(self) -> tuple[Complaint, ...]:
        """The errors alone; at least one."""
        return tuple(one for one in self.complaints if one.severity is Severity.ERROR)

    @property
    def told(self) -> tuple[Complaint, ...]:
        """What a person is told: not what only follows from another complaint."""
        return tuple(one for one in self.complaints if not one.follows)

    @property
    def pigeonhole(self) -> str:
        """All of it as Pigeonhole writes it, a line each, the verdict last."""
        return "\n".join(one.pigeonhole for one in self.complaints) + "\n"


class _Edge(NamedTuple):
    origin: Unit
    target: Unit
    place: Place
    once: bool


class _Compiler:
    """Compiles a script and all that it includes, each once."""

    def __init__(self, settings: Settings, includes: Includes, *, upload: bool) -> None:
        self._settings = settings
        self._includes = includes
        self._upload = upload
        self._edges: list[_Edge] = []
        self._pending: deque[tuple[Unit, bytes]] = deque()
        self._units: dict[tuple[str, bool], Unit] = {}
        self.complaints: list[Complaint] = []
        self._shared = Shared(
            settings, settings.limits, COMMANDS, self.include, self.complaints, upload
        )

    def run(self, source: bytes, name: str) -> Unit:
        """The main script's unit, everything checked; what is wrong is in `complaints`."""
        main = Unit(name)
        self._units[name, False] = main
        if not self._compile(main, source):
            return main
        while self._pending:
            unit, octets = self._pending.popleft()
            if not self._compile(unit, octets):
                self._included_wrong(unit, main)
                return main
        self._check_edges(main)
        return main

    def _included_wrong(self, unit: Unit, main: Unit) -> None:
        """Say where a wrong script is included, and where that one is, up to the main script."""
        edge = self._edge_to(unit)
        invalid = "sieve.include-invalid" if unit.parsed else "sieve.include-unparsed"
        self._say(edge.origin, Wrong(invalid, edge.place, name=unit.name))
        while edge.origin is not main:
            edge = self._edge_to(edge.origin)
            self._not_generated(edge)
        self._say(main, Wrong("sieve.generation-failed"))

    def _edge_to(self, unit: Unit) -> _Edge:
        return next(one for one in self._edges if one.target is unit)

    def _not_generated(self, edge: _Edge) -> None:
        name = edge.target.name
        self._say(edge.origin, Wrong("sieve.include-not-generated", edge.place, name=name))

    def _compile(self, unit: Unit, source: bytes) -> bool:
        """Parse and check one script; says whether it is right."""
        if len(source) > self._settings.limits.script_size:
            most = self._settings.limits.script_size
            self._say(unit, Wrong("sieve.script-too-large", most=most))
            return False
        checker = Checker(self._shared, unit)
        nodes = self._parse(checker, source)
        if nodes is None:
            self._verdict(unit, Wrong("sieve.parse-failed"))
            return False
        unit.parsed = True
        unit.calls = checker.script(nodes)
        if checker.wrong:
            self._verdict(unit, Wrong("sieve.validation-failed"))
        return not checker.wrong

    def _parse(self, checker: Checker, source: bytes) -> list[Node] | None:
        spent = self._shared.tokens
        parser = Parser(source, self._settings.limits, checker.complain, spent=spent)
        nodes = parser.parse()
        self._shared.tokens = parser.tokens
        return None if checker.wrong else nodes

    def _verdict(self, unit: Unit, wrong: Wrong) -> None:
        """The last word about the main script; of an included one it is said where it is included."""
        if not unit.number:
            self._say(unit, wrong)

    def _say(self, unit: Unit, wrong: Wrong, severity: Severity = Severity.ERROR) -> None:
        self.complaints.append(Complaint.of(wrong, unit.name, severity))

    # --- included scripts

    def include(
        self, checker: Checker, name: str, *, shared: bool, once: bool, place: Place
    ) -> Unit | None:
        """The unit of an included script, compiled or to be compiled; None if there is no such script."""
        unit = self._units.get((name, shared))
        if unit is None:
            source = self._includes(name, shared)
            if source is None:
                return None
            limits = self._settings.limits
            if len(self._units) > limits.includes:
                raise Wrong(
                    "sieve.too-many-includes",
                    place,
                    name=shown(name.encode()),
                    most=limits.includes,
                )
            unit = Unit(name, number=len(self._units))
            self._units[name, shared] = unit
            self._pending.append((unit, source))
        self._edges.append(_Edge(checker.unit, unit, place, once))
        return unit

    def _check_edges(self, main: Unit) -> None:
        """No script within itself, and none too deep (RFC 6609 §3.1)."""
        behind: dict[int, list[_Edge]] = {}
        for edge in self._edges:
            behind.setdefault(edge.origin.number, []).append(edge)
        if not self._walk(main, behind, [main.number], {}):
            self._say(main, Wrong("sieve.generation-failed"))

    def _walk(
        self, unit: Unit, behind: dict[int, list[_Edge]], within: list[int], depths: dict[int, int]
    ) -> bool:
        """Whether all that `unit` includes is right."""
        most = self._settings.limits.include_depth
        for edge in behind.get(unit.number, ()):
            number = edge.target.number
            if number in within:
                if not edge.once and not self._circular(edge):
                    return False
            elif len(within) > most:
                self._say(edge.origin, Wrong("sieve.include-too-deep", edge.place, most=most))
                return False
            elif depths.get(number, -1) < len(within):
                depths[number] = len(within)
                if not self._walk(edge.target, behind, [*within, number], depths):
                    self._not_generated(edge)
                    return False
        return True

    def _circular(self, edge: _Edge) -> bool:
        """A script within itself: at upload no error yet (RFC 6609 §3.1)."""
        how = Severity.WARNING if self._upload else Severity.ERROR
        self._say(edge.origin, Wrong("sieve.include-circular", edge.place), how)
        return self._upload


def compile_script(
    source: bytes,
    *,
    name: str = "main script",
    includes: Includes = no_includes,
    settings: Settings = SITE,
    upload: bool = False,
) -> Script | Refused:
    """A script made ready to run, or all that is wrong with it.

    `upload`: the script is only being stored; what it includes may be missing yet
    (RFC 6609 §3.1), and is an error when the script runs.
    """
    compiler = _Compiler(settings, includes, upload=upload)
    unit = compiler.run(source, name)
    complaints = tuple(compiler.complaints)
    if any(one.severity is Severity.ERROR for one in complaints):
        return Refused(complaints)
    return Script(unit, settings, complaints)


def run(
    script: Script,
    content: bytes,
    envelope: Envelope,
    environment: Environment,
    *,
    settings: Settings | None = None,
    trace: bool = False,
) -> Result:
    """What the script decides for a message; nothing is done yet.

    `settings`: other ones than the script was compiled with.

    An error while it runs ends it, and the message is kept as it came (RFC 5228 §2.10.6).
    """
    message = Message(content)
    chosen = settings or script.settings
    running = Run(script.unit, message, envelope, environment, chosen, trace=trace)
    try:
        with suppress(Stop, Return):
            running.block(script.unit.calls)
    except Failed:
        return running.failure()
    return running.result()
