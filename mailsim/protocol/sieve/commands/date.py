"""date and currentdate (RFC 5260 §4 and §5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mailsim.protocol.sieve.calendar import PARTS, Moment, read_date, read_offset
from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.indexing import INDEX, check_index, chosen
from mailsim.protocol.sieve.commands.matching import MATCH, check_match, matched
from mailsim.protocol.sieve.commands.tests import check_field_names, constants, positional
from mailsim.protocol.sieve.complaint import Severity, Wrong, shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Argument, Node


def _zone(checker: Checker, call: Call, tag: Any, value: Argument | None) -> None:
    given = call.tags["zone"]
    if isinstance(given, bytes) and read_offset(given.decode("latin-1")) is None:
        checker.warn("sieve.bad-zone", (value or tag).place, zone=shown(given))


def _part_check(checker: Checker, given: Argument, value: object) -> None:
    for name, text in constants(given, (value,)):
        if name.decode("latin-1").lower() not in PARTS:
            checker.warn("sieve.unknown-date-part", text.place, part=shown(name))


def _date_check(checker: Checker, node: Node, call: Call) -> None:
    check_field_names(checker, positional(node, 3), (call.args[0],))
    _part_check(checker, positional(node, 2), call.args[1])
    check_index(call)
    check_match(checker, call, positional(node, 1), call.args[2])


def _current_check(checker: Checker, node: Node, call: Call) -> None:
    _part_check(checker, positional(node, 2), call.args[0])
    check_match(checker, call, positional(node, 1), call.args[1])


def _local_zone(run: Run, call: Call) -> int:
    given = call.tags.get("zone")
    if not isinstance(given, bytes) and given is not None:
        given = run.text(given)
    zone = None if given is None else read_offset(given.decode("latin-1"))
    if given is not None and zone is None:
        wrong = Wrong("sieve.zone-ignored", call.place, zone=shown(given))
        run.complain(wrong, Severity.WARNING)
    return run.environment.zone() if zone is None else zone


def _date(run: Run, call: Call) -> bool:
    return matched(run, call, call.args[2], _dates(run, call))


def _dates(run: Run, call: Call) -> Iterator[bytes]:
    name = run.text(call.args[0])
    values = chosen(call, run.message.texts(name.lower()))
    for value in values:
        # What stands behind the last ";" is the date of Received and its like (RFC 5260 §4).
        text = value.rpartition(b";")[2].decode("utf-8", "replace")
        moment = read_date(text)
        params = {"field": shown(name), "value": shown(value)}
        run.note(call, "sieve.trace-date" if moment else "sieve.trace-no-date", params)
        if moment is None:
            continue
        if "originalzone" not in call.tags:
            moment = moment.at(_local_zone(run, call))
        yield from _part(run, call, moment, run.text(call.args[1]))
    if not values:
        run.note(call, "sieve.trace-no-field", {"field": shown(name)})


def _part(run: Run, call: Call, moment: Moment, name: bytes) -> Iterator[bytes]:
    value = moment.part(name.decode("latin-1").lower())
    if value is None:
        wrong = Wrong("sieve.date-part-ignored", call.place, part=shown(name))
        run.complain(wrong, Severity.WARNING)
    else:
        run.note(call, "sieve.trace-date-part", {"part": shown(name), "value": value})
        yield value.encode()


def _currentdate(run: Run, call: Call) -> bool:
    now = Moment(int(run.environment.now()), _local_zone(run, call))
    return matched(run, call, call.args[1], _part(run, call, now, run.text(call.args[0])))


_ZONE: Final = Option("zone", Type.STRING, family="zoning", check=_zone)
_KEYS: Final = ("key list", Type.STRINGS)
_DATE_PART: Final = ("date part", Type.STRING)
SPECS: Final = (
    Spec(
        "date", Sort.TEST, _date, (("header name", Type.STRING), _DATE_PART, _KEYS),
        (*MATCH, _ZONE, Option("originalzone", family="zoning"), *INDEX), "date",
        check=_date_check,
    ),
    Spec(
        "currentdate", Sort.TEST, _currentdate, (_DATE_PART, _KEYS), (*MATCH, _ZONE), "date",
        check=_current_check,
    ),
)  # fmt: skip
