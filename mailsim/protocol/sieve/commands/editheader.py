"""addheader and deleteheader (RFC 5293)."""

from __future__ import annotations

from typing import Any, Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.indexing import check_index
from mailsim.protocol.sieve.commands.matching import MATCH, check_match, matched
from mailsim.protocol.sieve.complaint import Severity, Wrong, shown
from mailsim.protocol.sieve.message import valid_field_name
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.settings import Settings
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Argument, Node, Number

# RFC 5293 §6: never to be deleted; Subject may always be changed.
_KEPT: Final = frozenset(("received", "auto-submitted"))


def _may_add(settings: Settings, name: bytes) -> bool:
    key = name.decode("latin-1").lower()
    return key == "subject" or key not in settings.editheader_forbid_add


def _may_delete(settings: Settings, name: bytes) -> bool:
    key = name.decode("latin-1").lower()
    return key == "subject" or key not in settings.editheader_forbid_delete | _KEPT


# --- addheader


def _add_check(checker: Checker, node: Node, call: Call) -> None:
    name, value = call.args
    given = node.arguments[-2]
    if isinstance(name, bytes):
        if not valid_field_name(name):
            raise Wrong("sieve.addheader-name", given.place, name=shown(name))
        if not _may_add(checker.settings, name):
            checker.warn("sieve.addheader-forbidden", given.place, name=shown(name))
    if isinstance(value, bytes) and b"\0" in value:
        raise Wrong("sieve.addheader-value", node.arguments[-1].place, value=shown(value))


def _addheader(run: Run, call: Call) -> None:
    name, value = run.text(call.args[0]), run.text(call.args[1])
    if not valid_field_name(name):
        run.fail(Wrong("sieve.adding-name", call.place, name=shown(name)))
    if b"\0" in value:
        run.fail(Wrong("sieve.addheader-value", call.place, value=shown(value)))
    if not _may_add(run.settings, name):
        # RFC 5293 §6: what is not permitted is silently left undone.
        run.note(call, "sieve.trace-edit-forbidden", {"field": shown(name)})
        return
    if len(value) > run.settings.editheader_max_header_size:
        most = run.settings.editheader_max_header_size
        run.fail(Wrong("sieve.addheader-size", call.place, name=shown(name), most=most))
    run.message.add(name, value, last="last" in call.tags)
    run.note(call, "sieve.trace-added", {"field": shown(name), "value": shown(value)})


# --- deleteheader


def _delete_check(checker: Checker, node: Node, call: Call) -> None:
    """<field-name: string> [<value-patterns: string-list>]"""
    given: list[Argument] = list(call.args)
    spec = {"name": call.name, "sort": call.spec.sort.value}
    if not given:
        raise Wrong("sieve.flags-missing", node.place, **spec)
    if len(given) > 2:
        raise Wrong("sieve.argument-count", node.place, wanted=2, found=len(given), **spec)
    first = Type.STRINGS if isinstance(given[0], Number) else Type.STRING  # as Pigeonhole says it
    wanted = (("field name", first), ("value patterns", Type.STRINGS))
    call.args = []
    checker.typed(call, given, wanted[: len(given)])
    check_index(call)
    name = call.args[0]
    if isinstance(name, bytes):
        if not valid_field_name(name):
            raise Wrong("sieve.deleteheader-name", given[0].place, name=shown(name))
        if not _may_delete(checker.settings, name):
            checker.warn("sieve.deleteheader-forbidden", given[0].place, name=shown(name))
    if len(given) == 2:
        check_match(checker, call, given[1], call.args[1])


def _deleteheader(run: Run, call: Call) -> None:
    name = run.text(call.args[0])
    if not valid_field_name(name):
        run.fail(Wrong("sieve.deleting-name", call.place, name=shown(name)))
    if not _may_delete(run.settings, name):
        wrong = Wrong("sieve.deleting-forbidden", call.place, name=shown(name))
        run.complain(wrong, Severity.WARNING)
        run.note(call, "sieve.trace-edit-forbidden", {"field": shown(name)})
        return
    values = run.message.texts(name.lower())
    found = list(zip(run.message.positions(name), values, strict=True))
    index: Any = call.tags.get("index")
    if index is not None:
        # The count comes before the match (RFC 5293 §5).
        at = -index if "last" in call.tags else index - 1
        found = [found[at]] if index <= len(found) else []
    if len(call.args) > 1:
        keys = run.texts(call.args[1])
        found = [(at, value) for at, value in found if matched(run, call, keys, (value,))]
    run.message.delete([at for at, _ in found])
    run.note(call, "sieve.trace-deleted", {"field": shown(name), "count": len(found)})


SPECS: Final = (
    Spec(
        "addheader", Sort.COMMAND, _addheader,
        (("field-name", Type.STRING), ("value", Type.STRING)), (Option("last"),), "editheader",
        check=_add_check,
    ),
    Spec(
        "deleteheader", Sort.COMMAND, _deleteheader, None,
        (*MATCH, Option("index", Type.NUMBER), Option("last")),
        "editheader", check=_delete_check,
    ),
)  # fmt: skip
