"""duplicate (RFC 7352)."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.message import valid_field_name
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.result import Mark
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Argument


def _one_source(_checker: Checker, call: Call, tag: Any, _value: Any) -> None:
    # RFC 7352 §3.1: both at once are an error.
    if "header" in call.tags and "uniqueid" in call.tags:
        raise Wrong("sieve.duplicate-sources", tag.place, tag=f":{tag.name}")


def _header_name(checker: Checker, call: Call, tag: Any, value: Argument | None) -> None:
    _one_source(checker, call, tag, value)
    name = call.tags["header"]
    if isinstance(name, bytes) and name and not valid_field_name(name):
        checker.warn("sieve.odd-field-name", (value or tag).place, name=shown(name))


def _period(run: Run, call: Call) -> int:
    settings = run.settings
    seconds: int | None = call.tags.get("seconds")
    if seconds is None:
        return settings.duplicate_default_period
    most = settings.duplicate_max_period
    return min(seconds, most) if most else seconds


def _unique_id(run: Run, call: Call) -> bytes | None:
    if (given := call.tags.get("uniqueid")) is not None:
        return run.text(given)
    name = call.tags.get("header")
    values = run.message.texts(b"message-id" if name is None else run.text(name).lower())
    return values[0] if values else None


def _duplicate(run: Run, call: Call) -> bool:
    identity = _unique_id(run, call)
    seconds = _period(run, call)
    # RFC 7352 §3.1 and §3.3: without an id, or for no time at all, nothing is a duplicate.
    if identity is None or not seconds:
        run.note(call, "sieve.trace-no-id", {})
        return False
    key = _key(run.text(call.tags.get("handle", b"")), "handle" in call.tags, identity)
    seen = run.environment.seen(key)
    message_id = "sieve.trace-seen" if seen else "sieve.trace-not-seen"
    run.note(call, message_id, {"id": shown(identity)})
    if not seen or "last" in call.tags:
        run.marks.append(Mark(key, seconds))
    return seen


def _key(handle: bytes, named: bool, identity: bytes) -> str:  # noqa: FBT001 - told apart below
    """One key for each handle and id: counted, so that no two pairs make the same."""
    source = b"%d %d:%s%s" % (named, len(handle), handle, identity)
    return f"duplicate {hashlib.sha256(source).hexdigest()}"


SPECS: Final = (
    Spec(
        "duplicate", Sort.TEST, _duplicate, (),
        (
            Option("seconds", Type.NUMBER), Option("handle", Type.STRING), Option("last"),
            Option("header", Type.STRING, check=_header_name),
            Option("uniqueid", Type.STRING, check=_one_source),
        ),
        "duplicate",
    ),
)  # fmt: skip
