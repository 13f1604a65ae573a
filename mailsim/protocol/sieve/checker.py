"""Makes a program of the parsed commands, or says of each what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from mailsim.protocol.sieve.complaint import Complaint, Severity, Term, Wrong
from mailsim.protocol.sieve.diagnosis import (
    few,
    header_end,
    not_a_test,
    unknown_name,
    unknown_tag,
)
from mailsim.protocol.sieve.limits import Limits
from mailsim.protocol.sieve.program import Call, Template, Unit, Value
from mailsim.protocol.sieve.spec import MANY, Option, Sort, Spec, Type, fits, type_of
from mailsim.protocol.sieve.strings import decode_encoded, template
from mailsim.protocol.sieve.syntax import Argument, Node, Number, Place, Tag, Text, Texts

if TYPE_CHECKING:
    from mailsim.protocol.sieve.settings import Settings


_NAMED: Final = "sieve.term-tag-named"


class Include(Protocol):
    """Finds the unit of a script that is included, None if there is none."""

    def __call__(
        self, checker: Checker, name: str, *, shared: bool, once: bool, place: Place
    ) -> Unit | None: ...


@dataclass(slots=True)
class Shared:
    """What the scripts of one compilation share."""

    settings: Settings
    limits: Limits
    commands: Mapping[str, Spec]
    include: Include
    complaints: list[Complaint]
    upload: bool = False
    globals: set[str] = field(default_factory=set)
    tokens: int = 0
    """Spent of `limits.tokens`, by all the scripts together."""
    regex_states: int = 0
    """Spent of `limits.regex_states`."""


class Checker:
    """Checks one script.

    A command with an error is complained of once and left out; the others are checked all the
    same.
    """

    def __init__(self, shared: Shared, unit: Unit) -> None:
        self.shared = shared
        self.unit = unit
        self.limits = shared.limits
        self.settings = shared.settings
        self.loaded: set[str] = set()
        self.required: set[str] = set()
        self.namespaces: frozenset[str] = frozenset()
        self.names: set[str] = set()
        self.at_top = True
        """Whether the command that is looked at stands outside all blocks."""
        self.previous: Node | None = None
        self.taken_for_sure = False
        """Whether a test before in the chain of if and elsif is true whatever the message is."""
        self.without_block = False
        """Whether the command whose tests are looked at lacks its block."""
        self._reported: set[str] = set()
        self._errors = 0

    # --- complaints

    def complain(self, wrong: Wrong, severity: Severity = Severity.ERROR) -> None:
        """Note an error or warning, up to the limit."""
        if isinstance(wrong, _Told):
            return
        if severity is Severity.ERROR:
            self._errors += 1
        if len(self.shared.complaints) < self.limits.errors:
            self.shared.complaints.append(Complaint.of(wrong, self.unit.name, severity))

    def warn(self, message_id: str, place: Place, /, **params: object) -> None:
        """Note what is allowed and yet will not do what was meant."""
        self.complain(Wrong(message_id, place, **params), Severity.WARNING)

    @staticmethod
    def told() -> Wrong:
        """What to raise when what is wrong has been said."""
        return _Told()

    @property
    def wrong(self) -> bool:
        """Whether the script has an error."""
        return self._errors > 0

    @property
    def exhausted(self) -> bool:
        """Whether so much is wrong that the rest is left alone."""
        full = self.shared.tokens > self.limits.tokens
        return full or self._errors >= self.limits.errors

    # --- commands

    def script(self, nodes: list[Node]) -> list[Call]:
        """The commands of the whole script."""
        return self.block(nodes, top=True)

    def block(self, nodes: list[Node], *, top: bool = False) -> list[Call]:
        """The commands of a block."""
        made: list[Call] = []
        self.previous = None
        for node in nodes:
            if self.exhausted:
                break
            self.at_top = top
            call = self._checked(node, Sort.COMMAND)
            if call is not None:
                made.append(call)
            self.previous = node
        return made

    def _checked(self, node: Node, sort: Sort) -> Call | None:
        try:
            spec = self._spec(node, sort)
        except Wrong as wrong:
            self.complain(wrong)
            return None
        return None if spec is None else self._call(node, spec, sort)

    def _spec(self, node: Node, sort: Sort) -> Spec | None:
        name = node.name.lower()
        spec = self.shared.commands.get(name)
        if spec is None or (spec.extension and spec.extension not in self.loaded):
            if name in self._reported:
                return None
            self._reported.add(name)
            raise unknown_name(self, node, sort)
        if spec.sort is not sort and spec.sort is not Sort.BOTH:
            misused = "sieve.command-as-test" if sort is Sort.TEST else "sieve.test-as-command"
            raise Wrong(misused, node.place, name=node.name)
        return spec

    def _call(self, node: Node, spec: Spec, sort: Sort) -> Call | None:
        call = Call(spec, node.place, self.unit)
        good = True
        try:
            if spec.early:
                spec.early(self, node, call)
        except Wrong as wrong:
            self.complain(wrong)
            return None
        try:
            self._command(node, spec, call, sort)
        except Wrong as wrong:
            self.complain(wrong)
            good = False
        good = self._tests(node, spec, call) and good
        if spec.known and good:
            spec.known(self, node, call)
        self._inner(node, spec, call, skip=good and call.constant is False)
        return call if good else None

    def _command(self, node: Node, spec: Spec, call: Call, sort: Sort) -> None:
        try:
            self._arguments(node, spec, call)
        except Wrong as wrong:
            # A tag without its colon is read as a test: that is worth telling too.
            self._both(wrong, node, spec)
            raise _Told from None
        self._count_tests(node, spec)
        if sort is Sort.COMMAND:
            self._check_block(node, spec)
        if spec.arguments is not None:
            self.typed(call, call.extra, spec.arguments)
            call.extra = None
        if spec.check:
            spec.check(self, node, call)

    def _both(self, wrong: Wrong, node: Node, spec: Spec) -> None:
        """What is wrong with the arguments, and with the tests."""
        lacking = wrong.message_id == "sieve.argument-count" and few(wrong)
        try:
            self._count_tests(node, spec, lacking=lacking)
        except Wrong as other:
            says_all = lacking and other.message_id in ("sieve.colon-missing", "sieve.unquoted")
            self.complain(wrong.following() if says_all else wrong)
            self.complain(other)
        else:
            self.complain(wrong)

    def _tests(self, node: Node, spec: Spec, call: Call) -> bool:
        if not spec.tests:
            return True
        good = True
        for test in node.tests:
            if self.exhausted:
                return False
            checked = self._checked(test, Sort.TEST)
            good = good and checked is not None
            if checked is not None:
                call.tests.append(checked)
                if spec.decides is not None and checked.constant is spec.decides:
                    break
        return good

    def _inner(self, node: Node, spec: Spec, call: Call, *, skip: bool) -> None:
        # A block behind a test that is never true may use what is not there: ihave's purpose
        # (RFC 5463 §4).
        if spec.block and node.block is not None and not skip:
            taken = self.taken_for_sure
            call.block = self.block(node.block)
            self.taken_for_sure = taken

    # --- arguments

    def _arguments(self, node: Node, spec: Spec, call: Call) -> None:
        options = {
            at: self._option(node, spec, one)
            for at, one in enumerate(node.arguments)
            if isinstance(one, Tag)
        }
        rest = list(node.arguments)
        at = 0
        seen: set[str] = set()
        while at < len(rest) and isinstance(tag := rest[at], Tag):
            at = self._tagged(call, tag, options[at], seen, rest, at)
        positional = rest[at:]
        for one in positional:
            if isinstance(one, Tag):
                raise Wrong(
                    "sieve.tag-behind-arguments", one.place, tag=one.name.lower(),
                    name=spec.name, sort=spec.sort.value,
                )  # fmt: skip
        self._positional(node, spec, call, positional)

    def _option(self, node: Node, spec: Spec, tag: Tag) -> Option:
        name = tag.name.lower()
        for option in spec.options:
            if option.name == name and (not option.extension or option.extension in self.loaded):
                return option
        key = f"{spec.name} :{name}"
        if key in self._reported:
            raise _Told
        self._reported.add(key)
        raise unknown_tag(self, node, spec, tag)

    def _tagged(
        self, call: Call, tag: Tag, option: Option, seen: set[str], rest: list[Argument], at: int
    ) -> int:
        """Take a tag and its value; returns where the next argument is."""
        if option.key in seen and not option.repeats:
            said = "{family} argument (:{tag})" if option.shown else ":{tag} argument"
            params = (("family", option.shown), ("tag", tag.name))
            raise Wrong(
                "sieve.duplicate-tag", tag.place, what=Term(_NAMED, said, params), name=call.name,
                sort=call.spec.sort.value,
            )  # fmt: skip
        seen.add(option.key)
        value: Argument | None = None
        if option.value is not None:
            at += 1
            value = rest[at] if at < len(rest) else None
            call.tags[option.name] = self._tag_value(call, tag, option, value)
        else:
            call.tags[option.name] = True
        if option.family:
            call.tags[option.family] = option.name
        if option.check:
            option.check(self, call, tag, value)
        return at + 1

    def _tag_value(self, call: Call, tag: Tag, option: Option, value: Argument | None) -> Any:
        wanted = option.value
        assert wanted is not None  # noqa: S101 - only such options come here
        if option.mismatch and (value is None or not fits(value, wanted)):
            raise option.mismatch(tag, value)
        given = {"tag": tag.name, "name": call.name, "sort": call.spec.sort.value}
        if value is None:
            raise Wrong("sieve.tag-without-value", tag.place, wanted=wanted.value, **given)
        if not fits(value, wanted):
            raise Wrong(
                "sieve.tag-value-type", value.place, wanted=wanted.value,
                found=type_of(value).value, **given,
            )  # fmt: skip
        return self.value(value, wanted)

    def _positional(self, node: Node, spec: Spec, call: Call, given: list[Argument]) -> None:
        wanted = spec.count if spec.arguments is None else len(spec.arguments)
        if wanted is not None and len(given) != wanted:
            wrong = Wrong(
                "sieve.argument-count", node.place, name=spec.name, sort=spec.sort.value,
                wanted=wanted, found=len(given),
            )  # fmt: skip
            raise wrong.told("", given[wanted].place) if len(given) > wanted else wrong
        if spec.arguments is None:
            call.args = list(given)  # the command's own check reads them
            return
        # Their types are looked at behind the tests' number, as Pigeonhole does.
        call.extra = given

    def typed(
        self, call: Call, given: list[Argument], wanted: tuple[tuple[str, Type], ...]
    ) -> None:
        """Make the positional arguments ready, if they have the types wanted."""
        for number, (argument, (name, kind)) in enumerate(zip(given, wanted, strict=True), 1):
            if not fits(argument, kind):
                raise Wrong(
                    "sieve.argument-type", argument.place, name=call.name,
                    sort=call.spec.sort.value, wanted=kind.value, number=number, argument=name,
                    found=type_of(argument).value,
                )  # fmt: skip
            call.args.append(self.value(argument, kind))

    def value(self, argument: Argument, wanted: Type) -> Any:
        """An argument ready for the run: a Value, a tuple of them, or a number."""
        if isinstance(argument, Number):
            return argument.value
        if isinstance(argument, Texts):
            return tuple(self.text(item) for item in argument.items)
        assert isinstance(argument, Text)  # noqa: S101 - tags are no values
        made = self.text(argument)
        return (made,) if wanted is Type.STRINGS else made

    def text(self, text: Text) -> Value:
        """A string ready for the run, encoded characters and variables seen to."""
        self._spend(text)
        value = decode_encoded(text) if "encoded-character" in self.loaded else text.value
        if "variables" not in self.loaded:
            return value
        made = template(value, text, self.namespaces, self.limits)
        if isinstance(made, Template):
            self.names.update(
                part.name
                for part in made.parts
                if not isinstance(part, bytes) and not part.namespace and part.number < 0
            )
        return made

    def _spend(self, text: Text) -> None:
        """Each ${…} costs as much as a token does."""
        if (found := text.value.count(b"${")) and not self.exhausted:
            self.shared.tokens += found
            if self.shared.tokens > (most := self.limits.tokens):
                raise Wrong("sieve.too-many-tokens", text.place, most=most)

    # --- tests and blocks

    def _count_tests(self, node: Node, spec: Spec, *, lacking: bool = False) -> None:
        if not spec.tests:
            if node.tests:
                raise not_a_test(self, node, spec, lacking=lacking)
            return
        given = {"name": spec.name, "sort": spec.sort.value}
        if not node.tests:
            none = "sieve.no-test-given" if spec.tests == 1 else "sieve.no-tests-given"
            raise Wrong(none, node.place, **given)
        if spec.tests == 1 and node.listed:
            raise Wrong("sieve.tests-for-test", node.place, **given)
        if spec.tests == MANY and not node.listed:
            raise Wrong("sieve.test-for-tests", node.place, **given)

    def _check_block(self, node: Node, spec: Spec) -> None:
        self.without_block = spec.block and node.block is None
        if self.without_block:
            wrong = Wrong("sieve.block-missing", node.place, name=spec.name)
            raise wrong.told("", header_end(self, node))
        if not spec.block and node.block is not None:
            raise Wrong("sieve.block-not-taken", node.place, name=spec.name)


class _Told(Wrong):
    """What has been told already."""

    def __init__(self) -> None:
        super().__init__("")
